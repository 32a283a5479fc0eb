/** Finds the JSON in what cameras post beside pictures. Pictures are passed over: nothing of them is decoded or kept. */

const maxParts = 16;
const maxHeaderBytes = 4_096;
const maxJsonBytes = 1024 * 1024;

export type FormJson = { readonly json: string } | { readonly refused: string };

/** `key=value&…` with the field `json`. */
export function jsonOfUrlEncoded(body: Buffer): FormJson {
  if (body.length > 3 * maxJsonBytes) return { refused: `json: is longer than ${String(maxJsonBytes)} bytes` };
  const json = new URLSearchParams(body.toString('utf8')).get('json');
  return json === null ? { refused: 'json: the form has no such field' } : { json };
}

/**
 * The first part of multipart/form-data (RFC 7578) that is named `json` or says that it is JSON.
 * `contentType`: the header of the request, which names the boundary.
 */
export function jsonOfMultipart(body: Buffer, contentType: string): FormJson {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) return { refused: 'content-type: names no boundary' };
  const delimiter = Buffer.from(`--${boundary}`, 'latin1');
  let at = body.indexOf(delimiter);
  for (let part = 0; part < maxParts && at >= 0; part += 1) {
    const start = at + delimiter.length;
    const end = body.indexOf(Buffer.concat([Buffer.from('\r\n'), delimiter]), start);
    const headersEnd = body.indexOf('\r\n\r\n', start, 'latin1');
    if (end < 0 || headersEnd < 0 || headersEnd + 4 > end || headersEnd - start > maxHeaderBytes) break;
    if (holdsJson(body.toString('utf8', start, headersEnd))) {
      if (end - headersEnd > maxJsonBytes) return { refused: `json: is longer than ${String(maxJsonBytes)} bytes` };
      return { json: body.toString('utf8', headersEnd + 4, end) };
    }
    at = end + 2;
  }
  return {
    refused: `json: none of the first ${String(maxParts)} parts of the form has this name or is of type application/json`,
  };
}

function holdsJson(headers: string): boolean {
  return (
    /^content-disposition:[^\r\n]*;\s*name="?json"?\s*(;|$)/im.test(headers) ||
    /^content-type:\s*application\/json\b/im.test(headers)
  );
}
