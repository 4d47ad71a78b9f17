import { availableParallelism, cpus, totalmem } from 'node:os';

/** What a figure must reach: its value, or its ratio to the reference, is at most or at least the limit. */
export type Goal = { of: 'value' | 'ratio'; is: '≤' | '≥'; limit: number };

/** A measured figure. `name` ends with the unit of `value` and `reference`; null: it has no reference. */
export type Figure = {
  part: string;
  name: string;
  value: number;
  reference: number | null;
  /** Of value to reference. It can be compared between machines, seconds cannot. */
  ratio: number | null;
  goals: readonly Goal[];
  /** How it came about, for a picture. */
  perSecond?: readonly number[];
};

/** A part, or a figure, that could not be measured. `isFault`: an error, and not something that this machine lacks. */
export type Missing = { part: string; name: string; why: string; isFault: boolean };

export type Line = Figure | Missing;

type NewFigure = Omit<Figure, 'part'>;

/** What a part has measured. `why`: it could not, because this machine lacks something. */
export type Measured = NewFigure | Pick<Missing, 'name' | 'why'>;

export type Machine = { cpu: string; cores: number; memory_gib: number; node: string };

/** Content of `packages/lab/results/results.json`. `at`: RFC 3339, UTC. */
export type Report = { machine: Machine; at: string; lines: Line[] };

const atMost = (of: Goal['of'], limit: number): Goal => ({ of, is: '≤', limit });
const atLeast = (of: Goal['of'], limit: number): Goal => ({ of, is: '≥', limit });

export const ratioAtMost = (limit: number): Goal => atMost('ratio', limit);
export const ratioAtLeast = (limit: number): Goal => atLeast('ratio', limit);
export const valueAtMost = (limit: number): Goal => atMost('value', limit);

/**
 * Returns a figure. Rounds first, so that the printed numbers give the printed ratio.
 *
 * @param digits decimals of value and reference
 */
export function figure(
  name: string,
  measured: number,
  ofReference: number | null,
  goals: readonly Goal[],
  digits = 1,
): NewFigure {
  const value = rounded(measured, digits);
  const reference = ofReference === null ? null : rounded(ofReference, digits);
  return { name, value, reference, ratio: reference === null ? null : rounded(value / reference, 3), goals };
}

/** Returns a figure whose ratio to the reference is at most `target`. */
export const result = (name: string, value: number, reference: number, target: number, digits = 1): NewFigure =>
  figure(name, value, reference, [ratioAtMost(target)], digits);

export const thisMachine = (): Machine => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: availableParallelism(),
  memory_gib: rounded(totalmem() / 2 ** 30, 1),
  node: process.versions.node,
});

/** The change of a figure for the worse that is marked. */
const WORSE_MAX = 0.2;

export const isFigure = (line: Line): line is Figure => 'value' in line;

/** Returns the figures whose goals are not all reached. */
export const missed = (lines: readonly Line[]): Figure[] =>
  lines.filter(isFigure).filter((one) => one.goals.some((goal) => shareOf(one, goal) > 1));

/** Above 1: the goal is not reached, by this factor. */
function shareOf({ value, ratio }: Figure, { of, is, limit }: Goal): number {
  const reached = of === 'value' ? value : (ratio ?? Infinity);
  if (reached === limit) return 1;
  return is === '≤' ? reached / limit : limit / reached;
}

/**
 * Returns by which factor a figure is worse than before; at most 1: it is not. Compares ratios if both have one. Only its
 * goal says whether more is worse, so a figure without a goal never is.
 */
function changeOf(now: Figure, before: Figure): number {
  if (now.goals.length === 0) return 1;
  const [value, old] =
    now.ratio === null || before.ratio === null ? [now.value, before.value] : [now.ratio, before.ratio];
  if (value === old) return 1;
  return now.goals[0]?.is === '≥' ? old / value : value / old;
}

const ON_PAGE = ['figure', 'value', 'reference', 'ratio', 'goal', 'reached'] as const;
const COLUMNS = [...ON_PAGE, 'accepted', ''] as const;

