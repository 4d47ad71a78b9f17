import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN_TOKEN, Firebreak } from '../../../../test/support/firebreak.ts';
import type { CommandContext } from '../../../../entrances/cli/command-context.ts';
import { cli, type Ended, terminal } from '../../../../test/entrances/cli/support.ts';

let firebreak: Firebreak;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firebreak-cli-'));
  firebreak = await Firebreak.start({
    unshown: true,
    timeScale: 1,
    services: {
      checkout: { environments: { production: {} } },
      bank: { environments: { production: {} } },
      hasty: { environments: { production: {} } },
    },
    configFiles: {
      'freeze.yaml': `
policies:
  - match: { service: bank }
    outage: { deploys: deny, maxAgeMinutes: 0 }
  - match: { service: hasty }
    outage: { deploys: allow, maxAgeMinutes: 0 }
`,
    },
  });
});

afterAll(async () => {
  await firebreak.remove();
  await rm(folder, { recursive: true, force: true });
});

/** Runs a command with the user's folders in the folder of this file. */
const run = (
  args: string[],
  url = firebreak.url,
  env: Record<string, string> = {},
  ask?: CommandContext['ask'],
): Promise<Ended> =>
  cli(args, {
    env: {
      FIREBREAK_URL: url,
      FIREBREAK_TOKEN: ADMIN_TOKEN,
      XDG_CACHE_HOME: join(folder, 'cache'),
      XDG_CONFIG_HOME: join(folder, 'config'),
      ...env,
    },
    cwd: folder,
    root: folder,
    ask,
  });
const freeze = (...args: string[]): Promise<Ended> => run(['freeze', ...args]);

