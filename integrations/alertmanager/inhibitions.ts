import { parse } from 'yaml';
import * as z from 'zod';
import { read } from '../shared/read.ts';

/** The status of Alertmanager with its configuration, whose secrets are hidden. */
export const Status = z.object({ config: z.object({ original: z.string() }) });
const Matches = z.record(z.string(), z.string()).default({});
const Rule = z.object({
  source_matchers: z.array(z.string()).default([]),
  target_matchers: z.array(z.string()).default([]),
  source_match: Matches,
  target_match: Matches,
  source_match_re: Matches,
  target_match_re: Matches,
  equal: z.array(z.string()).default([]),
});
type Rule = z.infer<typeof Rule>;
const Configuration = z.object({ inhibit_rules: z.array(Rule).nullish() });

const OBJECTIVE = { slo: 'one', service: 'one', environment: 'one' };
const FAST = { ...OBJECTIVE, alertname: 'SLOFastBurn', severity: 'page', runbook: 'slo-fast-burn', long_window: '1h' };
const SLOW = {
  ...OBJECTIVE,
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
  const status = await read(base, '/api/v2/status', Status);
  const configuration = status === null ? null : Configuration.safeParse(configurationIn(status.config.original));
  if (!configuration?.success) return null;
  return (configuration.data.inhibit_rules ?? []).some(
    (rule) =>
      matches(FAST, rule.source_matchers, rule.source_match, rule.source_match_re) &&
      matches(SLOW, rule.target_matchers, rule.target_match, rule.target_match_re) &&
      isEqual(rule),
  );
}

/** Returns the content of a configuration file; null: it is no YAML. */
export function configurationIn(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return null;
  }
}

/** A label that is missing on both sides counts as equal, as in Alertmanager. */
const isEqual = ({ equal }: Rule): boolean => equal.every((name) => valueOf(FAST, name) === valueOf(SLOW, name));

const valueOf = (labels: Labels, name: string): string => labels[name] ?? '';

/** Returns whether labels match all matchers, in the present and the older notation. */
export const matches = (labels: Labels, matchers: readonly string[], exact: Labels, patterns: Labels): boolean =>
  matchers.every((matcher) => isMatch(labels, matcher)) &&
  Object.entries(exact).every(([name, value]) => valueOf(labels, name) === value) &&
  Object.entries(patterns).every(([name, pattern]) => isWhole(valueOf(labels, name), pattern));

function isMatch(labels: Labels, matcher: string): boolean {
  const [, name = '', sign = '', text = ''] =
    /^\s*"?([^"=!~\s]+)"?\s*(=~|!~|!=|=)\s*([\s\S]*?)\s*$/.exec(matcher) ?? [];
  const value = valueOf(labels, name);
  const wanted = text.replaceAll(/^"|"$/g, '');
  switch (sign) {
    case '=':
      return value === wanted;
    case '!=':
      return value !== wanted;
    case '=~':
      return isWhole(value, wanted);
    case '!~':
      return !isWhole(value, wanted);
    default:
      return false;
  }
}

function isWhole(value: string, pattern: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`, 'u').test(value);
  } catch {
    return false;
  }
}
