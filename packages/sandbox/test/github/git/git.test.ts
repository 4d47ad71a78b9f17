import { describe, expect, test } from 'vitest';
import type { StandIns } from '../../../core/index.ts';
import { clock, folder, sandbox, start } from '../../support.ts';

const REPOSITORY = 'octo-org/manifests';

type Sha = { sha: string };
type Tree = Sha & { tree: { path: string; mode: string; type: string; sha: string }[] };
type Commit = Sha & { message: string; tree: Sha; parents: Sha[] };

async function call<T = Sha & { message: string }>({ urls }: StandIns, method: string, path: string, body?: object) {
  const response = await fetch(`${urls.github}/repos/${REPOSITORY}${path}`, {
    method,
    headers: { authorization: 'Bearer ghs_test' },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as T };
}

const get = async <T>(standIns: StandIns, path: string): Promise<T> => (await call<T>(standIns, 'GET', path)).body;

const push = async (standIns: StandIns, files: Record<string, string | null>, more: object = {}): Promise<string> =>
  (await sandbox<Sha>(standIns, 'POST', '/github/commits', { repository: REPOSITORY, files, ...more })).sha;

const treeOf = async (standIns: StandIns, sha: string): Promise<Tree> =>
  get<Tree>(standIns, `/git/trees/${(await get<Commit>(standIns, `/git/commits/${sha}`)).tree.sha}`);

test('objects have the same IDs as in Git', async () => {
  const standIns = await start({ now: clock().now });
  const sha = await push(standIns, { 'app/hello.txt': 'hello world\n', 'a-b/x': 'x', 'a.txt': 'y' });
  const tree = await treeOf(standIns, sha);
  expect(tree.sha).toBe('81819918dee8e99bdbc2b2e0cd9f74665dee36d3');
  expect(tree.tree.map(({ path, mode, type }) => [path, mode, type])).toEqual([
    ['a-b', '040000', 'tree'],
    ['a.txt', '100644', 'blob'],
    ['app', '040000', 'tree'],
  ]);
  expect(tree.tree[1]?.sha).toBe('e25f1814e51579d5f55c0f1fe0135ddb28a47f4a');
  expect(sha).toBe('26e247c0c45c4021abac59757d8c7132ee2b519a');
});

describe('a tree', () => {
  test('is created from another tree by adding and removing entries and replacing folders', async () => {
    const standIns = await start();
    const old = await treeOf(standIns, await push(standIns, { 'a/one': '1', 'a/two': '2', 'b/c/three': '3', d: '4' }));
    const entry = (path: string) => old.tree.find((each) => each.path === path) ?? old.tree[0];
    const made = await call<Tree>(standIns, 'POST', '/git/trees', {
      base_tree: old.sha,
      tree: [
        { ...entry('a'), path: 'e/f' },
        { path: 'b/c/three', mode: '100644', type: 'blob', sha: null },
        { path: 'a/one', mode: '100755', type: 'blob', content: 'other' },
      ],
    });
    expect(made.status).toBe(201);
    expect(made.body.tree.map(({ path }) => path)).toEqual(['a', 'd', 'e']); // Git has no empty folders
    const e = await get<Tree>(standIns, `/git/trees/${made.body.tree[2]?.sha}`);
    expect(e.tree).toMatchObject([{ path: 'f', type: 'tree', sha: entry('a')?.sha }]);
    const a = await get<Tree>(standIns, `/git/trees/${made.body.tree[0]?.sha}`);
    expect(a.tree).toMatchObject([{ path: 'one', mode: '100755' }, { path: 'two' }]);
  });

  test.each([
    ['removes no missing entry', { tree: [{ path: 'x', mode: '100644', type: 'blob', sha: null }] }],
    ['requires an existing base', { base_tree: 'f'.repeat(40), tree: [] }],
    ['requires existing entries', { tree: [{ path: 'x', mode: '040000', type: 'tree', sha: 'f'.repeat(40) }] }],
    ['requires valid modes', { tree: [{ path: 'x', mode: '777', type: 'blob', content: '' }] }],
  ])('%s; otherwise the response is a 422', async (_, body) => {
    expect((await call(await start(), 'POST', '/git/trees', body)).status).toBe(422);
  });
});

describe('a commit', () => {
  test('is found by its full or abbreviated ID, by a tag, and by a branch', async () => {
    const standIns = await start();
    const sha = await push(standIns, { a: '1' }, { tag: 'v1' });
    for (const ref of [sha, sha.slice(0, 7), 'v1', 'tags/v1', 'main', 'heads/main']) {
      expect((await get<Sha>(standIns, `/commits/${ref}`)).sha).toBe(sha);
    }
    expect(await call(standIns, 'GET', '/commits/v2')).toMatchObject({
      status: 422,
      body: { message: 'No commit found for SHA: v2' },
    });
    expect((await get<{ object: Sha }>(standIns, '/git/ref/tags/v1')).object.sha).toBe(sha);
    expect((await call(standIns, 'GET', '/git/ref/tags/v2')).status).toBe(404);
  });

  test('is listed, newest first, by branch, path, and page', async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    const made: string[] = [];
    for (const files of [{ 'a/x': '1' }, { b: '1' }, { 'a/x': '2' }, { 'a/x': null }]) {
      made.unshift(await push(standIns, files));
      time.forward(1000);
    }
    const shas = async (query: string) => (await get<Sha[]>(standIns, `/commits?${query}`)).map(({ sha }) => sha);
    expect(await shas('sha=main')).toEqual(made);
    expect(await shas('path=a')).toEqual([made[0], made[1], made[3]]);
    expect(await shas('per_page=1&page=2')).toEqual([made[1]]);
    expect((await call(standIns, 'GET', '/commits?sha=nowhere')).status).toBe(404);
  });

  test.each([
    ['no tree', { message: 'x', tree: 'f'.repeat(40) }],
    ['no message', { tree: 'f'.repeat(40) }],
  ])('is refused: %s', async (_, body) => {
    expect((await call(await start(), 'POST', '/git/commits', body)).status).toBe(422);
  });
});

