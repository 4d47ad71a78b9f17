import { mkdir, mkdtemp, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { at, cli } from '../../entrances/cli/support.ts';
import { alert, group, twoDeployments } from '../../support/alerts.ts';
import { EACH_ALONE, eventually, Firebreak } from '../../support/firebreak.ts';
import { startVendors, type Vendors } from '../../support/scenario/vendors.ts';

/** The verification after a rollback takes seconds. */
const TIME_SCALE = 100;

const deployer = { kind: 'http' };
/** Its questions stay open, without another page, for longer than a slow machine takes for the restore. */
const asking = {
  environments: {
    production: {
      deployer,
      autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act', approvalTimeoutMinutes: 24 * 60 },
    },
  },
};
const services = {
  checkout: asking,
  basket: asking,
  search: {
    environments: {
      production: { deployer, autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act' } },
    },
  },
  feed: { environments: { production: {} } },
};

let dir: string;
let vendors: Vendors;
const started: Firebreak[] = [];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-backup-'));
  vendors = await startVendors({ timeScale: TIME_SCALE });
});
afterAll(async () => {
  for (const firebreak of started) await firebreak.remove();
  await vendors.close();
  await rm(dir, { recursive: true, force: true });
});

async function prepare(dataDir?: string): Promise<Firebreak> {
  const firebreak = await Firebreak.prepare({
    ...(dataDir !== undefined && { dataDir }),
    services,
    configFiles: EACH_ALONE,
    timeScale: TIME_SCALE,
    env: vendors.env,
  });
  started.push(firebreak);
  return firebreak;
}

const send = (firebreak: Firebreak, alerts: object[]) => firebreak.post('/v1/alerts/alertmanager', group(alerts));

const checkoutFails = alert({ fingerprint: 'c0ffee0000000001' });
const searchFails = alert({ labels: { service: 'search' }, fingerprint: 'c0ffee0000000002' });
const basketFails = alert({ labels: { service: 'basket' }, fingerprint: 'c0ffee0000000003' });
const warning = (n: number): object =>
  alert({ labels: { service: 'feed', severity: 'warning', action: '' }, fingerprint: fingerprintOf(n) });
const fingerprintOf = (n: number): string => `feed${String(n).padStart(12, '0')}`;

const incidentOf = async (firebreak: Firebreak, service: string): Promise<any> =>
  (await firebreak.get(`/v1/incidents?service=${service}`)).body.items[0];
const timelineOf = async (firebreak: Firebreak, { id }: { id: string }): Promise<any[]> =>
  (await firebreak.get(`/v1/incidents/${id}/timeline?limit=200`)).body.items;

/** Returns the keys of the pages that PagerDuty was asked for, including repeats. */
const pages = async (): Promise<string[]> =>
  (await vendors.calls('pagerduty'))
    .map(({ body }) => body as { event_action: string; dedup_key: string })
    .filter(({ event_action }) => event_action === 'trigger')
    .map(({ dedup_key }) => dedup_key);
const rollbacksOf = async (service: string): Promise<any[]> =>
  (await vendors.calls('cd')).filter(({ method, body }) => method === 'POST' && (body as any).service === service);

const asRead = (firebreak: Firebreak, token: string) =>
  firebreak.request('GET', '/v1/incidents', undefined, { authorization: `Bearer ${token}` });

const approve = (firebreak: Firebreak, { id, decisions: [{ digest }] }: any) =>
  firebreak.post(`/v1/incidents/${id}/actions/approve`, { digest });

