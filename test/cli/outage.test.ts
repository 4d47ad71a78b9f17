import { mkdir, mkdtemp, readFile, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run as runProgram } from '../../cli/program.ts';
import { type Reply, vendorThat } from '../integrations/server.ts';
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

/** `freeze check`, in this process, with a state file, a home of its own, and nothing else. */
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

/** A Firebreak that allows everything, and signs what `issuer` does; a status: it only has faults. */
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

describe('by what a trusted key has signed', () => {
  test('a version that was told is not said to be unknown', async () => {
    const untold = { code: 'pinned_version', text: 'which version this is was not told' };
    const low = { code: 'budget_low', text: 'the budget is low' };
    await holding(entry(clear({ reasons: [untold, low] })));
    expect((await check(['--version', 'v9'], { keys: KEYS })).err).toMatch(/deploys are allowed: the budget is low\n$/);
    expect((await check([], { keys: KEYS })).err).toMatch(
      /allowed: which version this is was not told; the budget is low\n$/,
    );
    await holding(entry(clear({ reasons: [untold] })));
    expect((await check(['--version', 'v9'], { keys: KEYS })).err).toMatch(/that deploys are allowed\n$/);
  });

  test('it is decided, and that it is said on stderr', async () => {
    await holding(entry(frozen()));
    const refused = await check([], { keys: KEYS });
    expect(refused).toMatchObject({ code: 1, out: 'not allowed\n' });
    expect(refused.err).toMatch(/not allowed without Firebreak: .*stocktaking/);
    await holding(entry(clear()));
    expect(await check([], { keys: KEYS })).toMatchObject({ code: 0, out: 'allowed\n' });
    expect(await check([], { env: { FIREBREAK_KEYS: KEYS } })).toMatchObject({ code: 0 });
  });

  test('programs find the keys of an answer, and by what it was decided', async () => {
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
    ['a rollback to a version known good passes', ['--change', 'rollback', '--version', 'good'], 0],
    ['so it does by its commit, where no version is told', ['--change', 'rollback', '--commit', 'c-good'], 0],
    ['a rollback to another version does not', ['--change', 'rollback', '--version', 'other'], 1],
    ['nor one to a version known bad', ['--change', 'rollback', '--version', 'bad'], 1],
    ['nor one to what was not told', ['--change', 'rollback'], 1],
    ['a deploy of a version known good is a deploy', ['--version', 'good'], 1],
    ['a hotfix is nothing that can be shown', ['--change', 'hotfix', '--version', 'good'], 1],
    ['with a token neither', ['--change', 'security', '--identity-token', 'x'], 1],
  ])('during a freeze: %s', async (_, args, code) => {
    await holding(entry(frozen()));
    expect(await check(args, { keys: KEYS })).toMatchObject({ code });
  });

  test('a version known bad is refused where everything else is allowed, and where the state is old', async () => {
    await holding(entry(clear()));
    expect(await check(['--version', 'bad'], { keys: KEYS })).toMatchObject({ code: 1 });
    await holding(entry(clear({ exp: inSeconds(-10), on_outage: 'allow' })));
    expect(await check(['--version', 'bad', '--on-outage', 'allow'], { keys: KEYS })).toMatchObject({ code: 1 });
  });

  test.each([
    ['expired', { exp: inSeconds(-1) }],
    ['changed by itself since', { next_transition_at: new Date(Date.now() - 1000).toISOString() }],
    ['changing at a time that cannot be read', { next_transition_at: 'soon' }],
    ['of the future, so that this clock is wrong', { iat: inSeconds(3600), exp: inSeconds(7200) }],
  ])('policy in it counts, where it is %s', async (_, more) => {
    await holding(entry(clear({ ...more, on_outage: 'deny' })));
    expect(await check(['--on-outage', 'allow'], { keys: KEYS })).toMatchObject({
      code: 1,
      err: expect.stringContaining('policy says deny'),
    });
    await holding(entry(frozen({ ...more, on_outage: 'allow' })));
    expect(await check([], { keys: KEYS })).toMatchObject({ code: 0 });
  });

  const SHA = '4c1f0d9b2a6e8f7d5c3b1a09e8d7c6b5a4f3e2d1';
  test.each([
    ['as a version', ['--version', SHA], 1],
    ['as a commit', ['--version', 'v3', '--commit', SHA], 1],
    ['shortened, in capitals', ['--version', SHA.slice(0, 7).toUpperCase()], 1],
    ['too short to be one', ['--version', SHA.slice(0, 6)], 0],
    ['another one', ['--commit', SHA.replace('4', '5')], 0],
    ['of a version known good, too', ['--change', 'rollback', '--version', 'good', '--commit', SHA], 0],
  ])('a version known bad is known by its commit: %s', async (_, args, code) => {
    await holding(entry(clear({ pinned_commits: [{ version: 'bad', commit: SHA }] })));
    expect(await check(args, { keys: KEYS })).toMatchObject({ code });
  });

  test('a refusal is said once on stderr', async () => {
    await holding(entry(frozen()));
    const { out, err } = await check([], { keys: KEYS });
    expect(`${out}${err}`.match(/not allowed/g)).toHaveLength(2); // once for programs, once with why
    expect(err.trim().split('\n')).toHaveLength(2); // that nobody answers, and what follows from it
  });

  test('names that differ from the known ones in case alone are those', async () => {
    await holding({ ...entry(frozen()), service: 'Checkout' });
    const { err } = await check(['--on-outage', 'allow'], { keys: KEYS, service: 'Checkout' });
    expect(err).toContain('stocktaking');
  });

  test('a rollback is not let through by a state that is too old', async () => {
    await holding(entry(frozen({ exp: inSeconds(-1) })));
    expect(await check(['--change', 'rollback', '--version', 'good'], { keys: KEYS })).toMatchObject({ code: 1 });
  });
});

