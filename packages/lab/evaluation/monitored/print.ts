import { LABELS } from './labels.ts';
import { type Calibration, type ClassRow, type MonitoredReport, OUTCOMES, type Outcome, type Rate } from './report.ts';

/** Formats the reports of one set, by the name of the policy or rule; the first one in full. */
export function monitoredTable(reports: Readonly<Record<string, MonitoredReport>>): string {
  const all = Object.entries(reports);
  return [
    ...all.flatMap(([name, report]) => [
      '',
      `Monitored world, ${name}: ${report.cases} cases`,
      '',
      ...classTable(report),
    ]),
    '',
    ...aligned([
      ['', ...all.map(([name]) => name)],
      ...SUMMARY.map(([name, of]) => [name, ...all.map(([, report]) => of(report))]),
    ]),
    '',
    ...all.flatMap(([name, { wrong }]) => [`wrong, ${name}: ${wrong.join(', ')}`]),
    ...all.slice(0, 1).flatMap(([name, report]) => ['', `Calibration, ${name}`, '', ...calibrationTable(report)]),
  ].join('\n');
}

const words = (name: string): string => name.replaceAll('_', ' ');
const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`;
const count = (number: number): string => (number === 0 ? '·' : String(number));

function classTable({ classes }: MonitoredReport): string[] {
  return aligned([
    [
      'class',
      'wanted',
      'cases',
      ...OUTCOMES.map(words),
      'wrong at most',
      'asked wrongly at most',
      'undecidable',
      'of it wrong',
    ],
    ...classes.map(({ name, cases, decidable, undecidable, wrong, asked_wrongly }) => [
      words(name),
      words(LABELS[name].wants),
      String(cases),
      ...OUTCOMES.map((outcome) => count(decidable[outcome])),
      percent(wrong.bound),
      percent(asked_wrongly.bound),
      count(sum(undecidable)),
      count(undecidable.wrong),
    ]),
  ]);
}

/** Columns of a table of all cases of each class, the undecidable ones included. */
export const CASES_HEAD = [
  'class',
  'wanted',
  'cases',
  'versions visible',
  'acted wrongly',
  'asked wrongly',
  'acted',
  'acted or named',
  'undecidable',
] as const;

/** Returns the cells of a class, with an empty cell where a count has no meaning for what is wanted. */
export function casesRow({ name, cases, versions_visible: visible, decidable, undecidable }: ClassRow): string[] {
  const all = (outcome: Outcome): number => decidable[outcome] + undecidable[outcome];
  const { wants } = LABELS[name];
  const isToUndo = wants === 'roll_back';
  return [
    words(name),
    words(wants),
    String(cases),
    String(visible),
    String(all('wrong')),
    String(all('asked_wrongly')),
    isToUndo ? String(all('right')) : '',
    wants === 'leave' ? '' : String(all('right') + all('asked_rightly')),
    String(sum(undecidable)),
  ];
}

/** Formats a report of all cases of each class, and their rates. */
export const casesTable = (report: MonitoredReport): string =>
  [
    ...aligned([CASES_HEAD, ...report.classes.map(casesRow)]),
    '',
    ...aligned(SUMMARY.map(([name, of]) => [name, of(report)])),
    '',
    `wrong: ${report.wrong.join(', ')}`,
  ].join('\n');

const sum = (counts: ClassRow['decidable']): number =>
  Object.values<number>(counts satisfies Record<Outcome, number>).reduce((total, each) => total + each, 0);

const atMost = ({ hits, of, bound }: Rate): string => `${hits} of ${of}, at most ${percent(bound, 2)}`;
const atLeast = ({ hits, of, bound }: Rate): string =>
  `${hits} of ${of}, ${percent(of === 0 ? 0 : hits / of)}, at least ${percent(bound)}`;

const SUMMARY: readonly (readonly [name: string, of: (report: MonitoredReport) => string])[] = [
  ['wrong rollbacks of negatives', (report) => atMost(report.wrong_negatives)],
  ['wrong rollbacks of positives', (report) => atMost(report.wrong_positives)],
  ['wrong ones of all rollbacks', (report) => atMost(report.acts_wrong)],
  ['questions whose yes would be wrong', (report) => atMost(report.questions_wrong_of_all)],
  ['wrong ones of all questions', (report) => atMost(report.questions_wrong_of_all_asked)],
  ['cases that want a rollback: acted upon or named', (report) => atLeast(report.wanted_named_of_all)],
  ['without undecidable cases: wrong rollbacks of negatives', (report) => atMost(report.wrong_negatives_decidable)],
  ['without undecidable cases: questions whose yes would be wrong', (report) => atMost(report.questions_wrong)],
  ['without undecidable cases: wrong ones of all questions', (report) => atMost(report.questions_wrong_of_asked)],
  ['clear: acted upon', (report) => atLeast(report.clear_acted)],
  ['clear, versions visible: acted upon', (report) => atLeast(report.clear_versions_acted)],
  ['the same, without a question before', (report) => atLeast(report.clear_versions_acted_at_once)],
  ['clear, versions visible, enough requests to tell them apart', (report) => atLeast(report.clear_distinct_acted)],
  ['clear, others: acted upon', (report) => atLeast(report.clear_others_acted)],
  ['clear, others: acted upon or named', (report) => atLeast(report.clear_others_named)],
  [
    'undecidable: asked, wrong rollbacks',
    ({ undecidable: { cases, asked, acted_wrongly } }) => `${asked} and ${acted_wrongly} of ${cases}`,
  ],
  ['expected calibration error', ({ calibration }) => calibration.error.toFixed(3)],
];

function calibrationTable({ calibration, calibration_by: by }: MonitoredReport): string[] {
  return [
    ...aligned([
      ['confidence', 'cases', 'mean', 'true'],
      ...calibration.bins.map(({ from, cases, confidence, share }) => [
        `from ${from.toFixed(1)}`,
        String(cases),
        cases === 0 ? '·' : confidence.toFixed(2),
        cases === 0 ? '·' : share.toFixed(2),
      ]),
    ]),
    '',
    ...aligned([
      ['', 'cases', 'expected calibration error'],
      ...Object.entries<Calibration>(by).map(([name, { cases, error }]) => [
        words(name),
        String(cases),
        error.toFixed(3),
      ]),
    ]),
  ];
}

/** Formats a table: names left-aligned, values right-aligned. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
