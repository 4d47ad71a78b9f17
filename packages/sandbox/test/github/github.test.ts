import { DatabaseSync } from 'node:sqlite';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { github, type GithubView } from '../../github/github.ts';
import type { StandIns } from '../../core/index.ts';
import { clock, exchange, folder, setFault, start } from '../support.ts';

type Issue = {
  number: number;
  title: string;
  body: string | null;
  state: string;
  state_reason: string | null;
  html_url: string;
  labels: { name: string }[];
  comments: number;
  closed_at: string | null;
  created_at: string;
};
type Failure = { message: string; errors?: { resource: string; code: string; field: string; message?: string }[] };

async function call<T = Issue>(
  { urls }: StandIns,
  method: string,
  path: string,
  body?: unknown,
  authorization: string | undefined = 'Bearer ghs_test',
) {
  const response = await fetch(`${urls.github}/repos${path}`, {
    method,
    headers: { authorization, 'content-type': 'application/json' },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as T };
}

const REPOSITORY = '/octo-org/checkout-api/issues';

const titles = async (standIns: StandIns, query = '') =>
  (await call<Issue[]>(standIns, 'GET', `${REPOSITORY}${query}`)).body.map(({ title }) => title);

describe('issues', () => {
  test('are opened, changed, closed, and reopened', async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    const asked = {
      title: 'Cart is slow',
      body: 'p99 of 2 s',
      labels: ['firebreak', { name: 'warning' }, 'firebreak'],
    };
    const made = await call(standIns, 'POST', REPOSITORY, asked);
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      number: 1,
      title: 'Cart is slow',
      body: 'p99 of 2 s',
      state: 'open',
      comments: 0,
      created_at: '2026-11-20T06:48:00Z',
      html_url: `${standIns.urls.github}/octo-org/checkout-api/issues/1`,
    });
    expect(made.body.labels.map(({ name }) => name)).toEqual(['firebreak', 'warning']);

    time.forward(60_000);
    const closed = await call(standIns, 'PATCH', `${REPOSITORY}/1`, { state: 'closed' });
    const done = {
      title: 'Cart is slow',
      state: 'closed',
      state_reason: 'completed',
      closed_at: '2026-11-20T06:49:00Z',
    };
    expect(closed.body).toMatchObject(done);
    const open = { state: 'open', title: 'Cart is still slow', body: null, labels: [] };
    const reopened = await call(standIns, 'PATCH', `${REPOSITORY}/1`, open);
    expect(reopened.body).toMatchObject({ ...open, state_reason: 'reopened', closed_at: null });
    expect((await call(standIns, 'GET', `${REPOSITORY}/1`)).body).toEqual(reopened.body);
  });

  test('are numbered per repository, whose name is case-insensitive', async () => {
    const standIns = await start();
    await call(standIns, 'POST', REPOSITORY, { title: 'one' });
    expect((await call(standIns, 'POST', '/octo-org/other/issues', { title: 'first' })).body.number).toBe(1);
    expect((await call(standIns, 'POST', '/Octo-Org/Checkout-API/issues', { title: 'two' })).body.number).toBe(2);
    expect(await titles(standIns)).toEqual(['two', 'one']);
  });

  test('are found by labels, state, and creator', async () => {
    const standIns = await start();
    for (const labels of [['a', 'b'], ['a'], ['b']]) {
      await call(standIns, 'POST', REPOSITORY, { title: labels.join('+'), labels });
    }
    await call(standIns, 'PATCH', `${REPOSITORY}/2`, { state: 'closed' });
    expect(await titles(standIns, '?labels=a')).toEqual(['a+b']);
    expect(await titles(standIns, '?labels=a&state=all')).toEqual(['a', 'a+b']);
    expect(await titles(standIns, '?labels=A,b&state=all')).toEqual(['a+b']);
    expect(await titles(standIns, '?state=closed')).toEqual(['a']);
    expect(await titles(standIns, '?creator=firebreak')).toEqual(['b', 'a+b']);
    expect(await titles(standIns, '?creator=octocat')).toEqual([]);
  });

  test('come in pages that are linked by the Link header', async () => {
    const standIns = await start();
    for (let i = 1; i <= 31; i++) await call(standIns, 'POST', REPOSITORY, { title: `${i}` });
    expect(await titles(standIns)).toHaveLength(30);
    expect(await titles(standIns, '?per_page=100')).toHaveLength(31);

    const seen: string[] = [];
    let next: string | undefined = `${standIns.urls.github}/repos${REPOSITORY}?per_page=15&state=all`;
    while (next) {
      const response: Response = await fetch(next, { headers: { authorization: 'token ghs_test' } });
      seen.push(...((await response.json()) as Issue[]).map(({ title }) => title));
      next = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
    }
    expect(seen).toEqual(Array.from({ length: 31 }, (_, i) => `${31 - i}`));
  });

  test('have a web page at their URL', async () => {
    const standIns = await start();
    const { body } = await call(standIns, 'POST', REPOSITORY, { title: 'Cart is slow', body: 'p99 of 2 s' });
    await call(standIns, 'POST', `${REPOSITORY}/1/comments`, { body: 'Again.' });
    const page = await (await fetch(body.html_url)).text();
    for (const text of ['Cart is slow #1 (open)', 'p99 of 2 s', 'Again.']) expect(page).toContain(text);
  });
});

