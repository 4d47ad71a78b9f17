import * as z from 'zod';
import { readServer } from '../shared/read.ts';
import { serverAt } from '../shared/server.ts';
import { matches as matchesAlert } from '../../core/domain/alerts/matchers.ts';

/** The status of Alertmanager with its configuration, whose secrets are hidden. */
export const StatusResponse = z.object({ config: z.object({ original: z.string() }) });
const LabelValues = z.record(z.string(), z.string()).default({});
const Rule = z.object({
  source_matchers: z.array(z.string()).default([]),
  target_matchers: z.array(z.string()).default([]),
  source_match: LabelValues,
  target_match: LabelValues,
  source_match_re: LabelValues,
  target_match_re: LabelValues,
  equal: z.array(z.string()).default([]),
});
type Rule = z.infer<typeof Rule>;
const Configuration = z.object({ inhibit_rules: z.array(Rule).nullish() });

/** Labels of one objective. Both alerts of an objective have the same values; which ones does not matter. */
const OBJECTIVE_LABELS = { slo: 'one', service: 'one', environment: 'one' };
/** Labels of the generated alerts of this objective. */
const FAST_BURN = {
  ...OBJECTIVE_LABELS,
  alertname: 'SLOFastBurn',
  severity: 'page',
  runbook: 'slo-fast-burn',
  long_window: '1h',
};
const SLOW_BURN = {
  ...OBJECTIVE_LABELS,
  alertname: 'SLOSlowBurn',
  severity: 'ticket',
  runbook: 'slo-slow-burn',
  long_window: '3d',
};
export type Labels = Readonly<Record<string, string>>;

/**
 * Returns whether the running Alertmanager configuration inhibits the slow-burn alert of an objective while its
 * fast-burn alert fires, as the generated configuration does. Null if the configuration can't be read.
 * @see https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
 */
export async function inhibitsSlowBurns(base: string): Promise<boolean | null> {
  const status = await readServer(serverAt(base), '/api/v2/status', StatusResponse);
  if (status === null) return null;
  const { parseForeignYaml } = await import('../shared/yaml.ts'); // a large library
  const configuration = Configuration.safeParse(parseForeignYaml(status.config.original));
  if (!configuration.success) return null;
  return (configuration.data.inhibit_rules ?? []).some(
    (rule) =>
      matches(FAST_BURN, rule.source_matchers, rule.source_match, rule.source_match_re) &&
      matches(SLOW_BURN, rule.target_matchers, rule.target_match, rule.target_match_re) &&
      hasEqualLabels(rule),
  );
}

/** A label that is missing on both sides counts as equal, as in Alertmanager. */
const hasEqualLabels = ({ equal }: Rule): boolean =>
  equal.every((name) => valueOf(FAST_BURN, name) === valueOf(SLOW_BURN, name));

const valueOf = (labels: Labels, name: string): string => labels[name] ?? '';

/** Returns whether labels match all matchers, in the present and the older notation. */
export const matches = (labels: Labels, matchers: readonly string[], exact: Labels, patterns: Labels): boolean =>
  matchers.every((matcher) => matchesOne(labels, matcher)) &&
  Object.entries(exact).every(([name, value]) => valueOf(labels, name) === value) &&
  Object.entries(patterns).every(([name, pattern]) => holds(valueOf(labels, name), '=~', pattern));

function matchesOne(labels: Labels, matcher: string): boolean {
  const [, name, operator = '', text = ''] = /^"?([^"=!~\s]+)"?\s*(=~|!~|!=|=)\s*([^]*)$/.exec(matcher.trim()) ?? [];
  return name !== undefined && holds(valueOf(labels, name), operator, text.replaceAll(/^"|"$/g, ''));
}

const holds = (actual: string, operator: string, value: string): boolean =>
  matchesAlert(
    [{ name: '', value, isRegex: operator.endsWith('~'), isEqual: operator.startsWith('=') }],
    new Map([['', actual]]),
  );
