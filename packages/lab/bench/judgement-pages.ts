import { lowerBound, upperBound } from '../evaluation/bounds.ts';
import type { ClassName } from '../evaluation/monitored/labels.ts';
import { calibrationPlot } from '../evaluation/monitored/plot.ts';
import { CASES_HEAD, casesRow } from '../evaluation/monitored/print.ts';
import type { ByClass, Calibration, MonitoredReport, Outcome } from '../evaluation/monitored/report.ts';
import {
  type FirstReport,
  type Judge,
  type MonitoredResults,
  type Results,
  type Use,
  USES,
} from './measurements/judgement-sets.ts';
import { PUBLISHED_CRITERIA, type PublishedResults, RULE_NAMES } from './measurements/public.ts';

/** The part of docs/explanation/evaluation.md that is written from the results. */
const [BEGIN, END] = ['<!-- Results: written by `npm run judgement:results`. -->', '<!-- End of the results. -->'];

type Page = { name: string; content: string };

/**
 * Returns the pages of docs/explanation/ that have results. @param explanation evaluation.md as it is: only its summary is
 * replaced. @throws Error if it has no place for the summary
 */
export function pagesOf(results: Results, explanation: string): Page[] {
  const [before, rest] = explanation.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new Error(`evaluation.md has no place for the results: add the lines ${BEGIN} and ${END}`);
  const shown = shownUse(results.monitored);
  const { calibration } = used(results.monitored, shown).together.proved;
  return [
    { name: 'evaluation.md', content: `${before}${BEGIN}\n\n${summary(results)}\n\n${END}${after}` },
    { name: 'how-often-it-is-wrong.md', content: resultsPage(results) },
    { name: 'calibration.svg', content: calibrationPlot(calibration, `Calibration, monitored world, ${shown} sets`) },
  ];
}

/** Returns the use whose sets say most about cases that are not known yet. @throws Error without results */
function shownUse(world: Partial<Record<Use, unknown>>): Use {
  const use = USES.find((each) => world[each] !== undefined);
  if (use === undefined) throw new Error('no set was judged: run `npm run judgement:results -- USE SET…`');
  return use;
}

function used<T>(world: Partial<Record<Use, T>>, use: Use): T {
  const results = world[use];
  if (results === undefined) throw new Error(`no ${use} set was judged`);
  return results;
}

const usesOf = <T>(world: Partial<Record<Use, T>>): [Use, T][] =>
  USES.flatMap((use): [Use, T][] => {
    const results = world[use];
    return results === undefined ? [] : [[use, results]];
  });

/** Returns the results that the page compares: those of the shown use and of the validation sets. */
const columnsOf = <T>(world: Partial<Record<Use, T>>, shown: Use): [Use, T][] =>
  usesOf(world).filter(([use]) => use === shown || use === 'validation');

type Hits = { hits: number; of: number };

/** What is measured, and how it is compared with its target. */
type Criterion<Report> = {
  name: string;
  /** Which bound is shown. */
  bound: 'at most' | 'at least';
  /** Accepted share, of the measured one or of its bound. Absent: there is no target. */
  target?: number;
  ofBound?: true;
  of: (report: Report) => Hits;
};

const [NAMED_MIN, QUESTIONS_WRONG_MAX, CALIBRATION_ERROR_MAX] = [0.99, 0.02, 0.05];

const FIRST: readonly Criterion<Omit<FirstReport, 'matrix'>>[] = [
  {
    name: 'wrong rollbacks of negatives, upper bound',
    bound: 'at most',
    target: 0.001,
    ofBound: true,
    of: (report) => report.wrong_negatives,
  },
  { name: 'wrong rollbacks of positives', bound: 'at most', of: (report) => report.wrong_positives },
  { name: 'clear cases acted on', bound: 'at least', target: 0.9, of: (report) => report.clear },
  { name: 'wanted rollbacks done without a person', bound: 'at least', of: (report) => report.automatic },
  { name: 'the cause is ranked first', bound: 'at least', of: (report) => report.ranking.first },
  { name: 'what is ranked first is the cause', bound: 'at least', of: (report) => report.ranking.precision },
];

type Rates = Omit<MonitoredReport, 'classes' | 'calibration' | 'calibration_by' | 'by_limit' | 'missed' | 'wrong'>;