describe('comments', () => {
  test('are listed in order, in pages', async () => {
    const standIns = await start();
    await call(standIns, 'POST', REPOSITORY, { title: 'x' });
    for (const body of ['one', 'two', 'three']) {
      expect((await call(standIns, 'POST', `${REPOSITORY}/1/comments`, { body })).status).toBe(201);
    }
    const path = `${REPOSITORY}/1/comments?per_page=2`;
    const first = await call<{ body: string }[]>(standIns, 'GET', path);
    expect(first.body.map(({ body }) => body)).toEqual(['one', 'two']);
    expect(first.headers.get('link')).toContain('page=2>; rel="next"');
    expect((await call<unknown[]>(standIns, 'GET', `${path}&page=2`)).body).toMatchObject([{ body: 'three' }]);
    expect((await call(standIns, 'GET', `${REPOSITORY}/1`)).body.comments).toBe(3);
  });

  test.each([
    ['65,536 characters', '🔥'.repeat(65_536), 201, undefined],
    ['65,537', 'x'.repeat(65_537), 422, 'Body is too long (maximum is 65536 characters)'],
    ['blank', ' ', 422, 'Body cannot be blank'],
  ])('%s', async (_, body, status, message) => {
    const standIns = await start();
    await call(standIns, 'POST', REPOSITORY, { title: 'x' });
    const answer = await call<Failure>(standIns, 'POST', `${REPOSITORY}/1/comments`, { body });
    expect([answer.status, answer.body.errors?.[0]?.message]).toEqual([status, message]);
    const kept = await call<unknown[]>(standIns, 'GET', `${REPOSITORY}/1/comments`);
    expect(kept.body).toHaveLength(status === 201 ? 1 : 0);
  });
});

