import { styleText } from 'node:util';
import { printable, printableJson } from '../../core/domain/messages/printable.ts';
import type { CommandContext, Screen } from './command-context.ts';

/** Columns from the most to the least important, and last the one with text of any length. */
export type Table = { heading: readonly string[]; rows: readonly (readonly string[])[] };

const GAP = '  ';

/** Width that the last column keeps, in characters, before other columns move to the next line. */
const TEXT_MIN = 20;

/** Returns aligned columns with a heading. The last column is not padded. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heading, ...rows.map((row) => row.map(oneLine))];
  const widths = widthsOf(lines);
  return lines.map((line) => lineOf(line, widths)).join('\n');
}

const widthsOf = (lines: readonly (readonly string[])[]): number[] =>
  (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => widthOf(line[column] ?? ''))));

const characters = new Intl.Segmenter('en');
const WIDE =
  /^(?:\p{sc=Han}|\p{sc=Hiragana}|\p{sc=Katakana}|\p{sc=Hangul}|\p{Emoji_Presentation}|[\u3000-\u303e\uff01-\uff60])|\ufe0f/u;

/** Returns how many columns of a terminal a text takes: East Asian characters and emoji take two. */
function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  return [...characters.segment(text)].reduce((sum, { segment }) => sum + (WIDE.test(segment) ? 2 : 1), 0);
}

/** @param paint returns a cell with its colors, after its width is known */
const lineOf = (
  line: readonly string[],
  widths: readonly number[],
  paint: (cell: string, column: number) => string = (cell) => cell,
): string =>
  line
    .map((cell, column) => {
      const blanks = column === line.length - 1 ? 0 : (widths[column] ?? 0) - widthOf(cell);
      return `${paint(cell, column)}${' '.repeat(blanks)}`;
    })
    .join(GAP)
    .trimEnd();

/**
 * Prints a table. At a terminal, it fits the width: the last column is cut, then times are shortened to minutes, and columns
 * that do not fit follow on an indented line below their row. In a file or a pipe, each item is a line.
 *
 * @param options.wraps breaks the last column into lines instead of cutting it
 */
export function printTable(context: CommandContext, { heading, rows }: Table, { wraps = false } = {}): void {
  const { screen } = context;
  if (screen === undefined) return context.out(table(heading, rows));
  const whole = [heading, ...rows.map((row) => row.map((cell) => printable(oneLine(cell))))];
  const all = heading.map((_, column) => column);
  const lines = shownColumns(whole, screen.width).length === all.length ? whole : whole.map(withShortTimes);
  const shown = shownColumns(lines, screen.width);
  const chosen = lines.map((line) => shown.map((column) => line[column] ?? ''));
  const textWidth = Math.max(8, screen.width - indentOf(widthsOf(chosen)));
  const fitted = chosen.map((line) => (wraps ? wrapped(line, textWidth) : [cut(line, textWidth)]));
  const widths = widthsOf(fitted.flat());
  const names = shown.map((column) => heading[column] ?? '');
  const paint = painter(screen, names);
  for (const [index, parts] of fitted.entries()) {
    for (const line of parts)
      context.outPainted(lineOf(line, widths, (cell, column) => paint(cell, index === 0 ? 'heading' : column)));
    if (index === 0) continue;
    const below = all.filter((column) => !shown.includes(column) && !isEmpty(lines[index]?.[column]));
    const text = below.map((column) => `${heading[column] ?? ''} ${lines[index]?.[column] ?? ''}`).join(', ');
    for (const [line = ''] of text === '' ? [] : wrapped([`    ${text}`], screen.width)) context.out(line);
  }
}

const isEmpty = (cell: string | undefined): boolean => cell === undefined || cell === '' || cell === '-';

/** Shortens times to the day and the minute. */
const withShortTimes = (line: readonly string[]): string[] =>
  line.map((cell) => cell.replace(/^\d{4}-(\d\d-\d\d \d\d:\d\d):\d\d$/, '$1'));