const MONITORED: readonly Criterion<Rates>[] = [
  {
    name: 'wrong rollbacks of negatives, all cases',
    bound: 'at most',
    target: 0.001,
    of: (report) => report.wrong_negatives,
  },
  { name: 'wrong rollbacks of positives, all cases', bound: 'at most', of: (report) => report.wrong_positives },
  {
    name: 'wrong ones of all rollbacks, all cases',
    bound: 'at most',
    of: (report) => report.acts_wrong,
  },
  {
    name: 'questions whose yes would be wrong, all cases',
    bound: 'at most',
    of: (report) => report.questions_wrong_of_all,
  },
  {
    name: 'wrong ones of all questions, all cases',
    bound: 'at most',
    // Results that were stored before lack it.
    of: ({ questions_wrong_of_all_asked: asked }: Partial<Rates>) => asked ?? { hits: 0, of: 0 },
  },
  {
    name: 'wanted rollbacks acted on or named, all cases',
    bound: 'at least',
    of: (report) => report.wanted_named_of_all,
  },
  {
    name: 'clear cases acted on',
    bound: 'at least',
    // Results that were stored before lack it.
    of: ({ clear_acted: acted }: Partial<Rates>) => acted ?? { hits: 0, of: 0 },
  },
  {
    name: 'clear cases with visible versions acted on',
    bound: 'at least',
    target: 0.9,
    of: (report) => report.clear_versions_acted,
  },
  {
    name: 'the same, without a question before',
    bound: 'at least',
    // Results that were stored before lack it.
    of: ({ clear_versions_acted_at_once: atOnce }: Partial<Rates>) => atOnce ?? { hits: 0, of: 0 },
  },
  {
    name: 'clear cases with visible versions and enough requests to tell them apart, acted on',
    bound: 'at least',
    target: 0.9,
    of: (report) => report.clear_distinct_acted,
  },
  {
    name: 'other clear cases acted on or named',
    bound: 'at least',
    target: NAMED_MIN,
    of: (report) => report.clear_others_named,
  },
  {
    name: 'questions whose yes would be wrong, decidable cases',
    bound: 'at most',
    target: QUESTIONS_WRONG_MAX,
    of: (report) => report.questions_wrong,
  },
  {
    name: 'wrong ones of all questions, decidable cases',
    bound: 'at most',
    of: (report) => report.questions_wrong_of_asked,
  },
];

/** Criteria of the classes with confounders: of all cases, also the undecidable ones. */
const CONFOUNDERS = MONITORED.filter(({ name }) => name.endsWith(', all cases'));

const POLICIES: Readonly<Record<Judge, string>> = {
  proved: '`proved`',
  version: '`version`',
  time: '`time`',
  ...RULE_NAMES,
};

const words = (name: string): string => name.replaceAll('_', ' ');
const whole = (number: number): string => number.toLocaleString('en-US');

/** Shows a target without trailing zeros. */
const targetShare = (share: number): string => `${Number((100 * share).toFixed(2))} %`;

/** Shows small shares with two digits, and others with one decimal. */
const percent = (share: number): string =>
  `${share > 0 && share < 0.01 ? (100 * share).toPrecision(2) : (100 * share).toFixed(1)} %`;

const shareOf = ({ hits, of }: Hits): number => (of === 0 ? 0 : hits / of);

const boundOf = (bound: Criterion<never>['bound'], { hits, of }: Hits): number =>
  bound === 'at most' ? upperBound(hits, of) : lowerBound(hits, of);

function cell<Report>({ bound, of }: Criterion<Report>, report: Report): string {
  const found = of(report);
  if (found.of === 0) return '–';
  const share = found.hits === 0 ? '' : `${percent(shareOf(found))}, `;
  return `${whole(found.hits)} of ${whole(found.of)} (${share}${bound} ${percent(boundOf(bound, found))})`;
}

/** Shows only the bound of a criterion whose bound has the target, and only the share of others. */
function shortCell<Report>({ bound, ofBound, of }: Criterion<Report>, report: Report): string {
  const found = of(report);
  if (found.of === 0) return '–';
  return percent(ofBound === true ? boundOf(bound, found) : shareOf(found));
}

/** Returns whether a target is met; null: there is none, or no case. */
function isMet<Report>({ bound, target, ofBound, of }: Criterion<Report>, report: Report): boolean | null {
  const found = of(report);
  if (target === undefined || found.of === 0) return null;
  const value = ofBound === true ? boundOf(bound, found) : shareOf(found);
  return bound === 'at most' ? value <= target : value >= target;
}

const judged = (text: string, met: boolean | null): string => (met === false ? `**${text}**` : text);