describe('errors', () => {
  const tooLong = (resource: string, field: string, max: number) => [
    { resource, code: 'custom', field, message: `${field} is too long (maximum is ${max} characters)` },
  ];

  test.each([
    ['a title of 256 characters', { title: '🔥'.repeat(256) }, 201, undefined, undefined],
    ['a title of 257 characters', { title: 'x'.repeat(257) }, 422, 'Validation Failed', tooLong('Issue', 'title', 256)],
    ['a body of 65,536 characters', { title: 'x', body: 'é'.repeat(65_536) }, 201, undefined, undefined],
    [
      'a body of 65,537 characters',
      { title: 'x', body: 'x'.repeat(65_537) },
      422,
      'Validation Failed',
      tooLong('Issue', 'body', 65_536),
    ],
    [
      'a label of 51 characters',
      { title: 'x', labels: ['x'.repeat(51)] },
      422,
      'Validation Failed',
      tooLong('Label', 'name', 50),
    ],
    ['no title', { body: 'x' }, 422, 'Invalid request.\n\n"title" wasn\'t supplied.', undefined],
    [
      'a blank title',
      { title: ' ' },
      422,
      'Validation Failed',
      [{ resource: 'Issue', code: 'missing_field', field: 'title' }],
    ],
    [
      'labels that are not a list',
      { title: 'x', labels: 'a' },
      422,
      expect.stringContaining("'properties/labels'"),
      undefined,
    ],
    ['invalid JSON', '{', 400, 'Problems parsing JSON', undefined],
    ['a body that is not an object', '[]', 400, 'Body should be a JSON object', undefined],
  ])('%s', async (_, body, status, message, errors) => {
    const standIns = await start();
    const answer = await call<Failure>(standIns, 'POST', REPOSITORY, body);
    expect([answer.status, answer.body.message, answer.body.errors]).toEqual([status, message, errors]);
    expect(await titles(standIns)).toHaveLength(status === 201 ? 1 : 0);
  });

  test.each([
    ['', 'Requires authentication'],
    ['Basic dTpw', 'Bad credentials'],
    ['Bearer ', 'Bad credentials'],
  ])('Authorization %j is a 401', async (authorization, message) => {
    const answer = await call<Failure>(await start(), 'GET', REPOSITORY, undefined, authorization);
    expect([answer.status, answer.body.message]).toEqual([401, message]);
  });

  test.each(['/octo-org/checkout-api/releases', `${REPOSITORY}/1`, `${REPOSITORY}/x`, `${REPOSITORY}/1/comments`])(
    '%s is a 404',
    async (path) => {
      const answer = await call<Failure>(await start(), 'GET', path);
      expect([answer.status, answer.body.message]).toEqual([404, 'Not Found']);
    },
  );

  test('a caller without a user agent is refused', async () => {
    const { urls } = await start();
    const headers = { authorization: 'Bearer ghs_test' };
    const status = await new Promise((resolve, reject) => {
      const asked = request(`${urls.github}/repos${REPOSITORY}`, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.on('error', reject).end();
    });
    expect(status).toBe(403);
  });
});

describe('limits', () => {
  test('of created content: 80 per minute, then 403 with Retry-After until the window has moved', async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    for (let i = 0; i < 79; i++) await call(standIns, 'POST', REPOSITORY, { title: `${i}` });
    expect((await call(standIns, 'POST', `${REPOSITORY}/1/comments`, { body: 'x' })).status).toBe(201);

    const { response } = exchange('github/secondary-rate-limit-403');
    for (const path of [REPOSITORY, `${REPOSITORY}/1/comments`]) {
      const refused = await call(standIns, 'POST', path, { title: 'x', body: 'x' });
      expect([refused.status, JSON.stringify(refused.body)]).toEqual([response.status, response.body]);
      expect(refused.headers.get('retry-after')).toBe(response.headers['Retry-After']);
      expect(Number(refused.headers.get('x-ratelimit-remaining'))).toBeGreaterThan(4000);
    }
    expect((await call(standIns, 'PATCH', `${REPOSITORY}/1`, { title: 'still' })).status).toBe(200);
    expect((await call(standIns, 'POST', REPOSITORY, { title: 'x' }, 'token another')).status).toBe(201);
    time.forward(60_000);
    expect((await call(standIns, 'POST', REPOSITORY, { title: 'x' })).status).toBe(201);
  });

  test('of all calls: headers have the state of the hour, which is shorter with the time scale', async () => {
    const time = clock();
    const standIns = await start({ now: time.now, timeScale: 60 });
    const told = async () => {
      const { headers } = await call(standIns, 'GET', REPOSITORY);
      return ['limit', 'remaining', 'used', 'reset'].map((name) => Number(headers.get(`x-ratelimit-${name}`)));
    };
    const reset = time.now() / 1000 + 60;
    expect(await told()).toEqual([5000, 4999, 1, reset]);
    time.forward(59_999);
    expect(await told()).toEqual([5000, 4998, 2, reset]);
    time.forward(1);
    expect(await told()).toEqual([5000, 4999, 1, reset + 60]);
  });

  test('the 5,001st call of an hour is refused, even after a restart', async () => {
    const options = { dir: folder(), now: clock().now };
    const before = await start(options);
    await call(before, 'GET', REPOSITORY);
    await before.close();
    const db = new DatabaseSync(join(options.dir, 'standins.sqlite'));
    db.exec('update github_quota set used = 4999');
    db.close();

    const after = await start(options);
    const last = await call(after, 'GET', REPOSITORY);
    expect([last.status, last.headers.get('x-ratelimit-remaining')]).toEqual([200, '0']);
    const refused = await call<Failure>(after, 'POST', REPOSITORY, { title: 'x' });
    expect([refused.status, refused.body.message]).toEqual([403, 'API rate limit exceeded for user ID 1.']);
    expect(refused.headers.get('x-ratelimit-remaining')).toBe('0');
    expect(refused.headers.get('retry-after')).toBeNull();
  });

  test('can be set as a fault', async () => {
    const standIns = await start();
    await setFault(standIns, { vendor: 'github', fault: { kind: 'rate_limit' }, times: 1 });
    expect((await call(standIns, 'POST', REPOSITORY, { title: 'x' })).status).toBe(403);
    expect((await call(standIns, 'POST', REPOSITORY, { title: 'x' })).status).toBe(201);
  });
});

test('issues survive a restart, and are in the view', async () => {
  const options = { dir: folder(), now: clock().now };
  const before = await start(options);
  await call(before, 'POST', REPOSITORY, { title: 'one', labels: ['firebreak'] });
  await call(before, 'POST', `${REPOSITORY}/1/comments`, { body: 'Again.' });
  await call(before, 'POST', '/octo-org/other/issues', { title: 'two', body: 'x' });
  await before.close();

  const after = await start(options);
  expect(await titles(after)).toEqual(['one']);
  const db = new DatabaseSync(join(options.dir, 'standins.sqlite'));
  const view: GithubView = github.view({ db, now: options.now, timeScale: 1 });
  db.close();
  const at = '2026-11-20T06:48:00.000Z';
  const issue = { number: 1, state: 'open', created_at: at };
  expect(view.issues).toEqual([
    { ...issue, repository: 'octo-org/other', title: 'two', body: 'x', labels: [], comments: [] },
    {
      ...issue,
      repository: 'octo-org/checkout-api',
      title: 'one',
      body: '',
      labels: ['firebreak'],
      comments: [{ body: 'Again.', at }],
    },
  ]);
});