describe('a branch', () => {
  const commit = async (standIns: StandIns, parent: string, message = 'x') => {
    const { tree } = await get<Commit>(standIns, `/git/commits/${parent}`);
    return (await call(standIns, 'POST', '/git/commits', { message, tree: tree.sha, parents: [parent] })).body.sha;
  };

  test('moves forward, or with force to any commit', async () => {
    const standIns = await start();
    const first = await push(standIns, { a: '1' });
    const [one, two] = [await commit(standIns, first, 'one'), await commit(standIns, first, 'two')];
    expect((await call(standIns, 'PATCH', '/git/refs/heads/main', { sha: one })).status).toBe(200);
    expect(await call(standIns, 'PATCH', '/git/refs/heads/main', { sha: two })).toMatchObject({
      status: 422,
      body: { message: 'Update is not a fast forward' },
    });
    expect((await call(standIns, 'PATCH', '/git/refs/heads/main', { sha: two, force: true })).status).toBe(200);
    expect(await get(standIns, '/branches/main')).toMatchObject({
      name: 'main',
      protected: false,
      commit: { sha: two },
    });
    expect((await call(standIns, 'PATCH', '/git/refs/heads/other', { sha: two })).status).toBe(422);
    expect((await call(standIns, 'GET', '/branches/other')).status).toBe(404);
  });

  test('can be created only once', async () => {
    const standIns = await start();
    const sha = await push(standIns, { a: '1' });
    const ref = { ref: 'refs/heads/fix/it', sha };
    expect((await call(standIns, 'POST', '/git/refs', ref)).status).toBe(201);
    expect((await call(standIns, 'POST', '/git/refs', ref)).body.message).toBe('Reference already exists');
    expect((await call(standIns, 'POST', '/git/refs', { ...ref, ref: 'heads/x' })).status).toBe(422);
    expect((await call(standIns, 'POST', '/git/refs', { ref: 'refs/heads/x', sha: 'f'.repeat(40) })).status).toBe(422);
    expect((await get<{ commit: Sha }>(standIns, '/branches/fix/it')).commit.sha).toBe(sha);
  });

  test('that is protected changes only by pull requests', async () => {
    const standIns = await start();
    const sha = await push(standIns, { a: '1' });
    await sandbox(standIns, 'PUT', '/github/branches', { repository: REPOSITORY, branch: 'main', protected: true });
    const next = await commit(standIns, sha);
    const answer = await call(standIns, 'PATCH', '/git/refs/heads/main', { sha: next });
    expect(answer).toMatchObject({ status: 422, body: { message: expect.stringContaining('rule') as string } });
  });

  test('survives a restart', async () => {
    const options = { dir: folder(), now: clock().now };
    const before = await start(options);
    const sha = await push(before, { a: '1' });
    await before.close();
    expect((await get<{ commit: Sha }>(await start(options), '/branches/main')).commit.sha).toBe(sha);
  });
});