const targetText = ({ bound, target }: Criterion<never>): string =>
  target === undefined ? '' : `${bound} ${targetShare(target)}`;

/** Formats a table. Empty cells have one blank. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`.replaceAll(/ {2,}/g, ' ');
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** Returns a row of each criterion: its name, its target, and its value in each report. The first report also has bounds. */
const criteriaRows = <Report>(criteria: readonly Criterion<Report>[], reports: readonly Report[]): string[][] =>
  criteria.map((one) => [
    one.name,
    targetText(one),
    ...reports.map((report, index) => judged((index === 0 ? cell : shortCell)(one, report), isMet(one, report))),
  ]);

const errorText = (error: number): string => judged(error.toFixed(3), error <= CALIBRATION_ERROR_MAX);

// The summary in evaluation.md.

function summary({ first, monitored, confounders }: Results): string {
  const [firstUse, monitoredUse, confoundersUse] = [shownUse(first), shownUse(monitored), shownUse(confounders)];
  const [one, other] = [used(first, firstUse), used(monitored, monitoredUse)];
  const confounded = used(confounders, confoundersUse);
  const report = other.together.proved;
  const rows = <Report>(world: string, criteria: readonly Criterion<Report>[], of: Report): string[][] =>
    criteria.flatMap((each) => {
      const met = isMet(each, of);
      return met === null ? [] : [[world, each.name, targetText(each), cell(each, of), met ? 'yes' : '**no**']];
    });
  const { error } = report.calibration;
  return [
    `With \`evidence: proved\`, the default. First world: ${firstUse} sets, version ${one.decide_version} of the decision logic. Monitored world:
${monitoredUse} sets, version ${other.decide_version}. [Confounders](#confounders): ${confoundersUse} sets, version ${confounded.decide_version}.`,
    table(
      ['world', 'criterion', 'target', 'result', 'met'],
      [
        ...rows('first', FIRST, one.together.proved),
        ...rows('monitored', MONITORED, report),
        [
          'monitored',
          'expected calibration error, all cases',
          `at most ${CALIBRATION_ERROR_MAX}`,
          error.toFixed(3),
          error <= CALIBRATION_ERROR_MAX ? 'yes' : '**no**',
        ],
        ...rows('confounders', CONFOUNDERS, confounded.proved),
      ],
    ),
  ].join('\n\n');
}

// The page of results.

