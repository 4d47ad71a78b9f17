import { availableParallelism, cpus, totalmem } from 'node:os';

/**
 * One line of the report. `value` and `reference` are in the unit that `name` ends with. `target` is the highest `ratio`
 * (value to reference) that is accepted: a ratio says more than milliseconds do once the machine is another one.
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

/** What `bench/results.json` holds. `at`: RFC 3339, UTC. */
export type Report = { machine: Machine; at: string; results: Result[] };

/**
 * What was measured, and the same of the reference. Rounded, so that the report's own numbers give its ratio.
 *
 * @param digits of both, after the point
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

/** The report for a person: names to the left, numbers to the right. */
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

const cells = ({ name, value, reference, ratio, target, met }: Result): string[] => [
  name,
  shown(value),
  shown(reference),
  ratio.toFixed(2),
  `≤ ${target}`,
  met ? 'yes' : 'NO',
];

/** One digit after the point, but for what would be nothing, or all, by it. */
const shown = (value: number): string => value.toFixed(value === 0 || value >= 1 ? 1 : 3);

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
