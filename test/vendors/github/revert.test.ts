import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { gitReverter, type RevertRequest } from '../../../vendors/github/revert.ts';
import type { StandIns } from '../../../packages/sandbox/core/index.ts';
import type { GitRevert } from '../../../vendors/github/schema.ts';
import { timestamp } from '../../../schemas/time/time.ts';
import { calls, clock, sandbox, setFault, start } from '../../../packages/sandbox/test/support.ts';

const REPOSITORY = 'octo-org/manifests';
const KEY = '01JD4M0V00000000000000000A.roll-back.1';

/** Creates two applications in one repository: `good`, then `bad` in apps/shop, then another change. */
async function world(config: Partial<GitRevert> = {}) {
  const time = clock();
  const standIns = await start({ now: time.now });
  const push = async (texts: Record<string, string | null>, more: object = {}) => {
    time.forward(1000);
    const body = { repository: REPOSITORY, files: texts, ...more };
    return (await sandbox<{ sha: string }>(standIns, 'POST', '/github/commits', body)).sha;
  };
  const good = await push(
    { 'apps/shop/web.yaml': 'image: v1', 'apps/shop/env/prod.yaml': 'n: 3', 'apps/pay/web.yaml': 'image: p1' },
    { tag: 'v1' },
  );
  await push({ 'apps/shop/web.yaml': 'image: v2', 'apps/shop/env/prod.yaml': null, 'apps/shop/new.yaml': 'x' });
  const head = await push({ 'apps/pay/web.yaml': 'image: p2' });
  const reverter = gitReverter(
    { repository: REPOSITORY, branch: 'main', mode: 'commit', ...config },
    {
      apiUrl: standIns.urls.github,
      token: async () => 'ghs_test',
      clock: { now: () => timestamp(time.now()) },
    },
  );
  const request: RevertRequest = {
    path: 'apps/shop',
    to: good,
    key: KEY,
    title: 'Roll back shop',
    body: 'Reason: slow',
  };
  const get = async <T>(path: string) => (await ask(standIns, 'GET', path)) as T;
  return { standIns, time, push, good, head, reverter, request, get };
}

async function ask({ urls }: StandIns, method: string, path: string, body?: object): Promise<unknown> {
  const headers = { authorization: 'Bearer ghs_test' };
  const url = `${urls.github}/repos/${REPOSITORY}${path}`;
  return (await fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) })).json();
}

type World = Awaited<ReturnType<typeof world>>;
type Commit = { sha: string; commit: { message: string; tree: { sha: string } }; parents: { sha: string }[] };
type Entry = { path: string; type: string; sha: string };

/** Returns all files of a commit, with the SHAs of their content. */
async function files({ get }: World, ref: string): Promise<Record<string, string>> {
  const walk = async (tree: string, at: string): Promise<[string, string][]> => {
    const { tree: entries } = await get<{ tree: Entry[] }>(`/git/trees/${tree}`);
    const found = await Promise.all(
      entries.map(async ({ path, type, sha }): Promise<[string, string][]> => {
        return type === 'tree' ? walk(sha, `${at}${path}/`) : [[at + path, sha]];
      }),
    );
    return found.flat();
  };
  return Object.fromEntries(await walk((await get<Commit>(`/commits/${ref}`)).commit.tree.sha, ''));
}

const commitsOf = ({ get }: World) => get<Commit[]>('/commits');
const pullsOf = ({ get }: World) => get<{ number: number; title: string; body: string }[]>('/pulls?state=all');

/** Runs `act` just before the next matching call, as a concurrent client would. */
function before(method: string, path: string, act: () => Promise<unknown>): void {
  const real = globalThis.fetch;
  let once = true;
  const spy = vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    if (once && init?.method === method && (input instanceof Request ? input.url : String(input)).includes(path)) {
      once = false;
      await act();
    }
    return real(input, init);
  });
  onTestFinished(() => spy.mockRestore());
}

