import { z } from 'zod';
import type { AlertStates } from '../../domain/ports.ts';
import { call, json, NoAnswer } from '../http.ts';

const ATTEMPT_TIMEOUT_MS = 4_000;

const Alerts = z.array(z.object({ labels: z.record(z.string(), z.string()), endsAt: z.string() }));
const ActiveAlerts = z.object({
  status: z.literal('success'),
  data: z.object({ alerts: z.array(z.object({ labels: z.record(z.string(), z.string()) })) }),
});

type LabelSet = readonly (readonly [string, string])[];

/**
 * Asks where an alert lives whether it still fires, for senders that never say "resolved" (`send_resolved: false`,
 * silences, deleted rules). Alertmanager knows best, silenced ones included; else Prometheus, whose label sets are
 * those before relabelling, so there an alert counts as gone only when no alert of its name is left.
 * @see https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
 */
export function alertStates(urls: {
  alertmanager: () => Promise<string | undefined>;
  prometheus: () => Promise<string | undefined>;
}): AlertStates {
  return {
    async gone(labelSets) {
      const here = await stillThere(urls);
      return here && labelSets.flatMap((labels, index) => (here(labels) ? [] : [index]));
    },
  };
}

async function stillThere(urls: Parameters<typeof alertStates>[0]): Promise<((labels: LabelSet) => boolean) | null> {
  const alertmanager = await urls.alertmanager();
  if (alertmanager) {
    const alerts = await read(alertmanager, '/api/v2/alerts', Alerts);
    return alerts && ((labels) => alerts.some((alert) => same(alert.labels, labels)));
  }
  const prometheus = await urls.prometheus();
  if (!prometheus) return null;
  const active = await read(prometheus, '/api/v1/alerts', ActiveAlerts);
  return (
    active &&
    ((labels) => active.data.alerts.some((alert) => alert.labels['alertname'] === new Map(labels).get('alertname')))
  );
}

async function read<T>(base: string, path: string, schema: z.ZodType<T>): Promise<T | null> {
  try {
    const { status, text } = await call(`${base.replace(/\/+$/, '')}${path}`, {
      method: 'GET',
      timeoutMs: ATTEMPT_TIMEOUT_MS,
    });
    const parsed = schema.safeParse(json(text));
    return status === 200 && parsed.success ? parsed.data : null;
  } catch (error) {
    if (error instanceof NoAnswer) return null;
    throw error;
  }
}

const same = (labels: Record<string, string>, given: LabelSet): boolean =>
  Object.keys(labels).length === given.length && given.every(([name, value]) => labels[name] === value);