describe('firebreak freeze', () => {
  test('status and check --look are no refused deployments', async () => {
    const ids: string[] = [];
    for (const service of ['bank', 'hasty'])
      ids.push((await freeze('open', '--service', service, '--until-lifted', '--reason', 'stocktaking')).out.trim());
    expect(await freeze('status', 'bank')).toMatchObject({ out: expect.stringContaining('frozen') });
    expect(await freeze('check', 'bank', 'production', '--look')).toMatchObject({ code: 1 });
    expect(await freeze('check', 'hasty', 'production')).toMatchObject({ code: 1 });
    for (const id of ids) expect(await freeze('lift', id)).toMatchObject({ code: 0 });

    const signedIn = await fetch(`${firebreak.url}/login`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: firebreak.url },
      body: new URLSearchParams({ token: ADMIN_TOKEN }),
    });
    const cookie = signedIn.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const page = await (await fetch(`${firebreak.url}/console/freezes`, { headers: { cookie } })).text();
    const refused = /Refused deployments[^]*?<\/section>/.exec(page)?.[0] ?? expect.unreachable();
    expect(refused).toContain('hasty');
    expect(refused).not.toContain('bank');
  });

  test('check reports by exit code whether a deploy is allowed', async () => {
    expect(await freeze('check', 'checkout', 'production')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^allowed\n/),
    });
    expect(await freeze('check', '--service', 'checkout', '--environment', 'production')).toMatchObject({ code: 0 });
    expect(await freeze('check', 'checkout')).toMatchObject({ code: 2 });
    expect(await freeze('check', 'chekout', 'production')).toMatchObject({ code: 0 });
    expect(await freeze('check', 'checkout', 'production', '--strict')).toMatchObject({ code: 0 });
    for (const names of [
      ['chekout', 'production'],
      ['checkout', 'prodution'],
    ])
      expect(await freeze('check', ...names, '--strict')).toMatchObject({
        code: 1,
        err: expect.stringContaining('did you mean'),
      });
    const opened = await freeze('open', '--service', 'checkout', '--until-lifted', '--reason', 'stocktaking');
    const id = opened.out.trim();
    expect(opened.code).toBe(0);
    const refused = await freeze('check', 'checkout', 'production', '--version', 'v2');
    expect(refused).toMatchObject({ code: 1, out: expect.stringContaining('stocktaking') });
    const status = await freeze('status');
    expect(status).toMatchObject({ code: 0, out: expect.stringContaining(id) });
    expect(status.out).toContain('stocktaking; ends when a person lifts it');
    expect(await freeze('status', 'checkout')).toMatchObject({ code: 0, out: expect.stringContaining('frozen') });

    const decision = /decision (\S+)/.exec(refused.out)?.[1] ?? '';
    const explained = await freeze('explain', decision);
    expect(explained).toMatchObject({
      code: 0,
      out: expect.stringContaining('evaluated again from its inputs: same verdict'),
    });

    expect(await freeze('override', id, '--reason', 'x')).toMatchObject({ code: 2 });
    const given = await freeze(
      'override',
      id,
      '--reason',
      'CASE-1',
      '--minutes',
      '5',
      '--uses',
      '1',
      '--version',
      'v2',
    );
    expect(given).toMatchObject({ code: 0, err: '' });
    const deploy = ['check', 'checkout', 'production', '--version', 'v2', '--deployment-id'];
    expect(await freeze(...deploy, 'd1')).toMatchObject({ code: 0, out: expect.stringContaining('CASE-1') });
    expect(await freeze(...deploy, 'd2')).toMatchObject({ code: 1 });

    expect(await freeze('lift', id)).toMatchObject({ code: 0 });
    expect(await freeze('check', 'checkout', 'production')).toMatchObject({ code: 0 });
    expect(await freeze('list')).toMatchObject({ code: 0, out: expect.stringMatching(/ over .* stocktaking/) });
    expect(await run(['audit'])).toMatchObject({ code: 0, out: expect.stringContaining('freeze.opened') });
  });

  test('open requires a scope and an end, and reports what it froze', async () => {
    const calls = async () => (await freeze('list', '--json')).out;
    const before = await calls();
    const because = ['open', '--reason', 'stocktaking'];
    for (const [args, says] of [
      [[], /specify what to freeze: .*--all/],
      [['--service', 'bank'], /specify when it ends: .*--until-lifted/],
      [['--all', '--service', 'bank', '--for', '1h'], /--all cannot be combined/],
      [['--service', 'bank', '--for', 'soon'], /"soon" is not a duration/],
      [['--service', 'bank', '--for', '1h', '--until-lifted'], /specify only one of/],
    ] as const)
      expect(await freeze(...because, ...args)).toMatchObject({ code: 2, err: expect.stringMatching(says) });
    expect(await calls()).toBe(before);

    const whole = await freeze(...because, '--yes');
    expect(whole.err).toMatch(/^frozen: all services \(checkout, bank, hasty\) in all environments until lifted\n$/);
    expect(await freeze('lift', whole.out.trim().slice(-6))).toMatchObject({ code: 0 });
    const one = await freeze(...because, '--service', 'bank', '--environment', 'production', '--for', '2h');
    expect(one).toMatchObject({
      code: 0,
      err: expect.stringMatching(/^frozen: bank in production until \d{4}-\d\d-\d\d [\d:]+ UTC\n$/),
    });
    const given = await freeze('override', 'bank/production', '--reason', 'CASE-2', '--minutes', '5');
    expect(given).toMatchObject({
      code: 0,
      err: expect.stringMatching(/^warning: this override allows any version; set a version.*\n$/),
    });
    expect(await freeze('check', 'bank', 'production')).toMatchObject({ code: 0 });
    const override = given.out.trim();
    expect(await freeze('withdraw', 'bank', override, '--reason', 'Not needed')).toEqual({
      code: 0,
      out: `${override} is withdrawn\n`,
      err: '',
    });
    expect(await freeze('check', 'bank', 'production')).toMatchObject({ code: 1 });
    expect(await freeze('lift', 'bank')).toEqual({ code: 0, out: `${one.out.trim()} is lifted\n`, err: '' });
    expect(await freeze('lift', 'bank')).toMatchObject({
      code: 1,
      err: expect.stringContaining('freeze "bank" not found'),
    });
  });

  test('open prompts for a scope and an end at a terminal', async () => {
    const asked: string[] = [];
    const ask = terminal(['hasty', '', '30m'], asked);
    const opened = await run(['freeze', 'open', '--reason', 'stocktaking'], firebreak.url, {}, ask);
    expect(asked).toEqual([
      'Which service? Leave empty for all services: ',
      'Which environment? Leave empty for all environments: ',
      'For how long, such as 30m or 2h? Leave empty to freeze until the freeze is lifted: ',
    ]);
    expect(opened).toMatchObject({
      code: 0,
      err: expect.stringMatching(/^frozen: hasty in all environments until \d/),
    });
    expect(await freeze('lift', opened.out.trim())).toMatchObject({ code: 0 });
  });

  test('--version without a command prints the version of Firebreak', async () => {
    expect((await run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('--json prints the API response', async () => {
    const { out } = await freeze('check', 'checkout', 'production', '--json');
    expect(JSON.parse(out)).toMatchObject({ allowed: true, decision_id: expect.any(String) });
  });
});

describe('while Firebreak is unreachable', () => {
  const AWAY = 'http://127.0.0.1:1';

  /** Moves stored answers from the address of the running product to the unreachable one. */
  async function check(service: string, url: string, ...more: string[]): Promise<Ended> {
    const keys = { FIREBREAK_KEYS: (await freeze('keys')).out.trim() };
    const args = ['freeze', 'check', service, 'production', '--state', join(folder, 'states.json'), ...more];
    const ended = await run(args, url, keys);
    if (url !== AWAY) await asOf(AWAY);
    return ended;
  }

  async function asOf(url: string): Promise<void> {
    const file = join(folder, 'states.json');
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll(firebreak.url, url));
  }

  test('the last signed answer decides, and the output says so', async () => {
    expect(await check('checkout', firebreak.url)).toMatchObject({ code: 0, err: '' });
    expect(await check('checkout', AWAY)).toMatchObject({
      code: 0,
      err: expect.stringContaining('while Firebreak is unreachable'),
    });
    const { body } = await firebreak.post('/v1/freezes', { service: 'checkout', reason: 'stocktaking' });
    expect(await check('checkout', firebreak.url)).toMatchObject({ code: 1 });
    const refused = await check('checkout', AWAY);
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringMatching(/while Firebreak is unreachable.*stocktaking/),
    });
    expect(JSON.parse((await check('checkout', AWAY, '--json')).out)).toMatchObject({ allowed: false, outage: true });
    await firebreak.request('DELETE', `/v1/freezes/${body.id}`);
  });

  test('an override has no effect, because its uses cannot be counted', async () => {
    const { body } = await firebreak.post('/v1/freezes', { service: 'checkout', reason: 'stocktaking' });
    const expires_at = new Date(Date.now() + 600_000).toISOString();
    const give = async (more: object) =>
      (await firebreak.post(`/v1/freezes/${body.id}/overrides`, { reason: 'once', expires_at, uses: 1, ...more })).body;
    expect(await give({})).toMatchObject({ version: null, warnings: [expect.stringContaining('any version')] });
    expect(await give({ version: 'other' })).toMatchObject({ version: 'other', warnings: [] });
    expect(await check('checkout', firebreak.url, '--version', 'a1')).toMatchObject({ code: 0 });
    for (const version of ['a1', 'a2'])
      expect(await check('checkout', AWAY, '--version', version)).toMatchObject({ code: 1 });
    await firebreak.request('DELETE', `/v1/freezes/${body.id}`);
  });

  test('a rollback is allowed only to a version known good', async () => {
    for (const [version, minutes] of [
      ['r1', 300],
      ['r2', 100],
      ['r3', 5],
    ] as const)
      await firebreak.post('/v1/deployments', {
        service: 'rolled',
        environment: 'production',
        version,
        commit: `commit-of-${version}`,
        started_at: new Date(Date.now() - minutes * 60_000).toISOString(),
      });
    const { body } = await firebreak.post('/v1/freezes', { service: 'rolled', reason: 'stocktaking' });
    expect(await check('rolled', firebreak.url)).toMatchObject({ code: 1 });
    const back = (...to: string[]) => check('rolled', AWAY, '--change', 'rollback', ...to);
    for (const version of ['r1', 'r2']) expect(await back('--version', version)).toMatchObject({ code: 0 });
    expect(await back('--commit', 'commit-of-r2')).toMatchObject({ code: 0 });
    for (const version of ['r3', 'r4']) expect(await back('--version', version)).toMatchObject({ code: 1 });
    await firebreak.request('DELETE', `/v1/freezes/${body.id}`);
  });

  test('without a stored answer, --on-outage decides', async () => {
    expect(await run(['freeze', 'check', 'unheard', 'production'], AWAY)).toMatchObject({ code: 1 });
    expect(await run(['freeze', 'check', 'unheard', 'production', '--on-outage', 'allow'], AWAY)).toMatchObject({
      code: 0,
      err: expect.stringContaining('on-outage is allow'),
    });
  });

  test('with an outdated answer, the outage policy decides', async () => {
    for (const service of ['bank', 'hasty']) expect(await check(service, firebreak.url)).toMatchObject({ code: 0 });
    await new Promise((resolve) => setTimeout(resolve, 2_100)); // the shortest lifetime of a state, and the second to which it is truncated
    expect(await check('bank', AWAY)).toMatchObject({
      code: 1,
      err: expect.stringContaining('the outage policy is deny'),
    });
    expect(await check('hasty', AWAY)).toMatchObject({
      code: 0,
      err: expect.stringContaining('the outage policy is allow'),
    });
  });
});
