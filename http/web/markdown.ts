import { html } from 'hono/html';
import { type Html, outsideLink, tableOf } from './parts.ts';

/*
 * Renders the part of Markdown that runbooks use: headings, paragraphs, lists, quotations, code, tables, emphasis, and
 * links to other sites. HTML in the text is shown as text, and links of other schemes lead nowhere. Images are not loaded.
 */

/** Nested lists and quotations below this depth are shown as paragraphs. */
const DEPTH_MAX = 6;

/** Longer paragraphs are shown without emphasis and links, so that no text takes long to render. */
const INLINE_MAX_CHARS = 20_000;

/** Levels of headings in the output; the page itself uses the levels above. */
const HEADING_FIRST = 3;
const HEADING_LAST = 6;

/** A block of a text. */
export type Block =
  | { kind: 'heading'; level: number; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'quote'; lines: string[] }
  | { kind: 'list'; start: number | null; items: string[][] }
  | { kind: 'table'; columns: string[]; rows: string[][] }
  | { kind: 'rule' }
  | { kind: 'paragraph'; text: string };

const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*$/;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|(\d{1,9})[.)])( {1,4}|$)/;
const TABLE_RULE = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;

/** Renders a text. @param title a first heading with these words is left out, because the page has it */
export function markdown(text: string, title: string): Html {
  const blocks = blocksOf(text.split(/\r\n?|\n/));
  const [first] = blocks;
  return rendered(first?.kind === 'heading' && first.text === title ? blocks.slice(1) : blocks, 0);
}

/** Returns the blocks of a text. */
export function blocksOf(lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length;) {
    const [block, next] = blockAt(lines, at);
    if (block !== null) blocks.push(block);
    at = next;
  }
  return blocks;
}

/** Returns the block that begins in a line, and the index of the line after it. Null: the line is empty. */
function blockAt(lines: readonly string[], at: number): [Block | null, number] {
  const line = lines[at] ?? '';
  if (line.trim() === '') return [null, at + 1];
  const [, fence] = FENCE.exec(line) ?? [];
  if (fence !== undefined) return codeAt(lines, at, fence);
  const [, hashes, text = ''] = HEADING.exec(line) ?? [];
  if (hashes !== undefined) return [{ kind: 'heading', level: hashes.length, text }, at + 1];
  if (RULE.test(line)) return [{ kind: 'rule' }, at + 1];
  if (QUOTE.test(line)) {
    const end = endOf(lines, at, (candidate) => QUOTE.test(candidate));
    return [{ kind: 'quote', lines: lines.slice(at, end).map((candidate) => candidate.replace(QUOTE, '')) }, end];
  }
  if (ITEM.test(line)) return listAt(lines, at);
  if (/^ {4}|^\t/.test(line)) {
    const end = endOf(lines, at, (candidate) => /^ {4}|^\t/.test(candidate) || candidate.trim() === '');
    const code = lines.slice(at, end).map((candidate) => candidate.replace(/^ {4}|^\t/, ''));
    return [{ kind: 'code', text: code.join('\n').trimEnd() }, end];
  }
  if (line.includes('|') && TABLE_RULE.test(lines[at + 1] ?? '') && (lines[at + 1] ?? '').includes('|')) {
    const end = endOf(lines, at + 2, (candidate) => candidate.includes('|'));
    return [{ kind: 'table', columns: cellsOf(line), rows: lines.slice(at + 2, end).map(cellsOf) }, end];
  }
  const end = endOf(lines, at + 1, (candidate) => !beginsBlock(candidate));
  const paragraph = lines.slice(at, end).map((candidate) => candidate.trim());
  return [{ kind: 'paragraph', text: paragraph.join('\n') }, end];
}

const beginsBlock = (line: string): boolean =>
  line.trim() === '' || [FENCE, HEADING, RULE, QUOTE, ITEM].some((begin) => begin.test(line));

/** Returns the index of the first line from `at` on that does not belong. */
function endOf(lines: readonly string[], at: number, belongs: (line: string) => boolean): number {
  let end = at;
  while (end < lines.length && belongs(lines[end] ?? '')) end += 1;
  return end;
}

function codeAt(lines: readonly string[], at: number, fence: string): [Block, number] {
  const end = endOf(lines, at + 1, (line) => {
    const closing = line.trim();
    return !(closing.startsWith(fence) && closing.replaceAll(fence.charAt(0), '') === '');
  });
  return [{ kind: 'code', text: lines.slice(at + 1, end).join('\n') }, end + 1];
}

/** Reads a list. Lines that are indented below an item, and the rest of its paragraph, belong to the item. */
function listAt(lines: readonly string[], at: number): [Block, number] {
  const [, , marker = '', number] = ITEM.exec(lines[at] ?? '') ?? [];
  const markerKind = (line: string) => line.at(-1);
  const items: string[][] = [];
  let indent = 0;
  let end = at;
  for (; end < lines.length; end += 1) {
    const line = lines[end] ?? '';
    const item = ITEM.exec(line);
    const isInside = items.length > 0 && line.startsWith(' '.repeat(indent));
    if (item !== null && !isInside && !RULE.test(line)) {
      if (markerKind(item[2] ?? '') !== markerKind(marker)) break;
      indent = Math.max(2, item[0].length);
      items.push([line.slice(item[0].length)]);
    } else if (isInside) items.at(-1)?.push(line.slice(indent));
    else if (line.trim() === '') items.at(-1)?.push('');
    else if ((lines[end - 1] ?? '').trim() === '' || beginsBlock(line)) break;
    else items.at(-1)?.push(line.trim());
  }
  return [{ kind: 'list', start: number === undefined ? null : Number(number), items }, end];
}

