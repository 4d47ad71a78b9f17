import { expect } from 'vitest';
import { minutesAgo } from '../../support/alerts.ts';
import type { Firebreak } from '../../support/firebreak.ts';

export type DrillTarget = { service: string; environment: string };

const lane = (mode = 'act') => ({
  drills: true,
  deployer: { kind: 'http' },
  autoRollback: { mode, evidence: 'time', unknownMigration: 'act' },
});

/** One environment for drills per service, so that tests do not affect each other. */
export const drillEnvironments = (...names: string[]) =>
  names.map((name) => [name, { environments: { [`${name}-lane`]: lane() } }]);
export const targetOf = (service: string): DrillTarget => ({ service, environment: `${service}-lane` });

/** Records two versions, the first known good, and sets the live version in the CD system. */
export async function deployed(firebreak: Firebreak, target: DrillTarget): Promise<void> {
  for (const [version, minutes] of [
    ['v1', 310],
    ['v2', 5],
  ] as const) {
    const times = { started_at: minutesAgo(minutes), finished_at: minutesAgo(minutes - 2) };
    expect((await firebreak.post('/v1/deployments', { ...target, version, ...times })).status).toBe(201);
  }
  await firebreak.put('/sandbox/cd/live', { ...target, version: 'v2' });
}

/** Returns the requests that the CD system received for a service, without repeats. */
export async function acts(firebreak: Firebreak, { service }: DrillTarget): Promise<string[]> {
  const posts = (await firebreak.calls('cd')).filter((call) => call.method === 'POST' && call.body.service === service);
  const requests = posts.map(({ body }) => `${body.idempotency_key} ${body.from_version} to ${body.to_version}`);
  return [...new Set(requests)];
}

export const bothWays = (id: string) => [`drill.${id}.back v2 to v1`, `drill.${id}.forth v1 to v2`];

export const runs = async (firebreak: Firebreak, { service }: DrillTarget): Promise<string | undefined> =>
  (await firebreak.get('/sandbox/cd/live')).body.items.find((item: any) => item.service === service)?.version;

export const begin = (firebreak: Firebreak, target: DrillTarget) => firebreak.post('/v1/drills', target);
