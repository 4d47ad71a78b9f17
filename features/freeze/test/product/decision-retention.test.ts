import { serve } from '@hono/node-server';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { sweep } from '../../../../core/jobs/sweep/sweep.ts';
import { keys as recordKeys } from '../../../../core/stores/keys.ts';
import { Table } from '../../../../core/stores/table.ts';
import { assemble } from '../../../../functions/assembly/deps.ts';
import { createLog } from '../../../../functions/assembly/log.ts';
import { computeHere } from '../../../../functions/assembly/reports.ts';
import { backUp } from '../../../../local/backup/backup.ts';
import { restore } from '../../../../local/backup/restore.ts';
import { publish } from '../../../../local/config/config-watch.ts';
import { platformOptions } from '../../../../local/platform-options.ts';
import { appsOf } from '../../../../local/programs.ts';
import { SqlitePlatform } from '../../../../platforms/sqlite/platform.ts';
import { put } from '../../../../platforms/store.ts';
import { Config, emptyConfig } from '../../../../schemas/config/config.ts';
import { cli } from '../../../../test/entrances/cli/support.ts';
import { SetClock } from '../../../../test/support/fake-deps.ts';
import { keys } from '../../keys.ts';
import { withPorts } from '../../ports.ts';
import { decision } from '../freezes-support.ts';

const SECRETS: Record<string, string> = {
  FIREBREAK_ADMIN_TOKEN: 'a token for the admin of some length',
  FIREBREAK_AUDIT_KEY: 'an audit key of some length',
};
const HOUR = 3600;
const DAY = 24 * HOUR;

let dir: string;
let clock: SetClock;
let firebreak: Awaited<ReturnType<typeof started>>;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-retention-'));
  clock = new SetClock('2026-12-01T12:00:00.000Z');
  await mkdir(join(dir, 'data'));
  firebreak = await started(join(dir, 'data'));
});
afterEach(async () => {
  await firebreak.stop();
  await rm(dir, { recursive: true });
});

