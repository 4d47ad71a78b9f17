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

/** A large installation has thousands of alerts, and one of them may be ours. */
const BODY_MAX_BYTES = 16 * 1024 * 1024;

/**
 * Asks where an alert lives whether it still fires, for senders that never say "resolved" (`send_resolved: false`,
 * silences, deleted rules). Alertmanager knows best, silenced ones included; else Prometheus, whose label sets are
 * those before relabelling and without external labels: there an alert counts as gone only when none of its name is
 * left that could be of the same service and environment.
 * @see https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
 */
export function alertStates(urls: {
  alertmanager: () => Promise<string | undefined>;
  prometheus: () => Promise<string | undefined>;
}): AlertStates {
  return {
    async gone(labelSets) {
      const alertmanager = await urls.alertmanager();
      const prometheus = alertmanager ? undefined : await urls.prometheus();
      if (!alertmanager && !prometheus) return null;
      const stillThere = alertmanager ? inAlertmanager(alertmanager, labelSets) : inPrometheus(prometheus ?? '');
      const here = await stillThere;
      return here && labelSets.flatMap((labels, index) => (here(labels) ? [] : [index]));
    },
  };
}

type StillThere = ((labels: LabelSet) => boolean) | null;

/** One question for each name, since Alertmanager lists everything where it is not told what is looked for. */
async function inAlertmanager(base: string, labelSets: readonly LabelSet[]): Promise<StillThere> {
  const names = new Set(labelSets.map((labels) => new Map(labels).get('alertname') ?? ''));
  const lists = await Promise.all(
    [...names].map((name) => read(base, `/api/v2/alerts?${matching('alertname', name)}`, Alerts)),
  );
  const alerts = lists.flatMap((list) => list ?? []);
  return lists.includes(null) ? null : (labels) => alerts.some((alert) => same(alert.labels, labels));
}

const matching = (label: string, value: string): string =>
  new URLSearchParams({ filter: `${label}=${JSON.stringify(value)}` }).toString();

async function inPrometheus(base: string): Promise<StillThere> {
  const active = await read(base, '/api/v1/alerts', ActiveAlerts);
  return active && ((labels) => active.data.alerts.some((alert) => couldBe(alert.labels, labels)));
}

const PLACE = ['service', 'environment', 'env'];

/** The same name, and nothing that says another place. */
function couldBe(labels: Record<string, string>, given: LabelSet): boolean {
  const sent = new Map(given);
  const elsewhere = PLACE.some(
    (name) => labels[name] !== undefined && sent.has(name) && labels[name] !== sent.get(name),
  );
  return labels['alertname'] === sent.get('alertname') && !elsewhere;
}

async function read<T>(base: string, path: string, schema: z.ZodType<T>): Promise<T | null> {
  try {
    const { status, text } = await call(`${base.replace(/\/+$/, '')}${path}`, {
      method: 'GET',
      timeoutMs: ATTEMPT_TIMEOUT_MS,
      maxBytes: BODY_MAX_BYTES,
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
