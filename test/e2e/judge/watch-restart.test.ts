import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { minutesAgo } from '../../support/alerts.ts';
import { EACH_ALONE, eventually, Firebreak } from '../../support/firebreak.ts';
import { close, listen } from '../support/server.ts';

const CHECKS = 12;

let probed: Server;
let firebreak: Firebreak;

beforeAll(async () => {
  probed = createServer((_, response) => response.end('{}'));
  const url = await listen(probed);
  firebreak = await Firebreak.start({
    unshown: true,
    timeScale: 20,
    configFiles: EACH_ALONE,
    services: {
      checkout: {
        environments: {
          production: {
            watch: { checks: CHECKS, intervalSeconds: 20 },
            judge: { metrics: [{ kind: 'http', name: 'health', url: `${url}/health` }] },
          },
        },
      },
    },
  });
});
afterAll(async () => {
  await firebreak?.remove();
  await close(probed);
});

test('a watch survives kill -9: each check is recorded once, and those in between as missed', async () => {
  const { body: change } = await firebreak.post('/v1/deployments', {
    service: 'checkout',
    environment: 'production',
    version: 'v42',
    started_at: minutesAgo(1),
    finished_at: minutesAgo(0),
  });
  const id = `wch_${change.id.slice('chg_'.length)}`;
  const watch = async () => (await firebreak.get(`/v1/watches/${id}`)).body;
  const before = await eventually(async () => {
    const read = await watch();
    return read.checks?.length >= 2 && read;
  }, 'two checks are done');
  const running = (await firebreak.get(`/v1/deployments/${change.id}`)).body.watch;
  expect(running).toMatchObject({ id, state: 'running', outcome: null, checks_planned: CHECKS });
  expect(running.checks_done).toBeGreaterThanOrEqual(2);
  await firebreak.kill9();
  await firebreak.start();
  const after = await eventually(async () => {
    const read = await watch();
    return read.outcome !== null && read;
  }, 'the watch has ended');
  expect(after.checks.map(({ number }: { number: number }) => number)).toEqual(
    Array.from({ length: CHECKS }, (_, index) => index + 1),
  );
  expect(after.checks.slice(0, before.checks.length)).toEqual(before.checks);
  for (const { at, verdict } of after.checks) expect(at === null).toBe(verdict === 'missed');
  expect(after.checks.at(-1).at).not.toBeNull();
  // After a slow restart, the last check may have too little data.
  expect(after.outcome).toBe(after.checks.at(-1).verdict);
  expect(after.outcome).not.toBe('degraded');
});
