import * as z from 'zod';
import type { AlertState, FiringEpisode } from '../../core/domain/ports/alerts.ts';
import { readServer } from '../shared/read.ts';
import { serverAt } from '../shared/server.ts';

const Alerts = z.array(z.object({ labels: z.record(z.string(), z.string()), endsAt: z.string() }));

/**
 * Returns which alerts this Alertmanager lists, silenced alerts included. Alertmanager returns alert labels unchanged,
 * so alerts are matched by their full label set. It lists no alerts of other Alertmanagers.
 * Sends one request per alert name, because a request without a filter lists all alerts.
 * @see https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
 */
export async function statesInAlertmanager(
  base: string,
  alerts: readonly Pick<FiringEpisode, 'labels'>[],
): Promise<AlertState[] | null> {
  const names = new Set(alerts.map(({ labels }) => new Map(labels).get('alertname') ?? ''));
  const lists = await Promise.all(
    [...names].map((name) => readServer(serverAt(base), `/api/v2/alerts?${labelFilter('alertname', name)}`, Alerts)),
  );
  if (lists.includes(null)) return null;
  const listed = lists.flatMap((list) => list ?? []);
  return alerts.map(({ labels }) =>
    listed.some((alert) => hasSameLabels(alert.labels, labels)) ? 'listed' : 'absent',
  );
}

const labelFilter = (label: string, value: string): string =>
  new URLSearchParams({ filter: `${label}=${JSON.stringify(value)}` }).toString();

const hasSameLabels = (labels: Record<string, string>, alertLabels: FiringEpisode['labels']): boolean =>
  Object.keys(labels).length === alertLabels.length && alertLabels.every(([name, value]) => labels[name] === value);