test('a backup during many alerts: after a restore elsewhere each incident continues, and nothing is done twice', async () => {
  const first = await prepare();
  await first.start();
  for (const deployment of ['checkout', 'search', 'basket'].flatMap(twoDeployments))
    expect((await first.post('/v1/deployments', deployment)).status).toBe(201);
  const { token } = (await first.post('/v1/tokens', { name: 'a reader', actions: ['incidents:read'] })).body;
  const frozen = await first.post('/v1/freezes', { reason: 'stocktaking', service: 'feed' });
  expect(frozen.status).toBe(201);
  await send(first, [checkoutFails, searchFails, basketFails]);

  // Two incidents wait for an approval, one verifies its rollback, and all have paged.
  const asked = (firebreak: Firebreak, service: string): Promise<any> =>
    eventually(async () => {
      const incident = await incidentOf(firebreak, service);
      return incident?.decisions[0]?.state === 'waiting' && incident;
    }, `the question about ${service}`);
  const waiting = await asked(first, 'checkout');
  const answered = await asked(first, 'basket');
  await eventually(async () => (await incidentOf(first, 'search'))?.status === 'mitigated', 'the rollback of search');
  await eventually(async () => new Set(await pages()).size === 3, 'all pages');
  const note = await first.post(`/v1/incidents/${waiting.id}/timeline`, { text: 'the database is fine' });
  expect(note.status).toBeLessThan(300);

  const pouring = new AbortController();
  let taken = 0;
  const pour = (async () => {
    while (!pouring.signal.aborted) {
      expect((await send(first, [warning(taken + 1)])).status).toBe(202);
      taken += 1;
    }
  })();
  await eventually(async () => taken > 20, 'many alerts');
  const takenBefore = taken;
  const archive = join(dir, 'archive.tar.gz');
  const backedUp = await cli(['backup', archive], { env: { FIREBREAK_DATA_DIR: first.dataDir } });
  pouring.abort();
  await pour;
  expect(backedUp).toMatchObject({ code: 0, out: expect.stringContaining('Firebreak running') });
  expect(String((await first.get('/metrics')).body)).toMatch(
    /^firebreak_backup_last_success_timestamp_seconds 1\d{9}/m,
  );
  const running = await cli(['restore', archive, '--data-dir', first.dataDir]);
  expect(running).toMatchObject({ code: 1, err: expect.stringContaining('in use by process') });
  // Changes from now on are not in the backup.
  expect((await approve(first, answered)).status).toBe(200);
  await eventually(async () => (await incidentOf(first, 'basket')).status === 'mitigated', 'the rollback of basket');
  const pagesBefore = new Set(await pages());
  await first.kill9();

  const dataDir = join(dir, 'restored');
  expect(await cli(['restore', archive, '--data-dir', dataDir])).toMatchObject({ code: 0 });
  const second = await prepare(dataDir);
  await mkdir(join(dataDir, 'restoring'));
  await expect(second.start()).rejects.toThrow('was interrupted: run firebreak restore again');
  await rmdir(join(dataDir, 'restoring'));
  await second.start();

  expect(second.output).toContain('Automation is paused: review, then run firebreak resume');
  const automation = (await second.get('/v1/automation')).body;
  expect(automation).toMatchObject({ paused: true, reason: expect.stringMatching(/^restored from the backup of /) });
  const kept = await incidentOf(second, 'checkout');
  expect(kept).toMatchObject({ id: waiting.id, decisions: [{ digest: waiting.decisions[0].digest }] });
  expect((await timelineOf(second, waiting)).map(({ text }) => text)).toContain('the database is fine');
  expect((await asRead(second, token)).status).toBe(200);
  expect((await second.get('/v1/freezes')).body.items).toMatchObject([{ id: frozen.body.id, reason: 'stocktaking' }]);
  expect((await second.get('/v1/versions/pinned')).body.items).toMatchObject([{ service: 'search', version: 'v2' }]);
  const warnings = async (): Promise<string[]> =>
    (await second.get('/v1/signals?limit=500')).body.items.map(({ fingerprint }: any) => fingerprint);
  const acknowledged = Array.from({ length: takenBefore }, (_, n) => fingerprintOf(n + 1));
  await eventually(async () => {
    const found = new Set(await warnings());
    return acknowledged.every((fingerprint) => found.has(fingerprint));
  }, 'every alert that was acknowledged before the backup');

  expect(await approve(second, waiting)).toMatchObject({ status: 409, body: { code: 'automation-paused' } });
  expect(await at(second, 'resume')).toMatchObject({ code: 0 });
  for (const incident of [waiting, await asked(second, 'basket')])
    expect((await approve(second, incident)).status).toBe(200);
  for (const service of ['checkout', 'basket'])
    await eventually(
      async () => (await incidentOf(second, service)).status === 'mitigated',
      `the rollback of ${service}`,
    );
  for (const firing of [checkoutFails, searchFails, basketFails])
    await send(second, [{ ...firing, status: 'resolved', endsAt: new Date().toISOString() }]);
  for (const service of ['checkout', 'search', 'basket'])
    await eventually(async () => (await incidentOf(second, service)).status === 'resolved', `the end of ${service}`);

  const keysOf = async (service: string) =>
    (await rollbacksOf(service)).map(({ headers }) => headers['idempotency-key']);
  const keyOf = async (service: string) => `${(await incidentOf(second, service)).id}.roll-back.1`;
  for (const service of ['checkout', 'search']) expect(await keysOf(service)).toEqual([await keyOf(service)]);
  // The CD system recognizes the repeated rollback by its key, and returns the first response.
  expect(new Set(await keysOf('basket'))).toEqual(new Set([await keyOf('basket')]));
  expect((await rollbacksOf('basket')).map(({ body }) => body)).toEqual(
    Array.from({ length: 2 }, () => expect.objectContaining({ from_version: 'v2', to_version: 'v1' })),
  );
  expect(new Set(await pages()), 'no second page').toEqual(pagesBefore);
  expect(await vendors.live()).toMatchObject([
    { service: 'basket', version: 'v1' },
    { service: 'checkout', version: 'v1' },
    { service: 'search', version: 'v1' },
  ]);
  expect(await at(second, 'audit')).toMatchObject({ code: 0, out: expect.stringContaining('firebreak restore') });
});
