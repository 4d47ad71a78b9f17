import { availableParallelism, cpus, totalmem } from 'node:os';

/**
 * One line of the report. `value` and `reference` have the unit at the end of `name`. `target` is the highest accepted
 * `ratio` of value to reference. Ratios are comparable between machines, milliseconds are not.
 */
export type Result = {
  name: string;
  value: number;
  reference: number;
  ratio: number;
  target: number;
  met: boolean;
};

export type Machine = { cpu: string; cores: number; memory_gib: number; node: string };

/** Content of `bench/results.json`. `at`: RFC 3339, UTC. */
export type Report = { machine: Machine; at: string; results: Result[] };

/**
 * Returns a line of the report. Rounds first, so that the printed numbers give the printed ratio.
 *
 * @param digits decimals of value and reference
 */
export function result(name: string, measured: number, ofReference: number, target: number, digits = 1): Result {
  const value = rounded(measured, digits);
  const reference = rounded(ofReference, digits);
  const ratio = rounded(value / reference, 2);
  return { name, value, reference, ratio, target, met: ratio <= target };
}

export const thisMachine = (): Machine => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: availableParallelism(),
  memory_gib: rounded(totalmem() / 2 ** 30, 1),
  node: process.versions.node,
});

const COLUMNS = ['name', 'value', 'reference', 'ratio', 'target', 'met'] as const;

/** Formats the report as a table: names left-aligned, numbers right-aligned. */
export function table({ machine, at, results }: Report): string {
  const rows = [[...COLUMNS], ...results.map(cells)];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memory_gib} GiB, Node ${machine.node}, ${at}`,
    '',
    ...lines,
  ].join('\n');
}

/** The part of docs/explanation/performance.md that is written from the report. */
const [BEGIN, END] = ['<!-- Results: written by `npm run bench`. -->', '<!-- End of the results. -->'];

/** Returns the page with the report's table. @throws Error if it has no place for it */
export function withResults(page: string, { machine, results }: Report): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new Error(`the page has no place for the results: add the lines ${BEGIN} and ${END}`);
  const { cpu, cores, memory_gib: memory, node } = machine;
  return [
    `${before}${BEGIN}`,
    `Measured on ${cpu}, ${cores} cores, ${memory} GiB, with Node ${node}:`,
    ['| line | value | reference | ratio | target | met |', '|---|---:|---:|---:|---:|---|']
      .concat(results.map((one) => `| ${cells(one).join(' | ')} |`))
      .join('\n'),
    `${END}${after}`,
  ].join('\n\n');
}

const cells = ({ name, value, reference, ratio, target, met }: Result): string[] => [
  name,
  shown(value),
  shown(reference),
  ratio.toFixed(2),
  `≤ ${target}`,
  met ? 'yes' : 'NO',
];

/** Uses one decimal, unless rounding would give 0 or 100. */
const shown = (value: number): string => value.toFixed(value === 0 || value >= 1 ? 1 : 3);

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
