/** Finds the text in what cameras post beside pictures. Pictures are passed over: nothing of them is decoded or kept. */

const maxParts = 16;
const maxHeaderBytes = 4_096;
const maxTextBytes = 1024 * 1024;

export type FormText = { readonly text: string } | { readonly refused: string };

/** `key=value&…` with the field `json`. */
export function jsonOfUrlEncoded(body: Buffer): FormText {
  if (body.length > 3 * maxTextBytes) return { refused: `json: is longer than ${String(maxTextBytes)} bytes` };
  const json = new URLSearchParams(body.toString('utf8')).get('json');
  return json === null ? { refused: 'json: the form has no such field' } : { text: json };
}

/** How the part looks that is wanted. A name that ends so is a file's, or a field's where cameras name it after its file. */
const wanted = {
  json: {
    name: /^content-disposition:[^\r\n]*;\s*name="?json"?\s*(;|$)/im,
    type: /^content-type:\s*application\/json\b/im,
    rule: 'has this name or is of type application/json',
  },
  xml: {
    name: /^content-disposition:[^\r\n]*name="?[^"\r\n;]{1,200}\.xml"?\s*(;|$)/im,
    type: /^content-type:\s*(application|text)\/xml\b/im,
    rule: 'has a name that ends in .xml or is of type application/xml or text/xml',
  },
} as const;

/**
 * The first part of multipart/form-data (RFC 7578) that is named or says that it is what is wanted.
 * `contentType`: the header of the request, which names the boundary.
 */
export function textOfMultipart(body: Buffer, contentType: string, language: keyof typeof wanted): FormText {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) return { refused: 'content-type: names no boundary' };
  const { name, type, rule } = wanted[language];
  const delimiter = Buffer.from(`--${boundary}`, 'latin1');
  let at = body.indexOf(delimiter);
  for (let part = 0; part < maxParts && at >= 0; part += 1) {
    const start = at + delimiter.length;
    const end = body.indexOf(Buffer.concat([Buffer.from('\r\n'), delimiter]), start);
    const headersEnd = body.indexOf('\r\n\r\n', start, 'latin1');
    if (end < 0 || headersEnd < 0 || headersEnd + 4 > end || headersEnd - start > maxHeaderBytes) break;
    const headers = body.toString('utf8', start, headersEnd);
    if (name.test(headers) || type.test(headers)) {
      if (end - headersEnd > maxTextBytes) {
        return { refused: `${language}: is longer than ${String(maxTextBytes)} bytes` };
      }
      return { text: body.toString('utf8', headersEnd + 4, end) };
    }
    at = end + 2;
  }
  return { refused: `${language}: none of the first ${String(maxParts)} parts of the form ${rule}` };
}
