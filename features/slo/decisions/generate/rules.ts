import type { Slo } from '../../../../schemas/slo/slo.ts';
import type { BurnWindow } from '../../../../schemas/slo/slo-status.ts';
import type { Hash } from '../../../freeze/decisions/ids.ts';
import { indicatorHash } from '../hash.ts';
import { allowedShare } from '../../../../core/domain/monitoring/rounding.ts';
import { degradationAlert } from './degradation.ts';
import { BURN_PAIRS, BURN_SECONDS, nominalSeconds } from '../../../../core/domain/monitoring/burn-pairs.ts';
import { labelsOf, rawIncreases, recordedExpressions } from './expressions.ts';
import {
  ALLOWED_ERROR_RATIO,
  DEFINITION,
  ERRORS,
  errorRatio,
  errorsIn,
  EVENTS,
  eventsIn,
  IDENTIFYING_LABELS,
  rawErrorsIn,
  rawEventsIn,
  regexOf,
  WINDOW_SECONDS,
} from './names.ts';
import type { AlertingRule, Rule, RuleFile, RuleGroup } from './rule.ts';

/**
 * `multiwindow`: burn rates over a long and a short window, both of which must reach the factor. `simple`: one window
 * with a `for` duration.
 */
export type Preset = 'multiwindow' | 'simple';

/**
 * Evaluation interval. Fixed, because counts over an hour are sums of samples. Longer windows cost more and change
 * slowly, so they use the long interval.
 */
const INTERVAL_SECONDS = 30;
const INTERVAL = `${INTERVAL_SECONDS}s`;
const LONG_INTERVAL = '2m';

/** Windows that start alerts, and windows that only end them. */
const LONG_WINDOWS = ['1h', '6h', '1d', '3d'] as const;
const SHORT_WINDOWS = ['30m', '2h'] as const;
type LongWindow = (typeof LONG_WINDOWS)[number];

/** Share of a window that must be recorded before the recorded series is used; until then, raw series are used. */
const COVERED_SHARE = 0.95;

/**
 * Builds the recording rules: counts for each objective, and ratios for all objectives together, so the number of ratio
 * rules does not grow with the number of objectives.
 */
export function recordingRules(slos: readonly Slo[], hash: Hash): RuleFile {
  const groups: RuleGroup[] = [...byService(slos)].map(([service, slosOfService]) => ({
    name: `firebreak-slo-${service}`,
    interval: INTERVAL,
    rules: slosOfService.flatMap((slo) => rulesOf(slo, hash)),
  }));
  const sliced = slos.filter(({ budgeting }) => budgeting.kind === 'timeslices');
  const longWindow = (window: LongWindow): Rule[] => [
    ...countRules(window),
    ratioRule(window, `${errorsIn(window)}${excluding(sliced)} / ${eventsIn(window)}${excluding(sliced)}`),
    ...sliced.map((slo) => sliceRule(slo, window, { hasRaw: true })),
  ];
  const shortWindow = (window: (typeof SHORT_WINDOWS)[number]): Rule[] => [
    ratioRule(
      window,
      `sum_over_time(${ERRORS}${excluding(sliced)}[${window}]) / sum_over_time(${EVENTS}${excluding(sliced)}[${window}])`,
    ),
    ...sliced.map((slo) => sliceRule(slo, window, { hasRaw: false })),
  ];
  const isQuick = (window: LongWindow): boolean => window === '1h' || window === '6h';
  groups.push({
    name: 'firebreak-slo-ratios',
    interval: INTERVAL,
    rules: [
      ratioRule('5m', `${ERRORS} / ${EVENTS}`),
      ...SHORT_WINDOWS.flatMap(shortWindow),
      ...LONG_WINDOWS.filter(isQuick).flatMap(longWindow),
    ],
  });
  groups.push({
    name: 'firebreak-slo-ratios-long',
    interval: LONG_INTERVAL,
    rules: LONG_WINDOWS.filter((window) => !isQuick(window)).flatMap(longWindow),
  });
  return { groups };
}

