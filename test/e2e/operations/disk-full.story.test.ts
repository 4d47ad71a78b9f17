import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { alert, group } from '../../support/alerts.ts';
import { damage } from '../../support/damage.ts';
import { EACH_ALONE, eventually, Firebreak } from '../../support/firebreak.ts';

const names = ['before', 'during', 'after', 'frozen'] as const;
const services = Object.fromEntries(names.map((name) => [name, { environments: { production: {} } }]));

let firebreak: Firebreak;
afterEach(() => firebreak.remove());

const pid = async (): Promise<string> => {
  const holder = JSON.parse(await readFile(join(firebreak.dataDir, 'lock'), 'utf8')) as { pid: number };
  return String(holder.pid);
};

/** Lets every write to a file fail, as on a full disk, or succeed again. */
const setFull = async (full: boolean): Promise<void> => {
  execFileSync('prlimit', ['--pid', await pid(), `--fsize=${full ? '0' : 'unlimited'}:`]);
};

const send = (service: (typeof names)[number]) =>
  firebreak.post(
    '/v1/alerts/alertmanager',
    group([alert({ labels: { service }, fingerprint: `${names.indexOf(service)}`.padStart(16, '0') })]),
  );

/** Asks whether a service may be deployed. `override`: for a deployment that starts now, and uses one up. */
const check = (service: (typeof names)[number], override?: 'use') => {
  const deployment = { service, environment: 'production', version: '7', deployment_id: 'd7' };
  if (override === 'use') return firebreak.post('/v1/freeze-check', deployment);
  return firebreak.get(`/v1/freeze-check?${new URLSearchParams(deployment).toString()}`);
};

const intakeOk = async (): Promise<string | undefined> =>
  /^firebreak_intake_ok (.*)$/m.exec(await (await fetch(`${firebreak.url}/metrics`)).text())?.[1];

/** The state while nothing can be stored: alive, not ready, and the freeze check answers from what it can read. */
async function expectRefusing(): Promise<void> {
  expect((await firebreak.get('/healthz')).status).toBe(200);
  expect((await firebreak.get('/readyz')).status).toBe(503);
  expect(await intakeOk()).toBe('0');
  const stale = [expect.objectContaining({ code: 'stale_data' })];
  expect(await check('after')).toMatchObject({
    status: 200,
    body: { allowed: true, verdict: 'warn', stale: true, reasons: stale },
  });
}

const incidents = async (): Promise<string[]> =>
  (await firebreak.get('/v1/incidents')).body.items.map(({ service }: any) => service).sort();

test.runIf(process.platform === 'linux')(
  'a full disk refuses new work, and needs no restart when it has room',
  async () => {
    firebreak = await Firebreak.start({ services, configFiles: EACH_ALONE, unshown: true });
    const started = await pid();
    const freeze = (await firebreak.post('/v1/freezes', { reason: 'stocktaking', service: 'frozen' })).body;
    const override = { reason: 'urgent', uses: 1, expires_at: new Date(Date.now() + 3_600_000).toISOString() };
    expect((await firebreak.post(`/v1/freezes/${freeze.id}/overrides`, override)).status).toBe(201);
    expect((await check('before')).body).toMatchObject({ allowed: true, stale: false });
    expect((await check('frozen')).body).toMatchObject({ allowed: true, override: { uses_left: 1 } });
    expect(await intakeOk()).toBe('1');
    expect((await send('before')).status).toBe(202);

    await setFull(true);
    const problem = (code: string) => ({
      status: 503,
      body: expect.objectContaining({ code, detail: expect.stringContaining('cannot write to its disk') }),
    });
    expect(await send('during')).toMatchObject(problem('not-durable'));
    expect(await firebreak.post('/v1/freezes', { reason: 'stocktaking', service: 'before' })).toMatchObject(
      problem('unavailable'),
    );
    await expectRefusing();
    expect((await firebreak.get('/v1/incidents')).status).toBe(200);
    for (const answer of [await check('frozen'), await check('frozen', 'use')])
      expect(answer).toMatchObject({
        status: 200,
        body: { allowed: false, verdict: 'freeze', stale: true, override: null },
      });
    const disk = expect.stringMatching(/disk I\/O error|disk is full|EFBIG/);
    expect((await firebreak.get('/readyz')).body).toMatchObject({ ready: false, checks: { table: disk, blobs: disk } });

    await setFull(false);
    await eventually(async () => (await firebreak.get('/readyz')).status === 200, 'the readiness check');
    expect(await intakeOk()).toBe('1');
    expect((await check('frozen', 'use')).body).toMatchObject({
      allowed: true,
      stale: false,
      override: { uses_left: 0 },
    });
    expect((await send('after')).status).toBe(202);
    await eventually(async () => (await incidents()).length === 2, 'the incidents of all accepted alerts');
    expect(await incidents()).toEqual(['after', 'before']);
    expect((await send('during')).status).toBe(202);
    await eventually(async () => (await incidents()).length === 3, 'the incident of the alert that was sent again');
    expect(await pid()).toBe(started);
  },
);