const cellsOf = (line: string): string[] =>
  line
    .trim()
    .replaceAll(/^\||\|$/g, '')
    .split('|')
    .map((cell) => cell.trim());

function rendered(blocks: readonly Block[], depth: number): Html {
  const levels = blocks.flatMap((block) => (block.kind === 'heading' ? [block.level] : []));
  const top = Math.min(...levels);
  let last = HEADING_FIRST - 1;
  let tables = 0;
  return html`${blocks.map((block) => {
    switch (block.kind) {
      case 'heading':
        // Levels of headings never skip one, whatever the text does.
        last = Math.min(block.level - top + HEADING_FIRST, last + 1, HEADING_LAST);
        return heading(last, inline(block.text));
      case 'code':
        return html`<pre class="code">${block.text}</pre>`;
      case 'quote':
        return html`<blockquote>${nested(block.lines, depth)}</blockquote>`;
      case 'list':
        return list(block, depth);
      case 'table':
        tables += 1;
        return tableOf(
          `table ${tables} of the text`,
          block.columns,
          block.rows.map(([first = '', ...others]) => [inline(first), ...others.map(inline)]),
        );
      case 'rule':
        return html`<hr />`;
      case 'paragraph':
        return html`<p>${inline(block.text)}</p>`;
    }
  })}`;
}

/** Renders what is inside a list or a quotation. */
const nested = (lines: readonly string[], depth: number): Html =>
  depth >= DEPTH_MAX ? html`<p>${lines.join('\n')}</p>` : rendered(blocksOf(lines).map(withoutHeading), depth + 1);

/** Turns a heading into a strong paragraph: headings in lists and quotations are no part of the structure of the page. */
const withoutHeading = (block: Block): Block =>
  block.kind === 'heading' ? { kind: 'paragraph', text: `**${block.text}**` } : block;

function heading(level: number, text: Html): Html {
  if (level === 3) return html`<h3>${text}</h3>`;
  if (level === 4) return html`<h4>${text}</h4>`;
  return level === 5 ? html`<h5>${text}</h5>` : html`<h6>${text}</h6>`;
}

function list({ start, items }: Extract<Block, { kind: 'list' }>, depth: number): Html {
  const shown = items.map((item) => html`<li>${itemOf(item, depth)}</li>`);
  return start === null
    ? html`<ul>
        ${shown}
      </ul>`
    : html`<ol start="${start}">
        ${shown}
      </ol>`;
}

/** Renders an item. Its first paragraph has no `<p>`, so that simple lists have no space between items. */
function itemOf(lines: readonly string[], depth: number): Html {
  const blocks = blocksOf(lines);
  const [first, ...others] = blocks;
  if (first?.kind !== 'paragraph' || depth >= DEPTH_MAX) return nested(lines, depth);
  return html`${inline(first.text)}${others.length === 0 ? '' : rendered(others.map(withoutHeading), depth + 1)}`;
}

/** Matches code, a link, an address, strong or emphasized text, or an escaped character. */
const INLINE =
  /(?<!`)(`+)(?!`)([^]*?[^`])\1(?!`)|!?\[([^\][]*)\]\(\s*<?([^()\s<>]+)>?(?:\s+"[^"]*")?\s*\)|<(https?:\/\/[^\s<>]+)>|(\*\*|__)(?=\S)([^]*?\S)\6|(?<![\w*])\*(?=[^\s*])([^*]*?[^\s*])\*(?!\w)|(?<!\w)_(?=[^\s_])([^_]*?[^\s_])_(?!\w)|\\([!-/:-@[-`{-~])/g;

/** Renders code, links, and emphasis in a line. */
export function inline(text: string): Html {
  return text.length > INLINE_MAX_CHARS ? html`${text}` : inlineParts(text, 0);
}

function inlineParts(text: string, depth: number): Html {
  if (depth > DEPTH_MAX) return html`${text}`;
  const parts: (Html | string)[] = [];
  let at = 0;
  for (const found of text.matchAll(INLINE)) {
    const [whole, , code, label, target, address, , strong, starred, underscored, escaped] = found;
    parts.push(text.slice(at, found.index));
    at = found.index + whole.length;
    const emphasized = starred ?? underscored;
    if (code !== undefined) parts.push(html`<code>${code.trim()}</code>`);
    else if (target !== undefined) parts.push(outsideLink(target, label === '' ? target : (label ?? target)));
    else if (address !== undefined) parts.push(outsideLink(address, address));
    else if (strong !== undefined) parts.push(html`<strong>${inlineParts(strong, depth + 1)}</strong>`);
    else if (emphasized !== undefined) parts.push(html`<em>${inlineParts(emphasized, depth + 1)}</em>`);
    else parts.push(escaped ?? whole);
  }
  parts.push(text.slice(at));
  return html`${parts}`;
}