const resultsPage = (results: Results): string => {
  const { first, monitored, confounders } = results;
  return `${[
    '# How often it is wrong',
    '<!-- Written by `npm run judgement:results` from packages/lab/bench/judgement-results.json. Do not edit. -->',
    `How often Firebreak rolled back, asked, or named a cause wrongly, in cases whose true cause is known. The [evaluation](evaluation.md) explains
the worlds, the labels, and the criteria. **Bold** figures miss their target. "At most" and "at least" are one-sided Clopper-Pearson
bounds at 95 %. Without another policy, a figure is of \`evidence: proved\`, the default. The figures by seed, kind, and class are in
\`packages/lab/bench/judgement-results.json\`.`,
    '## Wrong rollbacks without a person',
    wrongTable(results),
    `**Nearest earlier deploy**: roll back the newest deploy of the service that began in the half hour before the onset. **Above a fixed
limit**: the same, if the errors of its version, else of the service, are above the limit of the health query.
A negative is a case in which no rollback is wanted. Confounders are made to deceive a comparison of versions.`,
    `To reproduce this table: \`${commandOf(results)}\``,
    '## Sets',
    `A seed determines a set. **Unseen**: nobody had looked at its cases when it was judged, and nothing was changed because of them.
**Validation**: its results were looked at while the engine was improved; no weight is fitted to it. **Training**: weights are fitted to
it, or the engine was improved with its cases.`,
    table(
      ['world', 'use', 'seeds', 'cases', 'decision version'],
      [
        ...usesOf(first).map(([use, { sets, together, decide_version: version }]) => [
          'first',
          use,
          sets.map(({ seed }) => String(seed)).join(', '),
          whole(together.proved.cases),
          String(version),
        ]),
        ...usesOf(monitored).map(([use, { sets, together, decide_version: version }]) => [
          'monitored',
          use,
          setNames(sets),
          whole(together.proved.cases),
          String(version),
        ]),
        ...usesOf(confounders).map(([use, { sets, proved, decide_version: version }]) => [
          'confounders',
          use,
          setNames(sets),
          whole(proved.cases),
          String(version),
        ]),
      ],
    ),
    ...publishedSections(results.published),
    ...firstSections(first),
    ...monitoredSections(monitored),
    ...confounderSections(confounders),
  ].join('\n\n')}\n`;
};

/** Returns the command that judges the sets of the table again. */
function commandOf({ first, monitored, confounders }: Results): string {
  const [firstUse, monitoredUse, confoundersUse] = [shownUse(first), shownUse(monitored), shownUse(confounders)];
  const sets = [
    { use: firstUse, names: used(first, firstUse).sets.map(({ seed }) => `first:${seed}`) },
    { use: monitoredUse, names: used(monitored, monitoredUse).sets.map((set) => setName('monitored', set)) },
    { use: confoundersUse, names: used(confounders, confoundersUse).sets.map((set) => setName('confounders', set)) },
  ];
  const args = USES.flatMap((use) => {
    const names = sets.filter((one) => one.use === use).flatMap((one) => one.names);
    return names.length === 0 ? [] : [use, ...names];
  });
  return `npm run judgement:results -- ${args.join(' ')}`;
}

const setName = (world: string, { seed, share }: { seed: number; share: number }): string =>
  `${world}:${seed}${share === 1 ? '' : `:${share}`}`;

/** Compares the product with the rules: rollbacks that are wrong, in the sets that say most about unknown cases. */
function wrongTable({ first, monitored, confounders, published }: Results): string {
  const [firstUse, monitoredUse, confoundersUse] = [shownUse(first), shownUse(monitored), shownUse(confounders)];
  const [one, other] = [used(first, firstUse).together, used(monitored, monitoredUse).together];
  const { proved, rules } = used(confounders, confoundersUse);
  const hits = (found: Hits | undefined): string =>
    found === undefined || found.of === 0 ? 'not measured' : cell(WRONG, found);
  const row = (name: string, of: (judge: 'proved' | 'nearest' | 'limit') => Hits | undefined): string[] => [
    name,
    hits(of('proved')),
    hits(of('nearest')),
    hits(of('limit')),
  ];
  // Results that were stored before lack the limit.
  const ofSome =
    <Report>(reports: Partial<Record<Judge, Report>>, pick: (report: Report) => Hits) =>
    (judge: Judge) => {
      const report = reports[judge];
      return report && pick(report);
    };
  return table(
    ['cases', 'Firebreak', RULE_NAMES.nearest, RULE_NAMES.limit],
    [
      row(
        `first world, ${firstUse}: negatives`,
        ofSome<FirstReport>(one, (report) => report.wrong_negatives),
      ),
      row(
        `first world, ${firstUse}: positives`,
        ofSome<FirstReport>(one, (report) => report.wrong_positives),
      ),
      row(
        `monitored world, ${monitoredUse}: negatives`,
        ofSome<Rates>(other, (report) => report.wrong_negatives),
      ),
      row(
        `monitored world, ${monitoredUse}: positives`,
        ofSome<Rates>(other, (report) => report.wrong_positives),
      ),
      row(
        `confounders, ${confoundersUse}: negatives`,
        ofSome<Rates>({ proved, ...rules }, (report) => report.wrong_negatives),
      ),
      ...(published === undefined
        ? []
        : [
            row('[published releases](evaluation.md#published-releases)', (judge) => {
              const { cases_wrong: wrong } = judge === 'proved' ? published : published.rules[judge];
              return { hits: wrong, of: published.cases };
            }),
          ]),
    ],
  );
}

/** A rate of mistakes without a target. */
const WRONG: Criterion<Hits> = { name: 'wrong', bound: 'at most', of: (found) => found };

function publishedSections(published: PublishedResults | undefined): string[] {
  if (published === undefined) return [];
  return [
    '## Published releases',
    `The ${published.cases} bad releases of ChangeRCA with ${published.incidents} alerts ([conversion](evaluation.md#published-releases)), decision version
${published.decide_version}. To reproduce them, clone the repository and run \`npm run judgement:results -- public DIR\`.`,
    table(
      ['criterion', 'target', 'result'],
      PUBLISHED_CRITERIA.map(({ name, bound, target, of }) => {
        const found = of(published);
        const isMissed = target !== undefined && (bound === 'at most' ? found.hits > target : found.hits < target);
        return [
          name,
          target === undefined ? '' : `${bound} ${target}`,
          judged(cell({ name, bound, of: () => found }, found), isMissed ? false : null),
        ];
      }),
    ),
  ];
}