/** @param accepted the lines of the last accepted run */
function cellsOf(line: Line, accepted: readonly Line[]): string[] {
  if (!isFigure(line)) return [line.name, line.isFault ? `FAILED: ${line.why}` : `not measured: ${line.why}`];
  const { name, value, reference, ratio, goals } = line;
  const before = accepted.filter(isFigure).find((one) => one.name === name);
  const change = before === undefined ? 1 : changeOf(line, before);
  return [
    name,
    shown(value),
    reference === null ? '' : shown(reference),
    ratio === null ? '' : shownRatio(ratio),
    goals.map(({ of, is, limit }) => `${of} ${is} ${limit}`).join(', '),
    reachedIn(line),
    before === undefined ? '' : before.ratio === null ? shown(before.value) : shownRatio(before.ratio),
    change > 1 + WORSE_MAX ? `WORSE by ${((change - 1) * 100).toFixed(0)} %` : '',
  ];
}

function reachedIn(line: Figure): string {
  const worst = missOf(line);
  if (line.goals.length === 0) return '';
  return worst <= 1 ? 'yes' : `NO (${worst.toFixed(worst < 10 ? 2 : 0)}×)`;
}

/** Formats the report as a table: names left-aligned, numbers right-aligned. */
export function table({ machine, at, lines }: Report, accepted: readonly Line[]): string {
  const rows = [[...COLUMNS], ...lines.map((line) => cellsOf(line, accepted))];
  const widths = COLUMNS.map((_, column) =>
    Math.max(...rows.filter((row) => row.length > 2).map((row) => row[column]?.length ?? 0)),
  );
  const formatted = rows.map((row) =>
    row.length <= 2
      ? row.join('  ')
      : row
          .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
          .join('  ')
          .trimEnd(),
  );
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memory_gib} GiB, Node ${machine.node}, ${at}`,
    '',
    ...formatted,
  ].join('\n');
}

/** Returns earlier lines with those of the parts that were measured now in their places. */
export function merged(before: readonly Line[], now: readonly Line[], parts: readonly string[]): Line[] {
  const measured = new Set(now.map(({ part }) => part));
  const all = [...before.filter(({ part }) => !measured.has(part)), ...now];
  return parts.flatMap((part) => all.filter((line) => line.part === part));
}

/** The part of docs/explanation/performance.md that is written from the report. */
const [BEGIN, END] = ['<!-- Results: written by `npm run bench`. -->', '<!-- End of the results. -->'];

/**
 * Returns the lines that the page shows: those with goals, and of the Lambda functions' bundles only the line that misses each
 * goal most.
 */
function linesOnPage(lines: readonly Line[]): Line[] {
  const worst = new Map<string, Figure>();
  for (const line of lines) {
    if (line.part !== 'bundles' || !isFigure(line)) continue;
    const goal = JSON.stringify(line.goals);
    const before = worst.get(goal);
    if (before === undefined || missOf(line) > missOf(before)) worst.set(goal, line);
  }
  return lines.filter(
    (line) =>
      !isFigure(line) ||
      (line.goals.length > 0 && (line.part !== 'bundles' || worst.get(JSON.stringify(line.goals)) === line)),
  );
}

/** Returns by which factor a figure misses its worst goal; at most 1 if it reaches all. */
const missOf = (line: Figure): number => Math.max(0, ...line.goals.map((goal) => shareOf(line, goal)));

/** Returns the page with the report's table. @throws Error if it has no place for it */
export function withResults(page: string, { machine, lines }: Report): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new Error(`the page has no place for the results: add the lines ${BEGIN} and ${END}`);
  const { cpu, cores, memory_gib: memory, node } = machine;
  const open = missed(lines);
  return [
    `${before}${BEGIN}`,
    `Measured on ${cpu}, ${cores} cores, ${memory} GiB, with Node ${node}. Figures without a goal, and those of all bundles, are in \`packages/lab/results/results.json\`:`,
    [`| ${ON_PAGE.join(' | ')} |`, '|---|---:|---:|---:|---|---|']
      .concat(linesOnPage(lines).map((line) => `| ${padded(cellsOf(line, [])).join(' | ')} |`))
      .join('\n'),
    open.length === 0
      ? 'All goals are reached.'
      : `Not reached: ${open.length} of ${lines.filter((line) => isFigure(line) && line.goals.length > 0).length} figures with goals. [Why](#what-is-not-reached).`,
    `${END}${after}`,
  ].join('\n\n');
}

const padded = (cells: readonly string[]): string[] => ON_PAGE.map((_, n) => cells[n] ?? '');

/** Uses one decimal, unless rounding would give 0 or 100. */
const shown = (value: number): string => value.toFixed(value === 0 || value >= 1 ? 1 : 3);

const shownRatio = (ratio: number): string => ratio.toFixed(ratio < 0.1 ? 3 : 2);

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