/** The same bytes to a decoder that does not look at the last four bits, and another text. */
function respelt(token: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return `${token.slice(0, -1)}${letters[letters.indexOf(token.slice(-1)) + 1] ?? ''}`;
}

describe('what is written into the file by somebody else', () => {
  const mallory = new Issuer();
  const lie = clear({ exp: inSeconds(1e6) });
  const [head = '', , signature = ''] = theirs.sign(frozen()).split('.');

  const forgeries: [string, Entry | string][] = [
    ['signed with a key that is put beside it', { state: mallory.sign(lie), keys: [mallory.jwk] }],
    ['naming a key that is trusted', { state: mallory.sign(lie, { kid: KEYS }), keys: [mallory.jwk, theirs.jwk] }],
    [
      'with a key that claims the id of a trusted one',
      { state: mallory.sign(lie, { kid: KEYS }), keys: [{ ...mallory.jwk, kid: KEYS }] },
    ],
    ['naming no key', { state: mallory.sign(lie, { kid: undefined }), keys: [mallory.jwk] }],
    ['bringing its key in the head', { state: mallory.sign(lie, { jwk: mallory.jwk }), keys: [] }],
    ['with other claims', { state: `${head}.${part(lie)}.${signature}`, keys: [theirs.jwk] }],
    ['of no algorithm', { state: `${part({ alg: 'none', kid: KEYS })}.${part(lie)}.`, keys: [theirs.jwk] }],
    ['of no algorithm, with a signature', entry(lie, { alg: 'none' })],
    ['of a symmetric algorithm', entry(lie, { alg: 'HS256' })],
    ['with a head that has to be understood', entry(lie, { crit: ['exp'] })],
    ['with other spare bits in its signature', { ...entry(clear()), state: respelt(theirs.sign(clear())) }],
    ['cut off', { state: theirs.sign(clear()).slice(0, -8), keys: [theirs.jwk] }],
    ['of four parts', { state: `${theirs.sign(clear())}.x`, keys: [theirs.jwk] }],
    ['signed for another place', entry(clear({ service: 'search' }))],
    ['signed for another environment', entry(clear({ environment: 'staging' }))],
    ['of another Firebreak', { ...entry(clear()), server: 'https://other.example.com' }],
    ['a token of a deployment', entry(clear({ typ: 'freeze-check' }))],
    ['of another issuer', entry(clear({ iss: 'somebody' }))],
    ['without an end', entry(clear({ exp: undefined }))],
    ['with a word for an end', entry(clear({ exp: 'never' }))],
    ['without what is known bad', entry(clear({ pinned: undefined }))],
    ['no token', { state: 'x', keys: [theirs.jwk] }],
    ['very long', { state: `${'A'.repeat(300_000)}.x.y`, keys: [theirs.jwk] }],
    ['no JSON', '{"places": [{'],
    ['nothing', ''],
    ['null', 'null'],
    ['a list of other things', '{"places": [null, 7, {"state": {}}, []]}'],
  ];

  test.each(forgeries)('counts for nothing: %s', async (_, forgery) => {
    if (typeof forgery === 'string') await writeFile(file, forgery);
    else await holding(forgery);
    expect(await check([], { keys: KEYS })).toMatchObject({ code: 1, out: 'not allowed\n' });
    expect(await check(['--on-outage', 'allow'], { keys: KEYS })).toMatchObject({
      code: 0,
      err: expect.stringContaining('on-outage is allow'),
    });
  });

  test('a huge file is not read, and a folder or a device is no file', async () => {
    await holding(entry(clear()));
    await truncate(file, 1_000_000_000);
    expect(await check([], { keys: KEYS })).toMatchObject({ code: 1, err: expect.stringContaining('larger than') });
    await rm(file);
    await symlink('/dev/zero', file);
    expect(await check([], { keys: KEYS })).toMatchObject({ code: 1, err: expect.stringContaining('is no file') });
    await rm(file);
    await mkdir(file);
    expect(await check([], { keys: KEYS })).toMatchObject({ code: 1, err: expect.stringContaining('is no file') });
  });

  test('without any key that is known, nothing counts', async () => {
    await holding(entry(clear()));
    expect(await check()).toMatchObject({ code: 1, err: expect.stringContaining('no key of') });
  });
});