const setNames = (sets: readonly { seed: number; share: number }[]): string =>
  sets.map(({ seed, share }) => `${seed}${share === 1 ? '' : ` (${percent(share)} of it)`}`).join(', ');

function firstSections(first: Results['first']): string[] {
  const shown = shownUse(first);
  const uses = columnsOf(first, shown);
  const results = used(first, shown);
  return [
    '## First world',
    table(
      ['criterion', 'target', ...uses.map(([use]) => use)],
      criteriaRows(
        FIRST,
        uses.map(([, { together }]) => together.proved),
      ),
    ),
    policiesIntro(shown, results),
    policyTable(FIRST, results, (judge) => results.together[judge]),
  ];
}

const policiesIntro = (use: Use, { is_version_as_proved: isAlike }: { is_version_as_proved: boolean }): string =>
  `The shares of the ${use} sets with each policy, and with the rules for comparison.${isAlike ? ' `version` decided as `proved` did in every case.' : ''}`;

/** Leaves `version` out if it decided as `proved` did. */
function policyTable<Report>(
  criteria: readonly Criterion<Report>[],
  { is_version_as_proved: isAlike }: { is_version_as_proved: boolean },
  // Results that were stored before lack the limit.
  reportOf: (judge: Judge) => Report | undefined,
): string {
  const columns = (['proved', 'version', 'time', 'nearest', 'limit'] as const)
    .filter((each) => !isAlike || each !== 'version')
    .flatMap((judge) => {
      const report = reportOf(judge);
      return report === undefined ? [] : [{ judge, report }];
    });
  return table(
    ['criterion', ...columns.map(({ judge }) => POLICIES[judge])],
    criteria.map((one) => [
      one.name.replace(', upper bound', ''),
      ...columns.map(({ report }) => percent(shareOf(one.of(report)))),
    ]),
  );
}

function monitoredSections(monitored: Results['monitored']): string[] {
  const shown = shownUse(monitored);
  const uses = columnsOf(monitored, shown);
  const results = used(monitored, shown);
  const { proved } = results.together;
  return [
    '## Monitored world',
    'To show at most 0.1 %, 3,000 negatives without a wrong rollback are needed; a whole set has 3,270.',
    table(
      ['criterion', 'target', ...uses.map(([use]) => use)],
      [
        ...criteriaRows<Rates>(
          MONITORED,
          uses.map(([, { together }]) => together.proved),
        ),
        [
          'expected calibration error, all cases',
          `at most ${CALIBRATION_ERROR_MAX}`,
          ...uses.map(([, { together }]) => errorText(together.proved.calibration.error)),
        ],
        [
          'undecidable',
          '',
          ...uses.map(
            ([, { together }]) => `${whole(together.proved.undecidable.cases)} of ${whole(together.proved.cases)}`,
          ),
        ],
      ],
    ),
    policiesIntro(shown, results),
    policyTable<Rates>(
      MONITORED.filter(({ name }) => !name.startsWith('the same') && !name.includes('enough requests')),
      results,
      (judge) => results.together[judge],
    ),
    '### Names against wrong questions',
    `A lower limit of confidence for questions names more causes, and asks more often wrongly. *Named* is the share of clear cases without
visible versions that are acted on or named; *asked wrongly* is the share of decidable cases with a question whose yes would be
wrong. The present limit is ${results.asks_from}; the sets are the ${shown} ones.`,
    limitTable(proved, results.asks_from),
    limitsMeeting(shown, proved),
    '### Misses',
    `The classes with most misses in the ${shown} sets:`,
    missedText(proved),
    addedText(results),
    '### Calibration',
    `The confidence that is printed with the first suspect, beside the share of the ${whole(proved.calibration.cases)} cases of the
${shown} sets in which that suspect was the cause.`,
    calibrationTable(proved.calibration),
    calibrationByText(proved.calibration_by),
    '![Reliability plot: the printed confidence against the share of the cases in which the suspect was the cause.](calibration.svg)',
  ];
}

function confounderSections(confounders: Results['confounders']): string[] {
  const shown = shownUse(confounders);
  const uses = columnsOf(confounders, shown);
  const { proved } = used(confounders, shown);
  return [
    '## Confounders',
    `Classes of the monitored world in which instances of a version have more in common than the version, or labels and records mislead
([explanation](evaluation.md#confounders)). All cases count, also the undecidable ones.`,
    table(
      ['criterion', 'target', ...uses.map(([use]) => use)],
      criteriaRows<Rates>(
        CONFOUNDERS,
        uses.map(([, results]) => results.proved),
      ),
    ),
    `The classes in the ${shown} sets. *Acted* and *acted or named* are right for what is wanted.`,
    table(CASES_HEAD, proved.classes.map(casesRow)),
  ];
}