/**
 * Builds rules that count events and errors of whole windows by each objective's own queries. Without them, the values
 * of the three-day window would be complete only three days after the rules were loaded, and cover just the time since
 * then before.
 */
export function rawRules(slos: readonly Slo[]): RuleFile {
  const groups = [...byService(slos)].map(([service, slosOfService]): RuleGroup => ({
    name: `firebreak-slo-raw-${service}`,
    interval: LONG_INTERVAL,
    rules: slosOfService.flatMap((slo) =>
      LONG_WINDOWS.flatMap((window) => {
        const { events, errors } = rawIncreases(slo, window, BURN_SECONDS[window]);
        const labels = namesOf(slo);
        return [
          { record: rawEventsIn(window), expr: events, labels },
          { record: rawErrorsIn(window), expr: errors, labels },
        ];
      }),
    ),
  }));
  return { groups };
}

const namesOf = ({ id, service, environment }: Slo) => ({ slo: id, service, environment });

function rulesOf(slo: Slo, hash: Hash): Rule[] {
  const labels = namesOf(slo);
  const { events, errors } = recordedExpressions(slo);
  return [
    { record: EVENTS, expr: events, labels },
    { record: ERRORS, expr: errors, labels },
    { record: ALLOWED_ERROR_RATIO, expr: `vector(${allowed(slo)})`, labels },
    { record: WINDOW_SECONDS, expr: `vector(${nominalSeconds(slo.window)})`, labels },
    // Only this series has the label: while an old and a new digest coexist, two series per objective would break every
    // rule that joins them.
    { record: DEFINITION, expr: 'vector(1)', labels: { ...labels, digest: indicatorHash(slo.indicator, hash) } },
  ];
}

/** Returns the rounded allowed share: 0.001 for 99.9 %, not the floating-point difference. */
export const allowed = ({ target }: Slo): number => allowedShare(target);

/** Records a ratio weighted by events rather than time: a quiet hour counts little. */
const ratioRule = (window: string, expr: string): Rule => ({ record: errorRatio(window), expr });

/** Builds the counts of a window: recorded if covered, else from the raw series, else the partial recorded sum. */
function countRules(window: LongWindow): Rule[] {
  const isCovered = `count_over_time(${EVENTS}[${window}]) >= ${samplesOf(window)}`;
  const sum = (series: string): string => `sum_over_time(${series}[${window}]) * ${INTERVAL_SECONDS}`;
  const either = (series: string, raw: string): string =>
    `${sum(series)} and ${isCovered}\nor\n${raw}\nor\n${sum(series)}`;
  return [
    { record: eventsIn(window), expr: either(EVENTS, rawEventsIn(window)) },
    { record: errorsIn(window), expr: either(ERRORS, rawErrorsIn(window)) },
  ];
}

const samplesOf = (window: BurnWindow): number => Math.floor((COVERED_SHARE * BURN_SECONDS[window]) / INTERVAL_SECONDS);

/** Builds the rule for the share of bad slices. */
function sliceRule(slo: Slo, window: BurnWindow, { hasRaw }: { hasRaw: boolean }): Rule {
  const { budgeting } = slo;
  const bad = budgeting.kind === 'timeslices' ? allowedShare(budgeting.sliceTarget) : 0;
  const labels = labelsOf(slo);
  const share = `avg_over_time(((${ERRORS}${labels} / ${EVENTS}${labels}) > bool ${bad})[${window}:5m])`;
  const isCovered = `count_over_time(${EVENTS}${labels}[${window}]) >= ${samplesOf(window)}`;
  const raw = `${rawErrorsIn(window)}${labels} / ${rawEventsIn(window)}${labels}`;
  const expr = hasRaw ? `${share} and ${isCovered}\nor\n${raw}\nor\n${share}` : share;
  return { record: errorRatio(window), expr, labels: namesOf(slo) };
}