/** Returns the columns that fit: always the first, which names the item, and the last; of the others, the first ones that fit. */
function shownColumns(lines: readonly (readonly string[])[], width: number): number[] {
  const widths = widthsOf(lines);
  const last = widths.length - 1;
  let free = width - Math.min(widths[last] ?? 0, TEXT_MIN);
  return widths.flatMap((needed, column) => {
    if (column !== 0 && column !== last && needed + GAP.length > free) return [];
    if (column !== last) free -= needed + GAP.length;
    return [column];
  });
}

/** Returns the width of all columns before the last. */
const indentOf = (widths: readonly number[]): number =>
  widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0);

function cut(line: readonly string[], width: number): string[] {
  const text = line.at(-1) ?? '';
  if (widthOf(text) <= width) return [...line];
  let [shown, free] = ['', width - 1];
  for (const { segment } of characters.segment(text)) {
    free -= widthOf(segment);
    if (free < 0) break;
    shown += segment;
  }
  return [...line.slice(0, -1), `${shown.toWellFormed()}…`];
}

/** Prints text. At a terminal, it is broken between words. @param hanging indents the lines after the first */
export function printText({ out, screen }: Pick<CommandContext, 'out' | 'screen'>, text: string, hanging = '  '): void {
  for (const [line = ''] of wrapped([oneLine(text)], screen?.width ?? Infinity, hanging)) out(line);
}

/** Breaks the last cell between words. Further lines are indented as the text is. */
function wrapped(line: readonly string[], width: number, hanging = ''): string[][] {
  const text = line.at(-1) ?? '';
  const indent = /^ */.exec(text)?.[0] ?? '';
  const parts: string[] = [];
  for (const word of text.trimStart().split(' ')) {
    const last = parts.at(-1);
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= width) parts[parts.length - 1] = `${last} ${word}`;
    else parts.push(`${indent}${last === undefined ? '' : hanging}${word}`);
  }
  return parts.map((part, index) => [...line.slice(0, -1).map((cell) => (index === 0 ? cell : '')), part]);
}

type Style = Parameters<typeof styleText>[0];

/** Columns of which the words have colors. Other columns can contain text of anyone. */
const STATE_COLUMNS: ReadonlySet<string> = new Set(['STATUS', 'STATE', 'SEVERITY', 'OUTCOME', 'VERDICT']);

const WORD_STYLES: ReadonlyMap<string, Style> = new Map<string, Style>([
  ...['critical', 'failed', 'degraded', 'aborted', 'refused'].map((word): [string, Style] => [word, 'red']),
  ...['warning', 'waiting', 'mitigating', 'mitigated', 'mitigated, not verified yet', 'running', 'started'].map(
    (word): [string, Style] => [word, 'yellow'],
  ),
  ...['succeeded', 'healthy', 'finished', 'mitigated and verified'].map((word): [string, Style] => [word, 'green']),
  ['open', 'bold'],
  ['resolved', 'dim'],
  ['closed, not verified', 'dim'],
]);

/** Returns the function that colors a cell of these columns, and of the heading. */
function painter({ colors }: Screen, names: readonly string[]): (cell: string, at: number | 'heading') => string {
  const styled = (style: Style, text: string): string => styleText(style, text, { validateStream: false });
  return (cell, at) => {
    if (!colors || cell === '') return cell;
    if (at === 'heading') return styled('dim', cell);
    if (at === 0) return styled('bold', cell);
    const style = STATE_COLUMNS.has(names[at] ?? '') ? WORD_STYLES.get(cell) : undefined;
    return style === undefined ? cell : styled(style, cell);
  };
}

/** Replaces line breaks and control characters, so that untrusted text stays on one line. */
export const oneLine = (text: string): string => text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');

/** Returns `2026-11-20 06:43:40` for `2026-11-20T06:43:40.145Z`, and a dash for null. */
export const shortTime = (at: string | null): string => (at === null ? '-' : at.slice(0, 19).replace('T', ' '));

/** Returns indented, printable JSON. */
export const asJson = (value: unknown): string => printableJson(JSON.stringify(value, null, 2));

/** Returns a measured value with three significant digits, and a dash for null. */
export const shortNumber = (value: number | null): string =>
  value === null ? '-' : String(Number(value.toPrecision(3)));