const limitTable = ({ by_limit: rows }: MonitoredReport, present: number): string =>
  table(
    ['limit', 'named', 'asked wrongly'],
    rows.map(({ limit, named, asked_wrongly: wrongly }) => [
      limit === present ? `${limit} (present)` : String(limit),
      ...[named, wrongly].map(({ hits, of }) =>
        of === 0 ? '–' : `${whole(hits)} of ${whole(of)} (${percent(hits / of)})`,
      ),
    ]),
  );

/** Says which limits meet the targets of both columns. */
function limitsMeeting(use: Use, { by_limit: rows }: MonitoredReport): string {
  const met = rows.filter(
    (row) => shareOf(row.named) >= NAMED_MIN && shareOf(row.asked_wrongly) <= QUESTIONS_WRONG_MAX,
  );
  const targets = `both targets (${targetShare(NAMED_MIN)} and ${targetShare(QUESTIONS_WRONG_MAX)})`;
  return met.length === 0
    ? `With the ${use} sets, no limit meets ${targets}.`
    : `With the ${use} sets, ${met.map(({ limit }) => limit).join(', ')} meets ${targets}.`;
}

/** Number of classes that a list of misses names. */
const CLASSES_SHOWN = 5;

function missedText({ missed }: MonitoredReport): string {
  const list = (counts: ByClass): string => {
    const all = (Object.entries(counts) as [ClassName, number][]).toSorted(([, a], [, b]) => b - a);
    const rest = all.slice(CLASSES_SHOWN).reduce((total, [, count]) => total + count, 0);
    const shown = all.slice(0, CLASSES_SHOWN).map(([name, count]) => `${words(name)} ${count}`);
    return [...shown, ...(rest === 0 ? [] : [`others ${rest}`])].join(', ') || 'none';
  };
  return [
    `- Clear cases with visible versions, not acted on: ${list(missed.clear_versions_acted)}.`,
    `- Other clear cases, neither acted on nor named: ${list(missed.clear_others_named)}.`,
    `- Decidable cases asked about wrongly: ${list(missed.questions_wrong)}.`,
  ].join('\n');
}

/** Sums up the classes that were added later. */
function addedText({ added }: MonitoredResults): string {
  const count = (of: Outcome): string =>
    whole(added.classes.reduce((total, { decidable }) => total + decidable[of], 0));
  const cases = added.classes.reduce((total, row) => total + row.cases, 0);
  return `Of the ${whole(cases)} cases of classes that were added later, to which no weight is fitted, ${whole(added.undecidable.cases)} are undecidable.
Of the others, ${count('right')} were decided right, ${count('asked_rightly')} asked about rightly, ${count('asked_wrongly')} asked about wrongly, ${count('left_out')} left
out, and ${count('wrong')} rolled back wrongly. The expected calibration error is ${added.calibration.error.toFixed(3)}.`;
}

const calibrationTable = ({ bins }: Calibration): string =>
  table(
    ['confidence', ...bins.map(({ from }) => `from ${from.toFixed(1)}`)],
    [
      ['cases', ...bins.map(({ cases }) => whole(cases))],
      ['mean confidence', ...bins.map(({ cases, confidence }) => (cases === 0 ? '–' : confidence.toFixed(2)))],
      ['share that was the cause', ...bins.map(({ cases, share }) => (cases === 0 ? '–' : share.toFixed(2)))],
    ],
  );

/** Groups of cases as the report calls them, and in words. */
const GROUPS: readonly (readonly [name: string, words: string])[] = [
  ['evidence: versions', 'versions side by side'],
  ['evidence: health', 'a health query'],
  ['evidence: no health query', 'no health query'],
  ['traffic below 1/s', 'less than 1 request per second'],
];

/** Says how the error of the confidence depends on what is measured. */
function calibrationByText(by: Readonly<Record<string, Calibration>>): string {
  const errors = GROUPS.flatMap(([name, inWords]) => {
    const found = by[name];
    return found === undefined || found.cases === 0
      ? []
      : [`${found.error.toFixed(3)} with ${inWords} (${whole(found.cases)} cases)`];
  });
  return `The expected calibration error is ${errors.join(', ')}.`;
}
