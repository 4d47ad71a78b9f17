import { aligned } from './monitored/print.ts';
import type { Evaluation, ReplayResult } from './evaluation.ts';
import { OUTCOMES, type Rate, type Report, type Row } from './report.ts';

/** Formats the evaluation: the matrix of the first set, the numbers of all sets, and the replays. */
export function evaluationTable({ sets, replays }: Evaluation): string {
  const [first] = sets;
  if (first === undefined) return 'no set was evaluated';
  return [
    `Correlation, seed ${first.seed}: ${first.report.cases} cases`,
    '',
    ...aligned([MATRIX_HEAD, ...first.report.matrix.map(matrixRow)]),
    '',
    ...aligned([
      ['', ...sets.map(({ seed }) => `seed ${seed}`), 'nearest earlier deploy'],
      ...SUMMARY.map(([name, of]) => [name, ...sets.map(({ report }) => of(report)), of(first.nearest)]),
    ]),
    '',
    ...aligned([
      ['', 'value', 'target', 'met'],
      ...sets.flatMap(({ seed, report: { targets } }) => targets.map((target) => targetRow(seed, target))),
    ]),
    '',
    ...aligned([LOOKS_HEAD, ...first.report.looks.map(looksRow)]),
    '',
    ...aligned([['replay', 'wanted', 'judged', 'nearest earlier deploy'], ...replays.map(replayRow)]),
  ].join('\n');
}

const words = (name: string): string => name.replaceAll('_', ' ');

const MATRIX_HEAD = ['kind', 'wanted', 'cases', 'undecidable', ...OUTCOMES.map(words)];

const matrixRow = ({ kind, right, cases, undecidable, outcomes }: Row): string[] => [
  words(kind),
  words(right),
  String(cases),
  String(undecidable),
  ...OUTCOMES.map((outcome) => (outcomes[outcome] === 0 ? '·' : String(outcomes[outcome]))),
];

const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`;
const atMost = ({ hits, of, bound }: Rate): string => `${hits} of ${of}, at most ${percent(bound, 3)}`;
const atLeast = ({ hits, of, share, bound }: Rate): string =>
  `${hits} of ${of}, ${percent(share)}, at least ${percent(bound)}`;

const SUMMARY: readonly (readonly [name: string, of: (report: Report) => string])[] = [
  ['wrong automatic rollbacks, negatives', (report) => atMost(report.wrong_negatives)],
  ['wrong automatic rollbacks, positives', (report) => atMost(report.wrong_positives)],
  ['clear cases acted upon', (report) => atLeast(report.clear)],
  ['wanted rollbacks done automatically', (report) => atLeast(report.automatic)],
  ['the cause is ranked first', (report) => atLeast(report.ranking.first)],
  ['the cause is among the first three', (report) => atLeast(report.ranking.first_three)],
  ['the change ranked first is the cause', (report) => atLeast(report.ranking.precision)],
  ['no change caused it, and the judge says so', ({ no_change: { said, cases } }) => `${said} of ${cases}`],
  ['undecidable cases in the set', ({ undecidable }) => String(undecidable)],
];

const targetRow = (seed: number, { name, value, target, met }: Report['targets'][number]): string[] => [
  `seed ${seed}: ${name}`,
  String(Number(value.toFixed(5))),
  String(target),
  met ? 'yes' : 'NO',
];

const LOOKS_HEAD = ['looks like a bad deploy by', 'bad deploys', 'acted upon', 'other causes', 'acted upon wrongly'];

const looksRow = (row: Report['looks'][number]): string[] => [
  row.by === 'time' ? 'time only' : row.by,
  ...[row.is, row.acted_rightly, row.deceives, row.acted_wrongly].map(String),
];

const replayRow = ({ title, right, outcome, nearest }: ReplayResult): string[] => [
  title,
  words(right),
  words(outcome),
  words(nearest),
];
