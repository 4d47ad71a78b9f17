import { html } from 'hono/html';
import MarkdownIt, { type Token } from 'markdown-it';
import { type Html, outsideLink, tableOf } from './parts.ts';

/*
 * Renders Markdown: runbooks and post-mortems of people, and the documentation. HTML and entities in a text are shown as text, links of schemes
 * other than http and https lead nowhere, and images are links. No definitions: `[E1]: text` is text, as it looks.
 */

const parser = new MarkdownIt('default', { html: false }).disable(['entity', 'reference', 'strikethrough']);
// The address of a link is checked when it is shown, so a refused one leaves its text.
parser.validateLink = () => true;

/** Elements below this depth are left out; their content is shown in the last one. */
const DEPTH_MAX = 24;

/** Longer tables are shown as text: each cell is an element with attributes. */
const CELLS_MAX = 5000;

/** Addresses of the documentation in the console. */
const DOCUMENT = /^\/console\/docs\/[\w.-]+$/;

/** Levels of headings in the output; the page itself uses the levels above. */
const HEADING_FIRST = 3;
const HEADING_LAST = 6;

/** An element of a text. `kind`: the type of its token, without `_open` */
type Element = { kind: string; token: Token; children: Element[] };

/** Parses a text. @param title a first heading with these words is left out, because the page has it */
function elementsOf(text: string, title: string): Element[] {
  const all = nested(parser.parse(text, {}));
  const [first] = all;
  return first?.kind === 'heading' && textOf(first) === title ? all.slice(1) : all;
}

/** Returns the elements of a list of tokens, of which some open and some close an element. */
function nested(tokens: readonly Token[]): Element[] {
  const root: Element[] = [];
  const open: Element[][] = [root];
  for (const token of tokens) {
    const siblings = open.at(-1) ?? root;
    if (token.nesting < 0) open.pop();
    else if (token.nesting > 0 && open.length > DEPTH_MAX) open.push(siblings);
    else {
      const element: Element = {
        kind: token.type.replace(/_open$/, ''),
        token,
        children: nested(token.children ?? []),
      };
      siblings.push(element);
      if (token.nesting > 0) open.push(element.children);
    }
  }
  return root;
}

/** Returns the source of an element's text. */
const textOf = ({ children }: Element): string => children.map(({ token }) => token.content).join('');

/** Renders a text. @param title a first heading with these words is left out, because the page has it */
export function markdown(text: string, title: string): Html {
  const elements = elementsOf(text, title);
  const top = Math.min(...elements.filter(({ kind }) => kind === 'heading').map(levelOf));
  let last = HEADING_FIRST - 1;
  let tables = 0;
  return html`${elements.map((element) => {
    if (element.kind !== 'heading') return block(element, () => (tables += 1));
    // Levels of headings never skip one, whatever the text does.
    last = Math.min(levelOf(element) - top + HEADING_FIRST, last + 1, HEADING_LAST);
    return heading(last, inline(element.children));
  })}`;
}

/** Returns the level of a heading in the text. */
const levelOf = ({ token }: Element): number => Number(token.tag.slice(1));

function heading(level: number, text: Html): Html {
  if (level === 3) return html`<h3>${text}</h3>`;
  if (level === 4) return html`<h4>${text}</h4>`;
  return level === 5 ? html`<h5>${text}</h5>` : html`<h6>${text}</h6>`;
}

/** @param nextTable returns the number of the next table */
function block(element: Element, nextTable: () => number): Html {
  const { kind, token, children } = element;
  const within = (all: readonly Element[]) => html`${all.map((child) => block(child, nextTable))}`;
  switch (kind) {
    case 'fence':
    case 'code_block':
      return html`<pre class="code">${codeOf(element)}</pre>`;
    case 'blockquote':
      return html`<blockquote>${within(children)}</blockquote>`;
    case 'bullet_list':
      return html`<ul>
        ${within(children)}
      </ul>`;
    case 'ordered_list':
      return html`<ol start="${token.attrGet('start') ?? 1}">
        ${within(children)}
      </ol>`;
    case 'list_item':
      return html`<li>${leadOf(element)}${within(restOf(element))}</li>`;
    case 'table':
      return table(element, nextTable());
    case 'hr':
      return html`<hr />`;
    case 'heading':
      // Headings in lists and quotations are no part of the structure of the page.
      return html`<p><strong>${inline(children)}</strong></p>`;
    case 'paragraph':
      return html`<p>${inline(children)}</p>`;
    default:
      return inline([element]);
  }
}

/** Returns the text of a block of code. */
const codeOf = ({ token }: Element): string => token.content.replace(/\n$/, '');

const leads = ([first]: readonly Element[]): boolean => first?.kind === 'paragraph';

/** Renders the first paragraph of an item, without the space of a paragraph. */
const leadOf = ({ children }: Element): Html => inline(leads(children) ? (children[0]?.children ?? []) : []);

/** Returns what follows the first paragraph of an item. */
const restOf = ({ children }: Element): Element[] => (leads(children) ? children.slice(1) : children);

/** Returns the cells of a table, by row. The first row has the names of the columns. */
const cellsOf = ({ children }: Element): Element[][] =>
  children.flatMap((part) => part.children).map((row) => row.children);

function table(element: Element, number: number): Html {
  const [columns = [], ...rows] = cellsOf(element);
  if (columns.length * rows.length > CELLS_MAX)
    return html`<pre class="code">${[columns, ...rows].map((row) => row.map(textOf).join(' | ')).join('\n')}</pre>`;
  return tableOf(
    `table ${number} of the text`,
    columns.map(textOf),
    rows.map(([first, ...others]) => [inline(first?.children ?? []), ...others.map((cell) => inline(cell.children))]),
  );
}

/** Renders code, links, and emphasis in a line. */
const inline = (elements: readonly Element[]): Html =>
  html`${elements.map(({ kind, token, children }) => {
    switch (kind) {
      case 'inline':
        return inline(children);
      case 'strong':
        return html`<strong>${inline(children)}</strong>`;
      case 'em':
        return html`<em>${inline(children)}</em>`;
      case 'link':
        return link(token.attrGet('href'), children);
      case 'image':
        return link(token.attrGet('src'), children);
      case 'code_inline':
        return html`<code>${token.content}</code>`;
      case 'hardbreak':
        return html`<br />`;
      case 'softbreak':
        return '\n';
      default:
        return html`${token.content}`;
    }
  })}`;

function link(address: string | number | null, label: readonly Element[]): Html {
  const text = label.length === 0 ? String(address) : inline(label);
  return DOCUMENT.test(String(address)) ? html`<a href="${address}">${text}</a>` : outsideLink(String(address), text);
}
