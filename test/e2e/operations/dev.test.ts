import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../../packages/demo/free-port.ts';
import { actingCheckout, alert, group, minutesAgo } from '../../support/alerts.ts';
import { eventually, Firebreak } from '../../support/firebreak.ts';

/** `npm run dev` starts the product again when a file that it imports changes. */

let folder: string;
let firebreak: Firebreak;

/** A source file that the product imports, outside of the project, so that the test changes nothing in the project. */
const change = (text: string) => writeFile(join(folder, 'source.mjs'), text);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firebreak-dev-'));
  await change('export const generation = 1;');
  firebreak = await Firebreak.start({
    script: 'dev',
    timeScale: 60,
    services: actingCheckout,
    unshown: true,
    env: { PORT: String(await freePort()), NODE_OPTIONS: `--import=${join(folder, 'source.mjs')}` },
  });
});

afterAll(async () => {
  await firebreak.stop();
  await firebreak.remove();
  await rm(folder, { recursive: true });
});

const timesIn = (text: string): number => firebreak.output.split(text).length - 1;
const untilPrinted = (text: string, times: number) =>
  eventually(() => Promise.resolve(timesIn(text) >= times), `the line "${text}", ${times} times`);

async function incident(): Promise<{ id: string; status: string; signal_count: number }> {
  const { body } = await firebreak.get('/v1/incidents?service=checkout');
  expect(body.items).toHaveLength(1);
  return body.items[0];
}

test('an incident in progress goes on after a change of the code, and nothing is done twice', async () => {
  const serviceEnvironment = { service: 'checkout', environment: 'production', has_migration: false };
  const deploy = (version: string, started: number) =>
    firebreak.post('/v1/deployments', {
      ...serviceEnvironment,
      version,
      started_at: minutesAgo(started),
      finished_at: minutesAgo(started - 1),
    });
  await deploy('v41', 180);
  await deploy('v42', 5);
  const startsAt = minutesAgo(1);
  await firebreak.post('/v1/alerts/alertmanager', group([alert({ startsAt })]));
  const { id } = await eventually(async () => {
    const seen = await incident();
    return seen.status === 'mitigated' && seen;
  }, 'a rollback that is not verified yet');

  await change('export const generation = ;');
  await untilPrinted('Waiting for file changes before restarting', 1);
  await change('export const generation = 2;');
  await untilPrinted('firebreak ready on', 2);

  await firebreak.post('/v1/alerts/alertmanager', group([alert({ startsAt, status: 'resolved' })]));
  await eventually(async () => (await incident()).status === 'resolved', 'the incident is resolved');
  expect(await incident()).toMatchObject({ id, signal_count: 1 });
  const { body } = await firebreak.get(`/v1/incidents/${id}/timeline?limit=500`);
  const kinds: string[] = body.items.map(({ kind }: { kind: string }) => kind);
  const once = [
    'incident.opened',
    'page.succeeded',
    'mitigation.succeeded',
    'verification.passed',
    'incident.resolved',
  ];
  expect(kinds.filter((kind) => once.includes(kind)).toSorted()).toEqual(once.toSorted());
  const rollbacks = await firebreak.calls('cd');
  expect(rollbacks.filter(({ method }) => method === 'POST')).toHaveLength(1);
});

test('a stop ends the watcher and the product', async () => {
  await firebreak.stop();
  await expect(fetch(`${firebreak.url}/healthz`)).rejects.toThrow('fetch failed');
});