describe('a commit', () => {
  test('reverts a complete folder and nothing else', async () => {
    const here = await world();
    const done = await here.reverter.revert(here.request);
    expect(done).toEqual({ kind: 'committed', sha: expect.stringMatching(/^[0-9a-f]{40}$/) as string });
    const [was, good, now] = await Promise.all([files(here, here.head), files(here, here.good), files(here, 'main')]);
    expect(now).toEqual({ ...good, 'apps/pay/web.yaml': was['apps/pay/web.yaml'] });
    const [newest] = await commitsOf(here);
    expect(newest).toMatchObject({ parents: [{ sha: here.head }] });
    expect(newest?.commit.message).toBe(`Roll back shop\n\nReason: slow\n\nFirebreak-Key: ${KEY}`);
  });

  test.each([
    ['a file', 'apps/shop/web.yaml', ['apps/shop/web.yaml']],
    ['a file that is gone', 'apps/shop/env/prod.yaml', ['apps/shop/env/prod.yaml']],
    ['a path with slashes about', '/apps/./shop/web.yaml/', ['apps/shop/web.yaml']],
  ])('reverts %s', async (_, path, changed) => {
    const here = await world();
    expect(await here.reverter.revert({ ...here.request, path })).toMatchObject({ kind: 'committed' });
    const [was, good, now] = await Promise.all([files(here, here.head), files(here, here.good), files(here, 'main')]);
    expect(now).toEqual({ ...was, ...Object.fromEntries(changed.map((name) => [name, good[name]])) });
  });

  test.each([null, '.', ''])('reverts the whole tree: path %j', async (path) => {
    const here = await world();
    expect(await here.reverter.revert({ ...here.request, path })).toMatchObject({ kind: 'committed' });
    expect(await files(here, 'main')).toEqual(await files(here, here.good));
  });

  test.each([
    ['a tag', () => 'v1'],
    ['a commit, begun', (sha: string) => sha.slice(0, 8)],
    ['a commit in capitals', (sha: string) => sha.toUpperCase()],
  ])('finds the target by %s', async (_, name) => {
    const here = await world();
    const done = await here.reverter.revert({ ...here.request, path: null, to: name(here.good) });
    expect(done).toMatchObject({ kind: 'committed' });
    expect(await files(here, 'main')).toEqual(await files(here, here.good));
  });

  test.each(['never-built', 'abcdef1', 'f'.repeat(40), 'main'])(
    'refuses %s, which is not a version, by name',
    async (to) => {
      const here = await world();
      const refused = { kind: 'refused', detail: expect.stringContaining(to) as string };
      expect(await here.reverter.revert({ ...here.request, to })).toEqual(refused);
      expect(await commitsOf(here)).toHaveLength(3);
    },
  );

  test('refuses a name that would change the path', async () => {
    const here = await world();
    expect(await here.reverter.revert({ ...here.request, to: '../../issues' })).toMatchObject({ kind: 'refused' });
    expect((await calls(here.standIns, '?vendor=github')).some(({ path }) => path.endsWith('/issues'))).toBe(false);
  });

  test("doesn't delete a path that didn't exist in the target", async () => {
    const here = await world();
    const done = await here.reverter.revert({ ...here.request, path: 'apps/shop/new.yaml' });
    expect(done).toMatchObject({ kind: 'refused', detail: expect.stringContaining('apps/shop/new.yaml') as string });
  });

  test('is not created if nothing differs', async () => {
    const here = await world();
    const same = { ...here.request, to: here.head };
    expect(await here.reverter.revert(same)).toEqual({ kind: 'unchanged', sha: here.head });
    expect(await here.reverter.find(same)).toBeNull();
  });

  test('is found again by its key after later commits, and is created once', async () => {
    const here = await world();
    const done = await here.reverter.revert(here.request);
    await here.push({ 'apps/shop/web.yaml': 'image: v3' });
    expect(await here.reverter.revert(here.request)).toEqual(done);
    expect(await here.reverter.find(here.request)).toEqual(done);
    expect(await here.reverter.revert({ ...here.request, key: 'another' })).not.toEqual(done);
    expect(await commitsOf(here)).toHaveLength(6);
  });

  test('is not found by a key in a body', async () => {
    const here = await world();
    const body = `Reason\n\nFirebreak-Key: another`;
    const done = await here.reverter.revert({ ...here.request, body });
    expect(done).toMatchObject({ kind: 'committed' });
    expect(await here.reverter.find({ path: 'apps/shop', key: 'another' })).toBeNull();
  });

  test('closes no issue and mentions nobody by text from other sources', async () => {
    const here = await world();
    await here.reverter.revert({
      ...here.request,
      title: 'fixes #1\nGH-2',
      body: '@ops see https://x.test/a/b/issues/3',
    });
    const message = (await commitsOf(here))[0]?.commit.message ?? '';
    expect(message).not.toMatch(/#\d|@\w|GH-\d|issues\/\d/);
    expect(message.replaceAll('\u2060', '')).toContain('fixes #1 GH-2\n\n@ops see https://x.test/a/b/issues/3');
  });

  test('is retried after a concurrent commit, on top of it', async () => {
    const here = await world();
    before('PATCH', '/git/refs/', () => here.push({ 'apps/pay/web.yaml': 'image: p3' }));
    expect(await here.reverter.revert(here.request)).toMatchObject({
      kind: 'later',
      detail: expect.stringContaining('changed in the meantime') as string,
    });
    const other = (await files(here, 'main'))['apps/pay/web.yaml'];
    expect(await here.reverter.revert(here.request)).toMatchObject({ kind: 'committed' });
    expect((await files(here, 'main'))['apps/pay/web.yaml']).toBe(other);
    expect(await commitsOf(here)).toHaveLength(5);
  });

  test('is refused for a protected branch, with an alternative', async () => {
    const here = await world();
    const protection = { repository: REPOSITORY, branch: 'main', protected: true };
    await sandbox(here.standIns, 'PUT', '/github/branches', protection);
    expect(await here.reverter.revert(here.request)).toEqual({
      kind: 'refused',
      detail: expect.stringMatching(/Changes must be made through a pull request[^]*mode: pull-request/) as string,
    });
    expect(await commitsOf(here)).toHaveLength(3);
  });

  test.each([
    [{ branch: 'trunk' }, 'trunk'],
    [{ repository: 'octo-org/other' }, 'octo-org/other'],
  ])("is refused if the branch or repository doesn't exist: %j", async (config, name) => {
    const here = await world(config);
    expect(await here.reverter.revert(here.request)).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining(name) as string,
    });
  });

  test('has 15 s for all its calls together', async () => {
    const here = await world();
    let millis = 0;
    const spy = vi.spyOn(performance, 'now').mockImplementation(() => (millis += 8000));
    onTestFinished(() => spy.mockRestore());
    expect(await here.reverter.revert(here.request)).toMatchObject({
      kind: 'later',
      detail: expect.stringContaining('15000 ms') as string,
    });
  });
});

