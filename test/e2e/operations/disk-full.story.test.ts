import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { alert, group } from '../../support/alerts.ts';
import { EACH_ALONE, eventually, Firebreak } from '../../support/firebreak.ts';

const names = ['before', 'during', 'after'] as const;
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

const incidents = async (): Promise<string[]> =>
  (await firebreak.get('/v1/incidents')).body.items.map(({ service }: any) => service).sort();

test.runIf(process.platform === 'linux')(
  'a full disk refuses new work, and needs no restart when it has room',
  async () => {
    firebreak = await Firebreak.start({ services, configFiles: EACH_ALONE, unshown: true });
    const started = await pid();
    const check = () => firebreak.get('/v1/freeze-check?service=before&environment=production');
    expect((await check()).body).toMatchObject({ allowed: true });
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
    expect((await check()).body).toMatchObject({ allowed: true });
    expect((await firebreak.get('/v1/incidents')).status).toBe(200);
    expect((await firebreak.get('/healthz')).status).toBe(200);
    const disk = expect.stringMatching(/disk I\/O error|disk is full|EFBIG/);
    await eventually(async () => (await firebreak.get('/readyz')).status === 503, 'the failed readiness check');
    expect((await firebreak.get('/readyz')).body).toMatchObject({ ready: false, checks: { table: disk, blobs: disk } });

    await setFull(false);
    await eventually(async () => (await firebreak.get('/readyz')).status === 200, 'the readiness check');
    expect((await send('after')).status).toBe(202);
    await eventually(async () => (await incidents()).length === 2, 'the incidents of all accepted alerts');
    expect(await incidents()).toEqual(['after', 'before']);
    expect((await send('during')).status).toBe(202);
    await eventually(async () => (await incidents()).length === 3, 'the incident of the alert that was sent again');
    expect(await pid()).toBe(started);
  },
);
