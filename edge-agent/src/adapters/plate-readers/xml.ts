/**
 * Reads a small XML document of a stranger into plain objects: elements become keys, their text strings, several of one name an
 * array. Attributes and namespaces are left out. There is no document type, hence no entity but the five of XML itself.
 */
import sax from 'sax';

const maxXmlChars = 256 * 1024;
const maxDepth = 16;
const maxElements = 2_000;

/** Its type does not know this one. */
const options: sax.SAXOptions & { readonly strictEntities: true } = { strictEntities: true };

export function readXml(text: string): { readonly document: unknown } | { readonly refused: string } {
  if (text.length > maxXmlChars) return { refused: `body: is longer than ${String(maxXmlChars)} characters` };
  const root = newElement('');
  const open = [root];
  let elements = 0;
  const parser = sax.parser(true, options);
  const take = (characters: string): void => {
    const element = open.at(-1);
    if (element !== undefined) element.text += characters;
  };
  parser.ontext = take;
  parser.oncdata = take;
  parser.onopentag = ({ name }) => {
    elements += 1;
    if (elements > maxElements) throw new Broken(`holds more than ${String(maxElements)} elements`);
    if (open.length === 1 && root.children.size > 0) throw new Broken('is not XML');
    // The root stands for the document.
    if (open.length > maxDepth) throw new Broken(`has elements more than ${String(maxDepth)} deep`);
    open.push(newElement(name.slice(name.indexOf(':') + 1)));
  };
  parser.onclosetag = () => {
    const element = open.pop();
    if (element === undefined) return;
    const children = open.at(-1)?.children;
    children?.set(element.name, [...(children.get(element.name) ?? []), valueOf(element)]);
  };
  parser.ondoctype = () => {
    throw new Broken('must not have a document type');
  };
  parser.onerror = () => {
    // The parser's words quote the text around the error, which may hold a plate.
    throw new Broken('is not XML');
  };
  try {
    // A byte-order mark is no text.
    parser.write(text.replace(/^\uFEFF/, '')).close();
  } catch (error) {
    if (error instanceof Broken) return { refused: `body: ${error.message}` };
    throw error;
  }
  return { document: valueOf(root) };
}

class Broken extends Error {}

interface Element {
  readonly name: string;
  text: string;
  readonly children: Map<string, unknown[]>;
}

function newElement(name: string): Element {
  return { name, text: '', children: new Map() };
}

function valueOf({ text, children }: Element): unknown {
  if (children.size === 0) return text.trim();
  // Makes properties of its own of all names, __proto__ too.
  return Object.fromEntries([...children].map(([name, values]) => [name, values.length === 1 ? values[0] : values]));
}
