import { expect } from 'vitest';
import { alert, group } from './alerts.ts';
import { eventually, Firebreak } from './firebreak.ts';

const GROUPS = 12;
const ALERTS = 60;

/** A Firebreak with one incident that has more alerts, with larger texts, than one response can have. */
export type LargeIncident = { firebreak: Firebreak; path: string; alerts: number; viewer: string };

/** Starts a Firebreak, and sends it the alerts of a large incident. */
export async function startWithLargeIncident(): Promise<LargeIncident> {
  const shadow = { environments: { production: null } };
  const firebreak = await Firebreak.start({ unshown: true, timeScale: 1, services: { large: shadow, small: shadow } });
  const viewer = (await firebreak.post('/v1/tokens', { name: 'viewer', actions: ['incidents:read'] })).body.token;
  for (let n = 0; n < GROUPS; n += 1) {
    const alerts = Array.from({ length: ALERTS }, (_, number) =>
      alert({
        labels: { service: 'large', action: '', pod: `pod-${n}-${number}` },
        annotations: { description: `${number} `.repeat(4000), hint: 'slow pod '.repeat(2000) },
        fingerprint: `large-${n}-${number}`,
      }),
    );
    expect((await firebreak.post('/v1/alerts/alertmanager', group(alerts))).status).toBe(202);
  }
  const path = await eventually(async () => {
    const { items } = (await firebreak.get('/v1/incidents?service=large')).body;
    return items[0]?.signal_count === GROUPS * ALERTS ? `/v1/incidents/${items[0].id}` : undefined;
  }, 'an incident with all alerts');
  return { firebreak, path, alerts: GROUPS * ALERTS, viewer };
}

export const bytesOf = (body: unknown): number => Buffer.byteLength(JSON.stringify(body));

/** Reads a path four times at once as a viewer, and sends alerts until all have been read. Returns the statuses of both. */
export async function readBesideAlerts(
  { firebreak, viewer }: LargeIncident,
  path: string,
): Promise<{ reads: number[]; alerts: Set<number> }> {
  const progress = { isRead: false };
  const get = () => firebreak.request('GET', path, undefined, { authorization: `Bearer ${viewer}` });
  const read = Promise.all([get(), get(), get(), get()]).finally(() => (progress.isRead = true));
  const body = { service: 'small', environment: 'production', severity: 'info', title: 'a', status: 'firing' };
  const alerts = new Set<number>();
  for (let n = 0; !progress.isRead; n += 1)
    alerts.add((await firebreak.post('/v1/alerts/generic', { ...body, dedup_key: `meanwhile ${n}` })).status);
  return { reads: (await read).map(({ status }) => status), alerts };
}

/** What `readBesideAlerts` returns if everything was answered. */
export const ALL_ANSWERED = { reads: [200, 200, 200, 200], alerts: new Set([202]) };
