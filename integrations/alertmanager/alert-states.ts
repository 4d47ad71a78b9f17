import * as z from 'zod';
import type { AlertState, FiringEpisode } from '../../domain/ports.ts';
import { read } from '../read.ts';

const Alerts = z.array(z.object({ labels: z.record(z.string(), z.string()), endsAt: z.string() }));

/**
 * What this Alertmanager has, silenced ones included. It tells its alerts unchanged, so they are known by all their
 * labels. Of those that others have it knows nothing.
 *
 * One question for each name, since it lists everything where it is not told what is looked for.
 * @see https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
 */
export async function statesInAlertmanager(
  base: string,
  alerts: readonly Pick<FiringEpisode, 'labels'>[],
): Promise<AlertState[] | null> {
  const names = new Set(alerts.map(({ labels }) => new Map(labels).get('alertname') ?? ''));
  const lists = await Promise.all(
    [...names].map((name) => read(base, `/api/v2/alerts?${matching('alertname', name)}`, Alerts)),
  );
  if (lists.includes(null)) return null;
  const listed = lists.flatMap((list) => list ?? []);
  return alerts.map(({ labels }) => (listed.some((one) => same(one.labels, labels)) ? 'listed' : 'absent'));
}

const matching = (label: string, value: string): string =>
  new URLSearchParams({ filter: `${label}=${JSON.stringify(value)}` }).toString();

const same = (labels: Record<string, string>, given: FiringEpisode['labels']): boolean =>
  Object.keys(labels).length === given.length && given.every(([name, value]) => labels[name] === value);
