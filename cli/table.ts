import { printableJson } from '../domain/messages/printable.ts';

/** Returns aligned columns with a heading. The last column is not padded. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heading, ...rows.map((row) => row.map(oneLine))];
  const widths = heading.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column === line.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
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