/** Starts the product on a data folder, as one machine does. */
async function started(dataDir: string) {
  const log = createLog(clock, { level: 'silent', format: 'json' });
  const options = platformOptions({ dataDir, snapshotDir: join(dir, 'status'), timeScale: 1 }, log, (n) => SECRETS[n]);
  const platform = await SqlitePlatform.open(options);
  const services = { checkout: { environments: { production: {} } } };
  const config = Config.parse({ ...emptyConfig, version: 'v1', services });
  await publish(platform.blobs, { ok: true, config, warnings: [] }, clock.now());
  const settings = { stage: 'test', timeScale: 1, standIns: [], publicUrl: undefined };
  const parts = { platform, settings, clock, log };
  const product = assemble({ ...parts, compute: computeHere(() => assemble(parts)) });
  const { app } = appsOf(product, { platform, clock, log });
  const answer = (request: Request) =>
    app.fetch(request, { requestContext: { http: { sourceIp: '127.0.0.1' } } }) as Promise<Response>;
  async function call(method: string, path: string, body?: object) {
    const response = await answer(
      new Request(`http://localhost${path}`, {
        method,
        headers: { authorization: `Bearer ${SECRETS['FIREBREAK_ADMIN_TOKEN']}`, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      }),
    );
    return { status: response.status, body: (await response.json()) as any };
  }
  return {
    answer,
    call,
    table: new Table(platform.store),
    decisions: withPorts(product).freezeDecisions,
    /** Returns the decision of a check. */
    check: async (version: string): Promise<string> => {
      const { body } = await call('GET', `/v1/freeze-check?service=checkout&environment=production&version=${version}`);
      return body.decision_id;
    },
    statusOf: async (id: string): Promise<number> => (await call('GET', `/v1/freeze-decisions/${id}`)).status,
    chain: async () => (await call('GET', '/v1/audit?check=all')).body.chain,
    sweep: async (times = 1): Promise<void> => {
      for (let left = times; left > 0; left -= 1) {
        clock.set(clock.millis + 60_000);
        await sweep(product);
      }
    },
    stop: () => platform.close(),
  };
}

const pass = (seconds: number): void => clock.set(clock.millis + seconds * 1000);

/** Makes the recorded decisions larger than the limit. */
async function exceed(): Promise<void> {
  const progress = await firebreak.table.get(keys.decisionRetention());
  await firebreak.table.transact([put({ ...progress, bytes: 1e12 })]);
}

test('the inputs of old decisions are removed when all exceed the limit, except of those that an incident cites', async () => {
  await firebreak.sweep(10);
  const [cited, noted, old] = [await firebreak.check('v1'), await firebreak.check('v2'), await firebreak.check('v3')];
  const { body: incident } = await firebreak.call('POST', '/v1/incidents', {
    service: 'checkout',
    environment: 'production',
    severity: 'warning',
    title: `v1 was allowed by ${cited}`,
  });
  const note = { text: `See ${noted}, and frd_${'0'.repeat(32)}` };
  expect((await firebreak.call('POST', `/v1/incidents/${incident.id}/timeline`, note)).status).toBe(201);
  pass(4 * DAY);
  await firebreak.sweep(10);
  const young = await firebreak.check('v4');
  pass(4 * DAY);
  await exceed();
  await firebreak.sweep(5);

  expect(await Promise.all([cited, noted, young].map(firebreak.statusOf))).toEqual([200, 200, 200]);
  expect(await firebreak.table.get(recordKeys.freezeDecision(`frd_${'0'.repeat(32)}`))).toBeUndefined();
  const why = `the inputs of decision ${old} were removed on 2026-12-09, because all recorded decisions exceeded 2 GB; its entry in the audit log stays`;
  expect(await firebreak.call('GET', `/v1/freeze-decisions/${old}`)).toMatchObject({
    status: 410,
    body: { code: 'decision-removed', detail: why },
  });
  const server = serve({ fetch: firebreak.answer, port: 0, overrideGlobalObjects: false });
  onTestFinished(() => void server.close());
  if (!server.listening) await once(server, 'listening');
  const env = {
    FIREBREAK_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    FIREBREAK_TOKEN: SECRETS['FIREBREAK_ADMIN_TOKEN'] ?? '',
  };
  expect(await cli(['freeze', 'explain', old], { env })).toMatchObject({ code: 1, err: expect.stringContaining(why) });

  expect(await firebreak.check('v3')).toBe(old);
  expect(await firebreak.chain()).toMatchObject({ intact: true });
  await firebreak.sweep(5);
  expect(await firebreak.chain()).toMatchObject({ intact: true });
});

test('a backup of any moment of the removal restores to an intact audit log', async () => {
  await firebreak.sweep(10);
  const all: string[] = [];
  for (const id of ['large-1', 'large-2']) {
    await firebreak.decisions.keep(decision(id, clock.now(), 400_000), () => 'aggregate');
    all.push(id);
  }
  for (let n = 0; n < 40; n += 1) all.push(await firebreak.check(`v${n}`));
  pass(9 * DAY);
  await firebreak.sweep(10);
  await exceed();
  const files = [];
  for (let moment = 0; moment < 4; moment += 1) {
    const file = join(dir, `${moment}.tar.gz`);
    const [backup] = await Promise.all([backUp(join(dir, 'data'), file), firebreak.sweep()]);
    files.push(backup.file);
  }
  expect(await Promise.all(all.map(firebreak.statusOf))).toEqual(all.map(() => 410));
  pass(2 * DAY);
  await firebreak.sweep(5);
  for (const [n, file] of files.entries()) {
    const folder = join(dir, `restored-${n}`);
    await restore(file, folder, { pause: true, now: new Date() });
    const restored = await started(folder);
    try {
      expect(await restored.chain()).toMatchObject({ intact: true });
    } finally {
      await restored.stop();
    }
  }
});