/** Builds a selector that excludes these objectives. */
const excluding = (slos: readonly Slo[]): string =>
  slos.length === 0 ? '' : `{slo!~${JSON.stringify(slos.map(({ id }) => regexOf(id)).join('|'))}}`;

const SINGLE_WINDOWS = [
  { severity: 'page', share: 0.02, long: '1h', wait: '2m' },
  { severity: 'ticket', share: 0.025, long: '6h', wait: '15m' },
] as const;

/** Minimum numbers of events and errors for a ratio to be meaningful: one failed request at night is not an outage. */
const EVENTS_MIN = 20;
const ERRORS_MIN = 3;

export function alertingRules(preset: Preset): RuleFile {
  const burning = preset === 'multiwindow' ? BURN_PAIRS.map(pairAlert) : SINGLE_WINDOWS.map(singleWindowAlert);
  return {
    groups: [
      { name: 'firebreak-slo-burn', interval: INTERVAL, rules: burning },
      { name: 'firebreak-deployments', interval: INTERVAL, rules: [degradationAlert()] },
    ],
  };
}

function pairAlert({ severity, share, long, short }: (typeof BURN_PAIRS)[number]): Rule {
  const expr = [burnCondition(long, long, share), burnCondition(short, long, share), ...minimumCounts(long)].join(
    '\nand\n',
  );
  return alert(severity, { share, long, short }, expr);
}

function singleWindowAlert({ severity, share, long, wait }: (typeof SINGLE_WINDOWS)[number]): Rule {
  const expr = [burnCondition(long, long, share), ...minimumCounts(long)].join('\nand\n');
  return { ...alert(severity, { share, long, short: null }, expr), for: wait };
}

/**
 * Builds the same condition as `burnAlertsOf`: the factor spends a share of the budget in the long window and is at
 * least 1; an outage fires regardless of the factor.
 */
function burnCondition(window: BurnWindow, long: LongWindow, share: number): string {
  const ratio = errorRatio(window);
  const factor = `clamp_min(${share} * ${WINDOW_SECONDS} / ${BURN_SECONDS[long]}, 1)`;
  return `(\n  ${ratio} >= on (${IDENTIFYING_LABELS}) ${factor} * on (${IDENTIFYING_LABELS}) ${ALLOWED_ERROR_RATIO}\n  or\n  ${ratio} >= on (${IDENTIFYING_LABELS}) (1 + ${ALLOWED_ERROR_RATIO}) / 2\n)`;
}

const minimumCounts = (long: LongWindow): string[] => [
  `${eventsIn(long)} >= ${EVENTS_MIN}`,
  `${errorsIn(long)} >= ${ERRORS_MIN}`,
];

function alert(
  severity: 'page' | 'ticket',
  { share, long, short }: { share: number; long: string; short: string | null },
  expr: string,
): Rule & AlertingRule {
  const fast = severity === 'page';
  const windows = short === null ? `the last ${long}` : `the last ${long} and the last ${short}`;
  return {
    alert: fast ? 'SLOFastBurn' : 'SLOSlowBurn',
    expr,
    labels: {
      severity,
      long_window: long,
      ...(short !== null && { short_window: short }),
      runbook: fast ? 'slo-fast-burn' : 'slo-slow-burn',
    },
    annotations: {
      summary: `{{ $labels.slo }}: the error budget of {{ $labels.service }} burns ${fast ? 'fast' : 'slowly'}`,
      description: `Over ${windows}, {{ $labels.slo }} in {{ $labels.environment }} has burned fast enough to spend ${share * 100} % of its error budget in ${long} ({{ $value | humanizePercentage }} of the events failed in ${long}).`,
    },
  };
}

function byService(slos: readonly Slo[]): Map<string, Slo[]> {
  const services = new Map<string, Slo[]>();
  for (const slo of slos.toSorted((a, b) => order(a.service, b.service) || order(a.id, b.id)))
    services.set(slo.service, [...(services.get(slo.service) ?? []), slo]);
  return services;
}

const order = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
