import { html, raw } from 'hono/html';
import { type Block, blocksOf, inline } from './web/markdown.ts';
import type { Html } from './web/parts.ts';

/*
 * Renders the Markdown that `web/markdown.ts` supports in the storage format of Confluence, which is XHTML with elements of
 * its own for code and tasks.
 *
 * See https://confluence.atlassian.com/doc/confluence-storage-format-790796544.html
 */

/** Nested lists and quotations below this depth are shown as paragraphs. */
const DEPTH_MAX = 6;

const TASK = /^\[([ xX])\] /;

/** XML cannot contain these characters, not even escaped. */
const NOT_IN_XML = /[\p{Cs}\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/gu;

/** Returns a text in the storage format. @param title a first heading with these words is left out: the page has a title */
export async function confluenceStorage(text: string, title: string): Promise<string> {
  const blocks = blocksOf(text.replaceAll(NOT_IN_XML, '\ufffd').split(/\r\n?|\n/));
  const [first] = blocks;
  const body = first?.kind === 'heading' && first.text === title ? blocks.slice(1) : blocks;
  return String(await rendered(body, 0, { last: 0 })).trim();
}

/** The number of the last task: tasks are numbered through the page. */
type Tasks = { last: number };

const rendered = (blocks: readonly Block[], depth: number, tasks: Tasks): Html =>
  html`${blocks.map((block) => {
    switch (block.kind) {
      case 'heading':
        return element(`h${block.level}`, inline(block.text));
      case 'code':
        return codeOf(block.text);
      case 'quote':
        return element('blockquote', nested(block.lines, depth, tasks));
      case 'list':
        return listOf(block, depth, tasks);
      case 'table':
        return tableOf(block);
      case 'rule':
        return raw('<hr/>\n');
      case 'paragraph':
        return element('p', inline(block.text));
    }
  })}`;

/** @param name a name that this file chose */
const element = (name: string, content: Html | readonly Html[]): Html =>
  html`${raw(`<${name}>`)}${content}${raw(`</${name}>\n`)}`;

/** Renders code. A section of character data ends at its first `]]>`, so code that contains it needs several sections. */
const codeOf = (text: string): Html =>
  raw(
    `<ac:structured-macro ac:name="code"><ac:plain-text-body><![CDATA[${text.replaceAll(']]>', ']]]]><![CDATA[>')}]]></ac:plain-text-body></ac:structured-macro>\n`,
  );

/** Renders the lines inside a list item or a quotation. */
const nested = (lines: readonly string[], depth: number, tasks: Tasks): Html =>
  depth >= DEPTH_MAX ? element('p', html`${lines.join('\n')}`) : rendered(blocksOf(lines), depth + 1, tasks);

/** Returns a list, or a list of tasks if all its items are tasks. */
function listOf({ start, items }: Extract<Block, { kind: 'list' }>, depth: number, tasks: Tasks): Html {
  if (items.every(([first = '']) => TASK.test(first)))
    return element(
      'ac:task-list',
      items.map((item) => taskOf(item, depth, tasks)),
    );
  return element(
    start === null ? 'ul' : 'ol',
    items.map((item) => element('li', itemOf(item, depth, tasks))),
  );
}

function taskOf([first = '', ...others]: readonly string[], depth: number, tasks: Tasks): Html {
  tasks.last += 1;
  const status = TASK.exec(first)?.[1] === ' ' ? 'incomplete' : 'complete';
  const body = itemOf([first.replace(TASK, ''), ...others], depth, tasks);
  return element('ac:task', [
    element('ac:task-id', html`${String(tasks.last)}`),
    element('ac:task-status', html`${status}`),
    element('ac:task-body', body),
  ]);
}

/** An item that begins with a paragraph is shown without the space of a paragraph. */
function itemOf(lines: readonly string[], depth: number, tasks: Tasks): Html {
  const [first, ...others] = blocksOf(lines);
  if (first?.kind !== 'paragraph' || depth >= DEPTH_MAX) return nested(lines, depth, tasks);
  return html`${inline(first.text)}${others.length === 0 ? '' : rendered(others, depth + 1, tasks)}`;
}

function tableOf({ columns, rows }: Extract<Block, { kind: 'table' }>): Html {
  const row = (name: 'th' | 'td', cells: readonly string[]): Html =>
    element(
      'tr',
      cells.map((cell) => element(name, inline(cell))),
    );
  return element('table', element('tbody', [row('th', columns), ...rows.map((cells) => row('td', cells))]));
}
