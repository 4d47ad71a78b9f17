/** The content of an element: text, nested elements, or a list of elements with the same name. */
export type Xml = string | number | boolean | { [name: string]: Xml | undefined } | Xml[];

/** Creates a document with the root element `root`. Omits undefined members. */
export function xmlDocument(root: string, content: Xml): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(root, content)}`;
}

function element(name: string, content: Xml): string {
  if (Array.isArray(content)) return content.map((item) => element(name, item)).join('');
  return `<${name}>${inner(content)}</${name}>`;
}

function inner(content: Exclude<Xml, Xml[]>): string {
  if (typeof content !== 'object') return escape(String(content));
  return Object.entries(content)
    .map(([name, value]) => (value === undefined ? '' : element(name, value)))
    .join('');
}

/** Escapes text, including control characters, which are allowed in keys but which a parser would change or refuse. */
function escape(text: string): string {
  return text.replace(/[&<>"\u0000-\u001f]/g, (character) => `&#${character.charCodeAt(0)};`);
}