test.runIf(process.platform === 'linux')(
  'starts on a full disk, refuses alerts, and continues without a restart when there is room',
  async () => {
    firebreak = await Firebreak.start({ services, configFiles: EACH_ALONE, unshown: true });
    expect((await firebreak.post('/v1/freezes', { reason: 'stocktaking', service: 'frozen' })).status).toBe(201);
    await firebreak.stop();
    await firebreak.start({}, ['prlimit', '--fsize=0:']);
    expect(firebreak.output).toContain('is full: alerts are refused until there is room');
    expect(await send('during')).toMatchObject({ status: 503, body: { code: 'not-durable' } });
    await expectRefusing();
    expect((await check('frozen')).body).toMatchObject({ allowed: false, verdict: 'freeze', stale: true });

    execFileSync('prlimit', ['--pid', String(firebreak.pid), '--fsize=unlimited:']);
    await eventually(async () => (await firebreak.get('/readyz')).status === 200, 'the readiness check');
    expect((await send('during')).status).toBe(202);
    await eventually(async () => (await incidents()).length === 1, 'the incident');
    expect((await check('frozen')).body).toMatchObject({ allowed: false, stale: false });
  },
);

test('with one damaged page, alerts that need it are refused, and Firebreak says so', async () => {
  firebreak = await Firebreak.start({ services, configFiles: EACH_ALONE, unshown: true });
  expect((await firebreak.post('/v1/freezes', { reason: 'stocktaking', service: 'frozen' })).status).toBe(201);
  await firebreak.stop();
  await damage(join(firebreak.dataDir, 'firebreak.sqlite'), 'message_ids');
  await firebreak.start();
  expect(await send('during')).toMatchObject({
    status: 503,
    body: { code: 'not-durable', detail: expect.stringMatching(/database is damaged.*restore a backup/) },
  });
  await expectRefusing();
  expect((await check('frozen')).body).toMatchObject({ allowed: false, verdict: 'freeze', stale: true });
  expect((await firebreak.get('/readyz')).body.checks.table).toContain('the database is damaged');
});

test('with a damaged page that only workflows need, Firebreak goes on, and says so', async () => {
  firebreak = await Firebreak.start({ services, configFiles: EACH_ALONE, unshown: true });
  expect((await firebreak.post('/v1/freezes', { reason: 'stocktaking', service: 'frozen' })).status).toBe(201);
  await firebreak.stop();
  await damage(join(firebreak.dataDir, 'firebreak.sqlite'), 'executions');
  await firebreak.start();
  await eventually(async () => (await firebreak.get('/readyz')).status === 503, 'the readiness check');
  await expectRefusing();
  expect((await check('frozen')).body).toMatchObject({ allowed: false, verdict: 'freeze', stale: true });
  expect((await firebreak.get('/readyz')).body.checks.table).toMatch(/database is damaged.*restore a backup/);
  expect(firebreak.output).toMatch(/"level":"error".*damage was found.*restore a backup/);
});
