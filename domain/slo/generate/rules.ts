import type { Slo } from '../../../schemas/slo.ts';
import type { Hash } from '../../freeze/ids.ts';
import { digestOf } from '../digest.ts';
import { degradation } from './degradation.ts';
import { labelsOf, recorded } from './expressions.ts';
import { ALLOWED, DEFINITION, ERRORS, errorRatio, EVENTS, ON } from './names.ts';

/** @see https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/ */
export type RuleGroup = { name: string; interval?: string; rules: Rule[] };
export type Rule = RecordingRule | AlertingRule;
type RecordingRule = { record: string; expr: string; labels?: Record<string, string> };
type AlertingRule = {
  alert: string;
  expr: string;
  for?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
};
export type RuleFile = { groups: RuleGroup[] };

/**
 * `multiwindow`: burn rates over a long and a short window, which must both be reached.
 * `simple`: one window with a `for`.
 */
export type Preset = 'multiwindow' | 'simple';

/** Fixed, since what is counted over an hour is the sum of its samples; longer windows cost more, and change slowly. */
const INTERVAL_SECONDS = 30;
const INTERVAL = `${INTERVAL_SECONDS}s`;
const SHORT_WINDOWS = ['30m', '1h', '2h', '6h'];
const LONG_WINDOWS = ['1d', '3d'];
const LONG_INTERVAL = '2m';

/** What is counted, of each objective, and the ratios of all of them at once: two thousand cost as many rules as two. */
export function recordingRules(slos: readonly Slo[], hash: Hash): RuleFile {
  const groups: RuleGroup[] = [...byService(slos)].map(([service, own]) => ({
    name: `firebreak-slo-${service}`,
    interval: INTERVAL,
    rules: own.flatMap((slo) => rulesOf(slo, hash)),
  }));
  const sliced = slos.filter(({ budgeting }) => budgeting.kind === 'timeslices');
  const window = (name: string): Rule[] => [occurrences(name, sliced), ...sliced.map((slo) => slices(slo, name))];
  groups.push({
    name: 'firebreak-slo-ratios',
    interval: INTERVAL,
    rules: [{ record: errorRatio('5m'), expr: `${ERRORS} / ${EVENTS}` }, ...SHORT_WINDOWS.flatMap(window)],
  });
  groups.push({ name: 'firebreak-slo-ratios-long', interval: LONG_INTERVAL, rules: LONG_WINDOWS.flatMap(window) });
  return { groups };
}

function rulesOf(slo: Slo, hash: Hash): Rule[] {
  const labels = { slo: slo.id, service: slo.service, environment: slo.environment };
  const { events, errors } = recorded(slo);
  return [
    { record: EVENTS, expr: events, labels },
    { record: ERRORS, expr: errors, labels },
    { record: ALLOWED, expr: `vector(${allowed(slo)})`, labels },
    // No label of the others: while both are there, two series of one objective would break every rule that joins them.
    { record: DEFINITION, expr: 'vector(1)', labels: { ...labels, digest: digestOf(slo.indicator, hash) } },
  ];
}

/** Of 99.9 % it is 0.001, not what the computer makes of the difference. */
export const allowed = ({ target }: Slo): number => Number((1 - target).toPrecision(12));

/** Windows weigh by events, not by time: a quiet hour counts little. */
function occurrences(window: string, sliced: readonly Slo[]): Rule {
  const not = sliced.length === 0 ? '' : `{slo!~${JSON.stringify(sliced.map(({ id }) => regexOf(id)).join('|'))}}`;
  return {
    record: errorRatio(window),
    expr: `sum_over_time(${ERRORS}${not}[${window}]) / sum_over_time(${EVENTS}${not}[${window}])`,
  };
}

/** The share of slices that were not good as a whole. */
function slices(slo: Slo, window: string): Rule {
  const { budgeting } = slo;
  const bad = budgeting.kind === 'timeslices' ? Number((1 - budgeting.sliceTarget).toPrecision(12)) : 0;
  const own = labelsOf(slo);
  return {
    record: errorRatio(window),
    expr: `avg_over_time(((${ERRORS}${own} / ${EVENTS}${own}) > bool ${bad})[${window}:5m])`,
    labels: { slo: slo.id, service: slo.service, environment: slo.environment },
  };
}

/** A regular expression for this text alone, as RE2 reads it. */
const regexOf = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** Both windows of each: the short one ends the alert soon after the trouble does. Pages first. */
const PAIRS = [
  { severity: 'page', factor: 14.4, long: '1h', short: '5m' },
  { severity: 'page', factor: 6, long: '6h', short: '30m' },
  { severity: 'ticket', factor: 3, long: '1d', short: '2h' },
  { severity: 'ticket', factor: 1, long: '3d', short: '6h' },
] as const;

const SINGLES = [
  { severity: 'page', factor: 14, long: '1h', wait: '2m' },
  { severity: 'ticket', factor: 3, long: '6h', wait: '15m' },
] as const;

/** With fewer events, or errors, a ratio says nothing: one failed request at night is no outage. */
const EVENTS_MIN = 20;
const ERRORS_MIN = 3;

export function alertingRules(preset: Preset): RuleFile {
  const burning = preset === 'multiwindow' ? PAIRS.map(ofPair) : SINGLES.map(ofSingle);
  return {
    groups: [
      { name: 'firebreak-slo-burn', interval: INTERVAL, rules: burning },
      { name: 'firebreak-deployments', interval: INTERVAL, rules: [degradation()] },
    ],
  };
}

function ofPair({ severity, factor, long, short }: (typeof PAIRS)[number]): Rule {
  const expr = [burns(long, factor), burns(short, factor), ...enough(long)].join('\nand\n');
  return alert(severity, { factor, long, short }, expr);
}

function ofSingle({ severity, factor, long, wait }: (typeof SINGLES)[number]): Rule {
  const expr = [burns(long, factor), ...enough(long)].join('\nand\n');
  return { ...alert(severity, { factor, long, short: null }, expr), for: wait };
}

const burns = (window: string, factor: number): string => `${errorRatio(window)} >= on (${ON}) ${factor} * ${ALLOWED}`;

const enough = (long: string): string[] => [
  `sum_over_time(${EVENTS}[${long}]) * ${INTERVAL_SECONDS} >= ${EVENTS_MIN}`,
  `sum_over_time(${ERRORS}[${long}]) * ${INTERVAL_SECONDS} >= ${ERRORS_MIN}`,
];

function alert(
  severity: 'page' | 'ticket',
  { factor, long, short }: { factor: number; long: string; short: string | null },
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
      description: `In ${windows} the budget of {{ $labels.slo }} in {{ $labels.environment }} burnt at ${factor} times the rate that it allows, or faster ({{ $value | humanizePercentage }} of the events failed in ${long}).`,
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
