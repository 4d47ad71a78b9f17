import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import { documents } from '../core/exchanges.ts';
import { activeSince, valueAt, type Series } from './series.ts';

const Labels = z.record(z.string(), z.string()).default({});

/** Rule groups in the format of `/api/v1/rules`. Fields that Prometheus computes, such as `state`, are omitted. */
export const GivenRules = z.object({
  groups: z.array(
    z.object({
      name: z.string().min(1),
      file: z.string().default('/etc/prometheus/rules.yml'),
      /** Seconds between evaluations. */
      interval: z.number().positive().default(60),
      rules: z.array(
        z.object({
          type: z.enum(['alerting', 'recording']).default('alerting'),
          name: z.string().min(1),
          query: z.string().min(1),
          /** Seconds that an alert is pending before it fires: the rule's `for`. */
          duration: z.number().min(0).default(0),
          labels: Labels,
          annotations: Labels,
        }),
      ),
    }),
  ),
});
type RuleGroup = z.infer<typeof GivenRules>['groups'][number];
type Rule = RuleGroup['rules'][number];

export function openRules(db: DatabaseSync): { groups(): RuleGroup[]; set(groups: readonly RuleGroup[]): void } {
  const stored = documents<readonly RuleGroup[]>(db, 'prometheus rules');
  return { groups: () => [...(stored.get() ?? [])], set: (groups) => void stored.put(groups) };
}

/** The inputs of a rule evaluation. */
export type Evaluation = {
  /** Milliseconds since the Unix epoch. */
  now: number;
  timeScale: number;
  seriesOf(query: string): Series[];
};

export type Alert = {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: 'pending' | 'firing';
  activeAt: string;
  value: string;
};

/** Returns a group in the format of `/api/v1/rules`, with the rules that match. */
export function groupJson(
  { rules, ...group }: RuleGroup,
  isRequested: (rule: Rule) => boolean,
  evaluation: Evaluation,
) {
  const evaluated = { evaluationTime: 0.0005, lastEvaluation: new Date(evaluation.now).toISOString() };
  return {
    name: group.name,
    file: group.file,
    rules: rules.filter(isRequested).map((rule) => ({ ...ruleJson(rule, evaluation), ...evaluated, type: rule.type })),
    interval: group.interval,
    limit: 0,
    ...evaluated,
  };
}

function ruleJson(rule: Rule, evaluation: Evaluation): object {
  const { name, query, labels, annotations, duration } = rule;
  if (rule.type === 'recording') return { name, query, labels, health: 'ok' };
  const alerts = alertsOf(rule, evaluation);
  return {
    state: stateOf(alerts),
    name,
    query,
    duration,
    keepFiringFor: 0,
    labels,
    annotations,
    alerts,
    health: 'ok',
  };
}

export const stateOf = (alerts: readonly Alert[]): 'firing' | 'pending' | 'inactive' =>
  alerts.some(({ state }) => state === 'firing') ? 'firing' : (alerts[0]?.state ?? 'inactive');

/**
 * Returns an alert for each current series of the rule's query. As in PromQL, the result of `a > b` has a series only
 * while the condition is true. Templates in annotations are not expanded.
 */
export function alertsOf({ name, query, labels, annotations, duration }: Rule, evaluation: Evaluation): Alert[] {
  return evaluation.seriesOf(query).flatMap((series) => {
    const since = activeSince(series, evaluation.now);
    const value = valueAt(series, evaluation.now);
    if (since === undefined || value === null) return [];
    const { __name__: _, ...seriesLabels } = series.labels;
    const fires = evaluation.now - since >= (duration * 1000) / evaluation.timeScale;
    return {
      labels: { ...seriesLabels, ...labels, alertname: name },
      annotations,
      state: fires ? ('firing' as const) : ('pending' as const),
      activeAt: new Date(since).toISOString(),
      value: scientific(value),
    };
  });
}

/** Formats a number such as `2e-01`, like Go's `%e` without unnecessary digits. */
function scientific(value: string): string {
  const number = Number(value);
  return Number.isFinite(number) ? number.toExponential().replace(/e([+-])(\d)$/, 'e$10$2') : value;
}
