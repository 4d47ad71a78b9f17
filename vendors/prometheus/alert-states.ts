import * as z from 'zod';
import type { AlertState, FiringEpisode } from '../../core/domain/ports/alerts.ts';
import { readServer } from '../shared/read.ts';
import type { Server } from '../shared/server.ts';
import { complete } from './answer.ts';
import { canBeSource, type Rule } from './alerting-rules.ts';
import { externalLabels } from './external-labels.ts';

const Labels = z.record(z.string(), z.string()).default({});
const Listed = z.array(z.object({ labels: Labels })).default([]);

const ActiveAlerts = complete(z.object({ alerts: z.array(z.object({ labels: Labels })) }));
const Rules = complete(
  z.object({
    groups: z.array(
      z.object({
        rules: z.array(
          z.object({
            type: z.string(),
            name: z.string(),
            query: z.string(),
            /** Absent if the server doesn't report it. */
            health: z.string().optional(),
            labels: Labels,
            alerts: Listed,
          }),
        ),
      }),
    ),
  }),
);

/**
 * Returns which alerts are over, by the rules of this Prometheus. An alert that is missing from its list is over only
 * if this Prometheus also has the rule for it; otherwise the alert can come from another Prometheus, from Loki, or from
 * a script. Listed alerts are before relabeling and without external labels, so only the name, the service, and the
 * environment are compared, and any possible match counts as firing.
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/#rules
 */
export async function statesInPrometheus(
  server: Server,
  alerts: readonly Pick<FiringEpisode, 'labels' | 'generatorUrl'>[],
): Promise<AlertState[] | null> {
  const active = await readServer(server, '/api/v1/alerts', ActiveAlerts);
  if (active === null) return null;
  const missing = alerts.filter((alert) => !couldBeListed(active.data.alerts, alert));
  if (missing.length === 0) return alerts.map(() => 'unknown');
  const names = new Set(missing.map(({ labels }) => new Map(labels).get('alertname') ?? ''));
  const answers = await Promise.all(
    [...names].map((name) => readServer(server, `/api/v1/rules?${ruleQuery(name)}`, Rules)),
  );
  if (answers.includes(null)) return null;
  // Old versions ignore the name filter and return all rules.
  const rules = answers
    .flatMap((response) => response?.data.groups ?? [])
    .flatMap((group) => group.rules)
    .filter(({ type, name }) => type === 'alerting' && names.has(name));
  const external = rules.length === 0 ? new Map<string, string>() : await externalLabels(server);
  const listed = rules.flatMap((rule) => rule.alerts);
  return alerts.map((alert) =>
    missing.includes(alert) &&
    !couldBeListed(listed, alert) &&
    rules.some((rule: Rule) => canBeSource(rule, alert, external))
      ? 'over'
      : 'unknown',
  );
}

const couldBeListed = (
  listed: readonly { labels: Record<string, string> }[],
  { labels }: Pick<FiringEpisode, 'labels'>,
): boolean => listed.some((alert) => couldBeSame(alert.labels, labels));

const ruleQuery = (alertname: string): string =>
  new URLSearchParams({ type: 'alert', 'rule_name[]': alertname }).toString();

const SCOPE_LABELS = ['service', 'environment', 'env'];

/** Returns whether the names are equal and no label names another service or environment. */
function couldBeSame(labels: Record<string, string>, alertLabels: FiringEpisode['labels']): boolean {
  const sent = new Map(alertLabels);
  const isOtherScope = SCOPE_LABELS.some(
    (name) => labels[name] !== undefined && sent.has(name) && labels[name] !== sent.get(name),
  );
  return labels['alertname'] === sent.get('alertname') && !isOtherScope;
}