describe('a pull request', () => {
  const review = () => world({ mode: 'pull-request' });
  const mergeIt = (here: World, how: string) =>
    sandbox<{ merge_commit_sha: string }>(here.standIns, 'POST', '/github/merges', {
      repository: REPOSITORY,
      number: 1,
      how,
    });

  test('is opened from its own branch; main is unchanged', async () => {
    const here = await review();
    const done = await here.reverter.revert(here.request);
    const url = `${here.standIns.urls.github}/${REPOSITORY}/pull/1`;
    expect(done).toEqual({ kind: 'pull_request', number: 1, url, state: 'open', sha: null });
    expect(await pullsOf(here)).toMatchObject([{ title: 'Roll back shop', body: 'Reason: slow' }]);
    expect(await commitsOf(here)).toHaveLength(3);
    expect(await files(here, 'firebreak/01JD4M0V00000000000000000A-roll-back-1')).toMatchObject({
      'apps/shop/web.yaml': (await files(here, here.good))['apps/shop/web.yaml'],
    });
    expect(await here.reverter.revert(here.request)).toEqual(done);
    expect(await pullsOf(here)).toHaveLength(1);
  });

  test.each(['merge', 'squash'])('is reported as merged, with the commit on main: %s', async (how) => {
    const here = await review();
    await here.reverter.revert(here.request);
    const { merge_commit_sha: sha } = await mergeIt(here, how);
    expect(await here.reverter.revert(here.request)).toMatchObject({ state: 'merged', sha });
    expect((await commitsOf(here))[0]?.sha).toBe(sha);
  });

  test('is not opened again after it was closed', async () => {
    const here = await review();
    await here.reverter.revert(here.request);
    await mergeIt(here, 'close');
    expect(await here.reverter.revert(here.request)).toMatchObject({ number: 1, state: 'closed', sha: null });
    expect(await pullsOf(here)).toHaveLength(1);
  });

  test.each(['/pulls', '/git/refs'])('is created once if the response of POST %s is lost', async (path) => {
    const here = await review();
    const match = { method: 'POST', path: `/repos/${REPOSITORY}${path}` };
    await setFault(here.standIns, { vendor: 'github', fault: { kind: 'lost' }, times: 1, match });
    expect(await here.reverter.revert(here.request)).toMatchObject({ kind: 'later' });
    expect(await here.reverter.revert(here.request)).toMatchObject({ kind: 'pull_request', number: 1, state: 'open' });
    expect(await pullsOf(here)).toHaveLength(1);
  });

  test.each([
    ['/git/refs', 'Reference already exists'],
    ['/pulls', 'A pull request already exists'],
  ])('that a late call has created meanwhile is found by the retry: POST %s', async (path, message) => {
    const here = await review();
    const match = { method: 'POST', path: `/repos/${REPOSITORY}${path}` };
    await setFault(here.standIns, {
      vendor: 'github',
      fault: { kind: 'status', status: 422, body: { message } },
      times: 1,
      match,
    });
    expect(await here.reverter.revert(here.request)).toMatchObject({ kind: 'later' });
    expect(await here.reverter.revert(here.request)).toMatchObject({ kind: 'pull_request' });
  });

  test('is not opened if nothing differs', async () => {
    const here = await review();
    const same = { ...here.request, to: here.head };
    expect(await here.reverter.revert(same)).toEqual({ kind: 'unchanged', sha: here.head });
    expect(await pullsOf(here)).toEqual([]);
  });
});

test('without a token, nothing is called', async () => {
  const here = await world();
  const options = {
    apiUrl: here.standIns.urls.github,
    token: async () => undefined,
    clock: { now: () => timestamp(0) },
  };
  const reverter = gitReverter({ repository: REPOSITORY, branch: 'main', mode: 'commit' }, options);
  expect(await reverter.revert(here.request)).toMatchObject({
    kind: 'refused',
    detail: expect.stringContaining('token') as string,
  });
  expect(await calls(here.standIns, '?vendor=github')).toEqual([]);
});