describe('keys', () => {
  test.each([
    ['what is no file', 'nowhere.json'],
    ['a thumbprint that is cut off', KEYS.slice(0, 42)],
  ])('that cannot be used are a mistake, and nothing is asked: %s', async (_, keys) => {
    expect(await check(['--on-outage', 'allow'], { keys })).toMatchObject({ code: 2, out: '' });
  });

  test('a file without one is a mistake, too', async () => {
    await writeFile(join(folder, 'keys.json'), '{"keys": []}');
    expect(await check(['--on-outage', 'allow'], { keys: 'keys.json' })).toMatchObject({ code: 2 });
  });

  test('are read from a JWKS, and from a file of thumbprints', async () => {
    await holding(entry(clear()));
    await writeFile(join(folder, 'jwks.json'), JSON.stringify(theirs.jwks));
    await writeFile(join(folder, 'prints'), `${new Issuer().kid}\n${KEYS}\n`);
    for (const keys of ['jwks.json', 'prints']) expect(await check([], { keys })).toMatchObject({ code: 0 });
  });

  test('that are not set are those that Firebreak has shown, in a file for its owner alone', async () => {
    const { url } = await saying(() => theirs);
    expect(await check([], { url })).toEqual({ code: 0, out: expect.stringContaining('frd_1'), err: '' });
    const pins = join(folder, '.config/firebreak/keys.json');
    expect(JSON.parse(await readFile(pins, 'utf8'))).toEqual({ [url]: [KEYS] });
    expect(((await stat(pins)).mode & 0o777).toString(8)).toBe('600');
    expect(((await stat(file)).mode & 0o777).toString(8)).toBe('600');
    // The same file, under the address of one that is away, counts for nothing: its keys were never shown.
    const kept = await readFile(file, 'utf8');
    await writeFile(file, kept.replaceAll(url, AWAY));
    expect(await check()).toMatchObject({ code: 1 });
  });

  test('that were replaced are learnt while Firebreak answers; what is set is not', async () => {
    let issuer = theirs;
    let away = false;
    const { url } = await saying(() => (away ? 503 : issuer));
    expect(await check([], { url })).toMatchObject({ code: 0 });
    issuer = new Issuer();
    const set = await check([], { url, keys: KEYS });
    expect(set).toMatchObject({ code: 0, err: expect.stringContaining(`${issuer.kid}, which is not trusted`) });
    expect(await check([], { url })).toEqual({ code: 0, out: expect.any(String), err: '' });
    away = true;
    expect(await check([], { url })).toMatchObject({ code: 0, err: expect.stringContaining('without Firebreak') });
    expect(await check([], { url, keys: KEYS })).toMatchObject({ code: 1 });
    // What an old key has signed counts no more, once the new one was seen.
    await holding({ ...entry(clear()), server: url });
    expect(await check([], { url })).toMatchObject({ code: 1, err: expect.stringContaining('not trusted here') });
  });
});

test('whoever only looks sends the identity token, too', async () => {
  const { url, received } = await saying(() => theirs);
  await check(['--look', '--change', 'hotfix', '--identity-token', 'of-the-job'], { url });
  expect(received[0]).toMatchObject({ method: 'GET', headers: { 'x-identity-token': 'of-the-job' } });
});

describe('one file for many places', () => {
  const STATES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

  test('loses nothing where many write it at the same time', async () => {
    const { url } = await saying(() => theirs);
    const asked = await Promise.all(STATES.map((service) => check([], { url, service })));
    expect(asked.map(({ code, err }) => [code, err])).toEqual(STATES.map(() => [0, '']));
    const { places } = JSON.parse(await readFile(file, 'utf8'));
    expect(places.map(({ service }: { service: string }) => service).toSorted()).toEqual(STATES);
  });

  test('is taken over from one who died while writing it', async () => {
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
    ['a fault', { status: 500 }],
    ['a gateway', { status: 502, body: '<html>' }],
    ['too many questions', { status: 429 }],
    ['an answer that is cut off', { cut: 200 }],
  ] as [string, Reply][])('%s is one', async (_, reply) => {
    expect(await asked(reply)).toMatchObject({ code: 0, err: expect.stringContaining('without Firebreak') });
  });

  test.each([
    ['another place to go to', { status: 302, headers: { location: 'https://login.example.com' } }],
    ['one that is not named', { status: 307 }],
    ['who is not known', { status: 401 }],
    ['who may not ask', { status: 403 }],
    ['a wrong question', { status: 422 }],
    ['an address that is none', { status: 404 }],
    ['a page with 200', { body: '<html>allowed' }],
    ['JSON of somebody else', { body: '{"allowed": true}' }],
  ] as [string, Reply][])('%s is none', async (_, reply) => {
    const { code, out, err } = await asked(reply);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).not.toContain('without Firebreak');
  });
});