describe('a pull request', () => {
  type Pull = { number: number; state: string; merged_at: string | null; merge_commit_sha: string; html_url: string };
  const open = async (standIns: StandIns) => {
    await push(standIns, { a: '1' });
    const { commit } = await get<{ commit: Sha }>(standIns, '/branches/main');
    await call(standIns, 'POST', '/git/refs', { ref: 'refs/heads/fix', sha: commit.sha });
    await push(standIns, { a: '2' }, { branch: 'fix' });
    return call<Pull>(standIns, 'POST', '/pulls', { title: 'Fix', head: 'fix', base: 'main', body: 'why' });
  };
  const merge = (standIns: StandIns, how: string) =>
    sandbox<Pull>(standIns, 'POST', '/github/merges', { repository: REPOSITORY, number: 1, how });

  test('is opened once per branch, and found by it', async () => {
    const standIns = await start();
    const { status, body } = await open(standIns);
    expect(status).toBe(201);
    expect(body).toMatchObject({ number: 1, state: 'open', merged_at: null, title: 'Fix', body: 'why' });
    expect(body.html_url).toBe(`${standIns.urls.github}/${REPOSITORY}/pull/1`);
    expect(
      await call(standIns, 'POST', '/pulls', { title: 'Again', head: 'octo-org:fix', base: 'main' }),
    ).toMatchObject({
      status: 422,
      body: { errors: [{ message: 'A pull request already exists for octo-org:fix.' }] },
    });
    const found = (query: string) => get<Pull[]>(standIns, `/pulls?${query}`);
    expect(await found('head=octo-org:fix&base=main')).toHaveLength(1);
    expect(await found('head=octo-org:other')).toEqual([]);
    expect(await found('state=closed')).toEqual([]);
  });

  test.each([
    ['merge', 2],
    ['squash', 1],
  ])('is merged by %s with a commit of %i parents', async (how, parents) => {
    const standIns = await start();
    await open(standIns);
    await merge(standIns, how);
    const pull = await get<Pull>(standIns, '/pulls/1');
    expect(pull).toMatchObject({ state: 'closed', merged_at: expect.any(String) as string });
    const commit = await get<Commit>(standIns, `/git/commits/${pull.merge_commit_sha}`);
    expect(commit.parents).toHaveLength(parents);
    expect((await get<{ commit: Sha }>(standIns, '/branches/main')).commit.sha).toBe(commit.sha);
    await expect(merge(standIns, how)).rejects.toThrow('no open pull request');
  });

  test('can be closed, and is not merged if the base has new commits', async () => {
    const standIns = await start();
    await open(standIns);
    await push(standIns, { b: '1' });
    await expect(merge(standIns, 'merge')).rejects.toThrow('has new commits');
    await merge(standIns, 'close');
    expect(await get<Pull>(standIns, '/pulls/1')).toMatchObject({ state: 'closed', merged_at: null });
  });

  test.each([
    ['an unknown head branch', { head: 'nowhere', base: 'main' }],
    ['an unknown base branch', { head: 'main', base: 'nowhere' }],
    ['no new commits', { head: 'main', base: 'main' }],
  ])('is refused: %s', async (_, branches) => {
    const standIns = await start();
    await push(standIns, { a: '1' });
    expect((await call(standIns, 'POST', '/pulls', { title: 'x', ...branches })).status).toBe(422);
  });

  test('has a number that no issue has', async () => {
    const standIns = await start();
    expect((await call<Pull>(standIns, 'POST', '/issues', { title: 'one' })).body.number).toBe(1);
    expect((await open(standIns)).body.number).toBe(2);
    expect((await call<Pull>(standIns, 'POST', '/issues', { title: 'three' })).body.number).toBe(3);
  });
});

test('a file is only replaced by a request that names its present version, on a branch that is not protected', async () => {
  const standIns = await start();
  const head = await push(standIns, { 'a/one.md': '1' });
  const at = '/contents/a/one.md';
  type Content = { type: string; sha: string; content: string; message: string };
  const write = async (path: string, more: object = {}, text = 'two \u{1F525}') =>
    call<{ content: Content; commit: Commit; message: string }>(standIns, 'PUT', path, {
      message: 'New',
      content: Buffer.from(text).toString('base64'),
      branch: 'main',
      ...more,
    });
  const { sha } = await get<Content>(standIns, `${at}?ref=main`);
  expect(await write(at)).toMatchObject({
    status: 422,
    body: { message: 'Invalid request.\n\n"sha" wasn\'t supplied.' },
  });
  expect(await write(at, { sha: head })).toMatchObject({
    status: 409,
    body: { message: `a/one.md does not match ${head}` },
  });
  expect(await write('/contents/new.md', { sha })).toMatchObject({ status: 409 });
  expect(await write('/contents/a', {})).toMatchObject({ status: 422 });
  expect(await write(at, { sha, branch: 'other' })).toMatchObject({ status: 404 });
  expect(await write(at, { sha, content: 'no base64!' })).toMatchObject({ status: 422 });
  expect(await write(at, { sha, message: '' })).toMatchObject({ status: 422 });
  const written = await write(at, { sha });
  expect(written).toMatchObject({ status: 200, body: { commit: { message: 'New', parents: [{ sha: head }] } } });
  const now = await get<Content>(standIns, `${at}?ref=main`);
  expect(Buffer.from(now.content, 'base64').toString()).toBe('two \u{1F525}');
  expect(now.sha).toBe(written.body.content.sha);
  expect(await write('/contents/a/b/new.md')).toMatchObject({ status: 201 });
  expect(await get(standIns, '/contents/a?ref=main')).toMatchObject([
    { type: 'dir' },
    { type: 'file', path: 'a/one.md' },
  ]);
  await sandbox(standIns, 'PUT', '/github/branches', { repository: REPOSITORY, branch: 'main', protected: true });
  expect(await write(at, { sha: now.sha })).toMatchObject({
    status: 409,
    body: { message: expect.stringContaining('must be made through a pull request') },
  });
});
