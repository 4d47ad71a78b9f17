import { mkdir, mkdtemp, readFile, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run as runProgram } from '../../../entrances/cli/program.ts';
import { type Reply, vendorThat } from '../../vendors/server.ts';
import { clear, frozen, inSeconds, Issuer, part } from './offline-world.ts';
import type { Ended } from './support.ts';

const AWAY = 'http://127.0.0.1:1';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firebreak-outage-'));
  file = join(folder, 'states.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Called = { url?: string; keys?: string; env?: Record<string, string>; service?: string };

/** Runs `freeze check` in this process with its own state file and home folder. */
async function check(args: readonly string[] = [], { url = AWAY, keys, env, service }: Called = {}): Promise<Ended> {
  const [out, err]: [string[], string[]] = [[], []];
  const called = ['freeze', 'check', service ?? 'checkout', 'production', '--state', file, ...args];
  const code = await runProgram(keys === undefined ? called : [...called, '--keys', keys], {
    env: { FIREBREAK_URL: url, FIREBREAK_TOKEN: 't', HOME: folder, ...env },
    cwd: folder,
    root: folder,
    out: (text) => out.push(`${text}\n`),
    err: (text) => err.push(`${text}\n`),
  });
  return { code, out: out.join(''), err: err.join('') };
}

type Entry = { server?: string; service?: string; environment?: string; state: string; keys: object[] };

const holding = (...entries: Entry[]): Promise<void> =>
  writeFile(
    file,
    JSON.stringify({
      places: entries.map((entry) => ({ server: AWAY, service: 'checkout', environment: 'production', ...entry })),
    }),
  );

const theirs = new Issuer();
const KEYS = theirs.kid;
const entry = (claims: object, head?: object): Entry => ({ state: theirs.sign(claims, head), keys: [theirs.jwk] });

/** Starts a Firebreak that allows everything and signs with `issuer`. With a status, it answers only errors. */
const saying = (issuer: () => Issuer | number) =>
  vendorThat(({ path }): Reply => {
    const by = issuer();
    if (typeof by === 'number') return { status: by };
    if (path.startsWith('/.well-known')) return { body: JSON.stringify(by.jwks) };
    const service = new URLSearchParams(path.split('?')[1]).get('service') ?? '';
    const answer = {
      allowed: true,
      verdict: 'allow',
      reasons: [{ code: 'clear', text: 'fine' }],
      data_age_s: null,
      stale: false,
      next_transition_at: null,
      clears_when: null,
      override: null,
      decision_id: 'frd_1',
      token: null,
      evaluated_at: new Date().toISOString(),
      signed_state: by.sign(clear({ service })),
    };
    return { body: JSON.stringify(answer) };
  });

describe('a state signed with a trusted key', () => {
  test('its reason about an unspecified version is dropped when a version is given', async () => {
    const unknownOnes = { code: 'pinned_version', text: 'which version this is was not told' };
    const low = { code: 'budget_low', text: 'the budget is low' };
    await holding(entry(clear({ reasons: [unknownOnes, low] })));
    expect((await check(['--version', 'v9'], { keys: KEYS })).err).toMatch(/allows deploys: the budget is low\n$/);
    expect((await check([], { keys: KEYS })).err).toMatch(
      /allows deploys: which version this is was not told; the budget is low\n$/,
    );
    await holding(entry(clear({ reasons: [unknownOnes] })));
    expect((await check(['--version', 'v9'], { keys: KEYS })).err).toMatch(/allows deploys\n$/);
  });

  test('it decides, and stderr says so', async () => {
    await holding(entry(frozen()));
    const refused = await check([], { keys: KEYS });
    expect(refused).toMatchObject({ code: 1, out: 'not allowed\n' });
    expect(refused.err).toMatch(/not allowed while Firebreak is unreachable: .*freezes deploys: stocktaking/);
    await holding(entry(clear()));
    expect(await check([], { keys: KEYS })).toMatchObject({ code: 0, out: 'allowed\n' });
    expect(await check([], { env: { FIREBREAK_KEYS: KEYS } })).toMatchObject({ code: 0 });
  });

  test('--json has the keys of an API response and the basis of the decision', async () => {
    await holding(entry(frozen()));
    const { out } = await check(['--json'], { keys: KEYS });
    expect(JSON.parse(out)).toMatchObject({
      allowed: false,
      outage: true,
      decided_by: 'state',
      decision_id: null,
      token: null,
      override: null,
      reasons: [{ code: 'outage', text: expect.stringContaining('stocktaking') }],
    });
  });

  test.each([
    ['a rollback to a version known good is allowed', ['--change', 'rollback', '--version', 'good'], 0],
    ['also by its commit, without a version', ['--change', 'rollback', '--commit', 'c-good'], 0],
    ['a rollback to another version is refused', ['--change', 'rollback', '--version', 'other'], 1],
    ['a rollback to a version known bad is refused', ['--change', 'rollback', '--version', 'bad'], 1],
    ['a rollback without version and commit is refused', ['--change', 'rollback'], 1],
    ['a deploy of a version known good is refused', ['--version', 'good'], 1],
    ['a hotfix is refused, because it cannot be verified', ['--change', 'hotfix', '--version', 'good'], 1],
    ['also with an identity token', ['--change', 'security', '--identity-token', 'x'], 1],
  ])('during a freeze: %s', async (_, args, code) => {
    await holding(entry(frozen()));
    expect(await check(args, { keys: KEYS })).toMatchObject({ code });
  });

  test('a version known bad is refused in a clear state and in an outdated one', async () => {
    await holding(entry(clear()));
    expect(await check(['--version', 'bad'], { keys: KEYS })).toMatchObject({ code: 1 });
    await holding(entry(clear({ exp: inSeconds(-10), on_outage: 'allow' })));
    expect(await check(['--version', 'bad', '--on-outage', 'allow'], { keys: KEYS })).toMatchObject({ code: 1 });
  });

  test.each([
    ['expired', { exp: inSeconds(-1) }],
    ['past its next transition', { next_transition_at: new Date(Date.now() - 1000).toISOString() }],
    ['with an unreadable next transition', { next_transition_at: 'soon' }],
    ['from the future', { iat: inSeconds(3600), exp: inSeconds(7200) }],
  ])('the outage policy decides if the state is %s', async (_, more) => {
    await holding(entry(clear({ ...more, on_outage: 'deny' })));
    expect(await check(['--on-outage', 'allow'], { keys: KEYS })).toMatchObject({
      code: 1,
      err: expect.stringContaining('the outage policy is deny'),
    });
    await holding(entry(frozen({ ...more, on_outage: 'allow' })));
    expect(await check([], { keys: KEYS })).toMatchObject({ code: 0 });
  });

  const SHA = '4c1f0d9b2a6e8f7d5c3b1a09e8d7c6b5a4f3e2d1';
  test.each([
    ['as a version', ['--version', SHA], 1],
    ['as a commit', ['--version', 'v3', '--commit', SHA], 1],
    ['abbreviated, in capitals', ['--version', SHA.slice(0, 7).toUpperCase()], 1],
    ['too short', ['--version', SHA.slice(0, 6)], 0],
    ['another commit', ['--commit', SHA.replace('4', '5')], 0],
    ['also of a version known good', ['--change', 'rollback', '--version', 'good', '--commit', SHA], 0],
  ])('a version known bad is recognized by its commit: %s', async (_, args, code) => {
    const known_good = [{ version: 'good', commit: SHA }];
    await holding(entry(clear({ known_good, pinned_commits: [{ version: 'bad', commit: SHA }] })));
    expect(await check(args, { keys: KEYS })).toMatchObject({ code });
  });

  describe('a version known bad or good is told apart from others of its name by its commit:', () => {
    const [A, B, C] = ['1'.repeat(40), '2'.repeat(40), '3'.repeat(40)];
    const known = {
      pinned: ['v2', '6.4 (2222222)', '7.1'],
      pins: [
        { version: 'v2', commit: null },
        { version: '6.4 (2222222)', commit: B },
        { version: '7.1', commit: B },
      ],
      known_good: [
        { version: '6.4 (1111111)', commit: A },
        { version: 'v1', commit: null },
        { version: 'v5', commit: A },
      ],
    };
    const rollback = (...args: string[]) => ['--change', 'rollback', ...args];

    test.each<[string[], number]>([
      [['--version', '2'], 1],
      [['--version', 'V2'], 1],
      [['--version', '6.4'], 1],
      [['--version', '6.4', '--commit', B.slice(0, 9)], 1],
      [['--version', '6.4', '--commit', C], 0],
      [['--version', '7.1', '--commit', B], 1],
      [['--version', '7.1', '--commit', C], 0],
      [['--version', '22'], 0],
    ])('a deploy with %j: exit code %i', async (args, code) => {
      await holding(entry(clear(known)));
      expect(await check(args, { keys: KEYS })).toMatchObject({ code });
    });

    test.each<[string[], number]>([
      [['--version', '1'], 0],
      [['--version', '6.4 (1111111)'], 0],
      [['--version', '6.4', '--commit', A], 0],
      [['--version', '6.4'], 1],
      [['--version', '6.4', '--commit', B], 1],
      [['--version', '6.4', '--commit', C], 1],
      [['--version', 'v5'], 0],
      [['--version', 'v5', '--commit', A.slice(0, 9)], 0],
      [['--version', 'v5', '--commit', C], 1],
      [['--version', 'v1', '--commit', C], 0],
    ])('during a freeze, a rollback with %j: exit code %i', async (args, code) => {
      await holding(entry(frozen(known)));
      expect(await check(rollback(...args), { keys: KEYS })).toMatchObject({ code });
    });

    test('the bad commit of another version is refused under a known good name, and that of the good version is not', async () => {
      await holding(entry(clear({ ...known, pinned_commits: [A, C].map((commit) => ({ version: 'bad', commit })) })));
      const codes = [];
      for (const commit of [A, C])
        codes.push((await check(rollback('--version', 'v5', '--commit', commit), { keys: KEYS })).code);
      expect(codes).toEqual([0, 1]);
    });

    test('a state of an earlier release tells no commits of pins', async () => {
      await holding(entry(clear({ pinned: ['6.4 (2222222)', 'v2'] })));
      const codes = [];
      for (const args of [['6.4'], ['6.4', '--commit', C], ['2', '--commit', C]])
        codes.push((await check(['--version', ...args], { keys: KEYS })).code);
      expect(codes).toEqual([1, 0, 1]);
    });
  });

  test('stderr reports a refusal once', async () => {
    await holding(entry(frozen()));
    const { out, err } = await check([], { keys: KEYS });
    expect(`${out}${err}`.match(/not allowed/g)).toHaveLength(2); // once on stdout, once with the reason on stderr
    expect(err.trim().split('\n')).toHaveLength(2); // the outage, and the decision
  });

  test('names are compared without case', async () => {
    await holding({ ...entry(frozen()), service: 'Checkout' });
    const { err } = await check(['--on-outage', 'allow'], { keys: KEYS, service: 'Checkout' });
    expect(err).toContain('stocktaking');
  });

  test('an expired state does not allow a rollback', async () => {
    await holding(entry(frozen({ exp: inSeconds(-1) })));
    expect(await check(['--change', 'rollback', '--version', 'good'], { keys: KEYS })).toMatchObject({ code: 1 });
  });
});

/** Returns another text that decodes to the same bytes, because decoders ignore the last four bits. */
function respelt(token: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return `${token.slice(0, -1)}${letters[letters.indexOf(token.slice(-1)) + 1] ?? ''}`;
}

describe('a forged state file', () => {
  const mallory = new Issuer();
  const lie = clear({ exp: inSeconds(1e6) });
  const [head = '', , signature = ''] = theirs.sign(frozen()).split('.');

  const forgeries: [string, Entry | string][] = [
    ['signed with a key stored beside it', { state: mallory.sign(lie), keys: [mallory.jwk] }],
    ['naming a trusted key', { state: mallory.sign(lie, { kid: KEYS }), keys: [mallory.jwk, theirs.jwk] }],
    [
      'with a key that claims the id of a trusted one',
      { state: mallory.sign(lie, { kid: KEYS }), keys: [{ ...mallory.jwk, kid: KEYS }] },
    ],
    ['naming no key', { state: mallory.sign(lie, { kid: undefined }), keys: [mallory.jwk] }],
    ['with its key in the header', { state: mallory.sign(lie, { jwk: mallory.jwk }), keys: [] }],
    ['with other claims', { state: `${head}.${part(lie)}.${signature}`, keys: [theirs.jwk] }],
    ['with algorithm none', { state: `${part({ alg: 'none', kid: KEYS })}.${part(lie)}.`, keys: [theirs.jwk] }],
    ['with algorithm none and a signature', entry(lie, { alg: 'none' })],
    ['with a symmetric algorithm', entry(lie, { alg: 'HS256' })],
    ['with a critical header', entry(lie, { crit: ['exp'] })],
    ['with changed spare bits in its signature', { ...entry(clear()), state: respelt(theirs.sign(clear())) }],
    ['truncated', { state: theirs.sign(clear()).slice(0, -8), keys: [theirs.jwk] }],
    ['with four parts', { state: `${theirs.sign(clear())}.x`, keys: [theirs.jwk] }],
    ['signed for another service', entry(clear({ service: 'search' }))],
    ['signed for another environment', entry(clear({ environment: 'staging' }))],
    ['of another Firebreak', { ...entry(clear()), server: 'https://other.example.com' }],
    ['a deployment token', entry(clear({ typ: 'freeze-check' }))],
    ['of another issuer', entry(clear({ iss: 'somebody' }))],
    ['without an expiry', entry(clear({ exp: undefined }))],
    ['with a word as expiry', entry(clear({ exp: 'never' }))],
    ['without pinned versions', entry(clear({ pinned: undefined }))],
    ['not a token', { state: 'x', keys: [theirs.jwk] }],
    ['very long', { state: `${'A'.repeat(300_000)}.x.y`, keys: [theirs.jwk] }],
    ['not JSON', '{"places": [{'],
    ['empty', ''],
    ['null', 'null'],
    ['a list of invalid entries', '{"places": [null, 7, {"state": {}}, []]}'],
  ];

  test.each(forgeries)('is ignored: %s', async (_, forgery) => {
    if (typeof forgery === 'string') await writeFile(file, forgery);
    else await holding(forgery);
    expect(await check([], { keys: KEYS })).toMatchObject({ code: 1, out: 'not allowed\n' });
    expect(await check(['--on-outage', 'allow'], { keys: KEYS })).toMatchObject({
      code: 0,
      err: expect.stringContaining('on-outage is allow'),
    });
  });

  test('a huge file, a folder, and a device are not read', async () => {
    await holding(entry(clear()));
    await truncate(file, 1_000_000_000);
    expect(await check([], { keys: KEYS })).toMatchObject({ code: 1, err: expect.stringContaining('larger than') });
    await rm(file);
    await symlink('/dev/zero', file);
    expect(await check([], { keys: KEYS })).toMatchObject({
      code: 1,
      err: expect.stringContaining('is not a regular file'),
    });
    await rm(file);
    await mkdir(file);
    expect(await check([], { keys: KEYS })).toMatchObject({
      code: 1,
      err: expect.stringContaining('is not a regular file'),
    });
  });

  test('without a trusted key, no state is trusted', async () => {
    await holding(entry(clear()));
    expect(await check()).toMatchObject({ code: 1, err: expect.stringContaining('no trusted key for') });
  });
});

describe('keys', () => {
  test.each([
    ['a missing file', 'nowhere.json'],
    ['a truncated thumbprint', KEYS.slice(0, 42)],
  ])('an unusable key setting is a usage error, and no request is sent: %s', async (_, keys) => {
    expect(await check(['--on-outage', 'allow'], { keys })).toMatchObject({ code: 2, out: '' });
  });

  test('a key file without keys is a usage error', async () => {
    await writeFile(join(folder, 'keys.json'), '{"keys": []}');
    expect(await check(['--on-outage', 'allow'], { keys: 'keys.json' })).toMatchObject({ code: 2 });
  });

  test('keys are read from a JWKS and from a file of thumbprints', async () => {
    await holding(entry(clear()));
    await writeFile(join(folder, 'jwks.json'), JSON.stringify(theirs.jwks));
    await writeFile(join(folder, 'prints'), `${new Issuer().kid}\n${KEYS}\n`);
    for (const keys of ['jwks.json', 'prints']) expect(await check([], { keys })).toMatchObject({ code: 0 });
  });

  test('without a setting, the published keys are trusted and stored in a file readable only by its owner', async () => {
    const { url } = await saying(() => theirs);
    expect(await check([], { url })).toEqual({ code: 0, out: expect.stringContaining('frd_1'), err: '' });
    const pins = join(folder, '.config/firebreak/keys.json');
    expect(JSON.parse(await readFile(pins, 'utf8'))).toEqual({ [url]: [KEYS] });
    expect(((await stat(pins)).mode & 0o777).toString(8)).toBe('600');
    expect(((await stat(file)).mode & 0o777).toString(8)).toBe('600');
    // For another address the same file is not trusted: that address never published these keys.
    const kept = await readFile(file, 'utf8');
    await writeFile(file, kept.replaceAll(url, AWAY));
    expect(await check()).toMatchObject({ code: 1 });
  });

  test('replaced keys are learned while Firebreak responds, unless keys are set', async () => {
    let issuer = theirs;
    let away = false;
    const { url } = await saying(() => (away ? 503 : issuer));
    expect(await check([], { url })).toMatchObject({ code: 0 });
    issuer = new Issuer();
    const set = await check([], { url, keys: KEYS });
    expect(set).toMatchObject({ code: 0, err: expect.stringContaining(`${issuer.kid}, which is not trusted`) });
    expect(await check([], { url })).toEqual({ code: 0, out: expect.any(String), err: '' });
    away = true;
    expect(await check([], { url })).toMatchObject({
      code: 0,
      err: expect.stringContaining('while Firebreak is unreachable'),
    });
    expect(await check([], { url, keys: KEYS })).toMatchObject({ code: 1 });
    // States signed with an old key are not trusted after the new key was seen.
    await holding({ ...entry(clear()), server: url });
    expect(await check([], { url })).toMatchObject({ code: 1, err: expect.stringContaining('not trusted here') });
  });
});

test('--look also sends the identity token', async () => {
  const { url, received } = await saying(() => theirs);
  await check(['--look', '--change', 'hotfix', '--identity-token', 'of-the-job'], { url });
  expect(received[0]).toMatchObject({ method: 'GET', headers: { 'x-identity-token': 'of-the-job' } });
});

describe('one file for many services', () => {
  const STATES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

  test('concurrent writers lose no entries', async () => {
    const { url } = await saying(() => theirs);
    const asked = await Promise.all(STATES.map((service) => check([], { url, service })));
    expect(asked.map(({ code, err }) => [code, err])).toEqual(STATES.map(() => [0, '']));
    const { places } = JSON.parse(await readFile(file, 'utf8'));
    expect(places.map(({ service }: { service: string }) => service).toSorted()).toEqual(STATES);
  });

  test('the lock of a dead writer is taken over', async () => {
    const { url } = await saying(() => theirs);
    await writeFile(`${file}.lock`, '');
    await utimes(`${file}.lock`, inSeconds(-3600), inSeconds(-3600));
    await writeFile(file, '{"places": [');
    expect(await check([], { url })).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(await readFile(file, 'utf8')).places).toHaveLength(1);
  });
});

describe('what is an outage', () => {
  const answering = async (reply: Reply) => (await vendorThat(() => reply)).url;
  const asked = async (reply: Reply) => check(['--on-outage', 'allow'], { url: await answering(reply) });

  test.each([
    ['a server error', { status: 500 }],
    ['a gateway error', { status: 502, body: '<html>' }],
    ['a rate limit', { status: 429 }],
    ['a truncated response', { cut: 200 }],
  ] as [string, Reply][])('%s is an outage', async (_, reply) => {
    expect(await asked(reply)).toMatchObject({
      code: 0,
      err: expect.stringContaining('while Firebreak is unreachable'),
    });
  });

  test.each([
    ['a redirect', { status: 302, headers: { location: 'https://login.example.com' } }],
    ['a redirect without a location', { status: 307 }],
    ['401', { status: 401 }],
    ['403', { status: 403 }],
    ['422', { status: 422 }],
    ['404', { status: 404 }],
    ['an HTML page with 200', { body: '<html>allowed' }],
    ['foreign JSON', { body: '{"allowed": true}' }],
  ] as [string, Reply][])('%s is not an outage', async (_, reply) => {
    const { code, out, err } = await asked(reply);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).not.toContain('while Firebreak is unreachable');
  });
});
