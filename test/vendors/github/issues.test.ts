import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { code } from '../../../core/domain/messages/markdown.ts';
import type { Ticket, Tickets } from '../../../core/domain/ports/tickets.ts';
import { githubIssues, hasMarker, marker } from '../../../vendors/github/issues.ts';
import { BODY_MAX_CHARS, TITLE_MAX_CHARS } from '../../../vendors/github/rest.ts';
import { start } from '../../../packages/sandbox/test/support.ts';
import { SetClock } from '../../support/fake-deps.ts';
import { type Reply, vendor } from '../server.ts';
import { recorded, sent, respondsAsAgreed } from '../vendor-responses.ts';
import { anyCharacter } from '../../support/any-character.ts';

const NOON = '2026-11-20T12:00:00.000Z';
const ISSUES = '/repos/octo-org/checkout-api/issues';

const at = (url: string, token: string | undefined = 'ghs_test'): Tickets =>
  githubIssues({
    apiUrl: `${url}/`,
    token: async () => token,
    repository: 'octo-org/checkout-api',
    labels: ['sre'],
    clock: new SetClock(NOON),
  });

const ticket = (more: Partial<Ticket> = {}): Ticket => ({
  key: '01TEST.ticket',
  title: 'checkout: disk fills up',
  body: 'Fills up since noon.',
  labels: ['warning', 'sre'],
  ...more,
});

const issue = (number: number, body: string | null = null) => ({
  number,
  html_url: `https://github.com/octo-org/checkout-api/issues/${number}`,
  body,
});
const created: Reply = { status: 201, body: JSON.stringify(issue(7)) };
const list = (...items: object[]): Reply => ({ body: JSON.stringify(items) });
const fullPage = list(...Array.from({ length: 100 }, (_, index) => issue(index)));

test('with the stand-in, a ticket is opened, found, and commented on once', async () => {
  const standIns = await start();
  const github = at(standIns.urls.github);
  expect(await github.find('01TEST.ticket')).toEqual({ kind: 'done', value: null });
  const response = await github.open(ticket());
  expect(response).toMatchObject({ kind: 'done', value: { id: '1' } });
  await github.open(ticket({ key: 'another' }));
  expect(await github.find('01TEST.ticket')).toEqual(response);
  for (let times = 0; times < 2; times += 1)
    expect(await github.comment('1', 'It is over.', '01TEST.end')).toEqual({ kind: 'done', value: null });
  const comments = await fetch(`${standIns.urls.github}${ISSUES}/1/comments`, {
    headers: { authorization: 'Bearer x', 'user-agent': 'test' },
  });
  expect(await comments.json()).toMatchObject([{ body: 'It is over.\n\n<!-- firebreak:01TEST.end -->' }]);
  expect(await github.comment('9', 'text', 'k')).toMatchObject({ kind: 'refused', code: 'not_found' });
});

describe('each call', () => {
  respondsAsAgreed({
    read: {
      find: (url) => at(url).find('k'),
      'comment, which looks first': (url) => at(url).comment('7', 'text', 'k'),
    },
    write: { open: (url) => at(url).open(ticket()) },
  });

  test('has the headers that GitHub requires', async () => {
    const { url, received } = await vendor(created);
    await at(url).open(ticket());
    expect(received[0]?.headers).toMatchObject({
      accept: 'application/vnd.github+json',
      authorization: 'Bearer ghs_test',
      'content-type': 'application/json',
      'user-agent': 'firebreak',
      'x-github-api-version': '2022-11-28',
    });
  });

  test('without a token is off, and sends nothing', async () => {
    const { url, received } = await vendor(created);
    expect(await at(url, '').open(ticket())).toEqual({
      kind: 'off',
      detail: 'tickets on GitHub are off: GITHUB_TOKEN is not set',
    });
    expect(received).toEqual([]);
  });
});

describe('a rate limit', () => {
  const reset = String(Date.parse(NOON) / 1000 + 90);
  const words = '{"message":"You have exceeded a secondary rate limit."}';
  test.each<[string, Reply, number]>([
    ['with its seconds', recorded('github/secondary-rate-limit-403'), 60],
    [
      'that is over at a time',
      { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset } },
      90,
    ],
    ['as 429, too', { status: 429, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset } }, 90],
    ['that is over by now', { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' } }, 0],
    ['that only its words tell', { status: 403, headers: { 'x-ratelimit-remaining': '9' }, body: words }, 60],
    ['without a word', { status: 429 }, 60],
  ])('%s is waited for', async (_, reply, afterSeconds) => {
    const { url } = await vendor(reply);
    expect(await at(url).open(ticket())).toMatchObject({ kind: 'later', afterSeconds });
  });

  test('is distinguished from missing permission', async () => {
    const { url } = await vendor({ status: 403, body: '{"message":"Resource not accessible by integration"}' });
    expect(await at(url).open(ticket())).toEqual({
      kind: 'refused',
      code: 'forbidden',
      detail: 'GitHub answered 403: Resource not accessible by integration',
    });
  });
});

describe('a ticket', () => {
  test("is opened as an issue with its key and Firebreak's label", async () => {
    const { url, received } = await vendor(created);
    expect(await at(url).open(ticket())).toEqual({
      kind: 'done',
      value: { id: '7', url: 'https://github.com/octo-org/checkout-api/issues/7' },
    });
    expect(received).toMatchObject([{ method: 'POST', path: ISSUES }]);
    expect(sent(received)).toEqual([
      {
        title: 'checkout: disk fills up',
        body: 'Fills up since noon.\n\n<!-- firebreak:01TEST.ticket -->',
        labels: ['firebreak', 'sre', 'warning'],
      },
    ]);
  });

  test('is truncated to the limits, with its key in the last line', async () => {
    const { url, received } = await vendor(created);
    await at(url).open(ticket({ title: 'ü'.repeat(TITLE_MAX_CHARS + 1), body: '🙂'.repeat(BODY_MAX_CHARS + 1) }));
    const [issued] = sent(received) as { title: string; body: string }[];
    expect(issued?.title).toBe(`${'ü'.repeat(TITLE_MAX_CHARS - 1)}…`);
    expect(Array.from(issued?.body ?? '')).toHaveLength(BODY_MAX_CHARS);
    expect(hasMarker(issued?.body ?? '', '01TEST.ticket')).toBe(true);
  });

  test('has a title of one line, and valid labels', async () => {
    const { url, received } = await vendor(created);
    await at(url).open(ticket({ title: 'two\r\nlines\u2028or three', labels: ['l'.repeat(51)] }));
    expect(sent(received)).toMatchObject([
      { title: 'two lines or three', labels: ['firebreak', 'sre', `${'l'.repeat(49)}…`] },
    ]);
  });

  test('that is refused reports the reason', async () => {
    const body =
      '{"message":"Validation Failed","errors":[{"resource":"Issue","field":"title","code":"missing_field"},{"code":"custom","message":"body is too long"}]}';
    const { url } = await vendor({ status: 422, body });
    expect(await at(url).open(ticket())).toEqual({
      kind: 'refused',
      code: 'invalid',
      detail: 'GitHub answered 422: Validation Failed; title missing_field; body is too long',
    });
  });
});

describe('a search for a ticket', () => {
  test('finds the newest open or closed issue with its key', async () => {
    const { url, received } = await vendor(
      list(
        issue(9),
        issue(8, `about ${marker('01TEST.ticket')}`), // not on a line of its own: a quotation
        issue(7, `text\r\n\r\n${marker('01TEST.ticket')}\r\nedited by hand`),
      ),
    );
    expect(await at(url).find('01TEST.ticket')).toEqual({
      kind: 'done',
      value: { id: '7', url: 'https://github.com/octo-org/checkout-api/issues/7' },
    });
    const asked = new URL(received[0]?.path ?? '', url);
    expect([asked.pathname, Object.fromEntries(asked.searchParams)]).toEqual([
      ISSUES,
      { labels: 'firebreak', state: 'all', sort: 'created', direction: 'desc', per_page: '100', page: '1' },
    ]);
  });

  test('continues on the next page', async () => {
    const { url, received } = await vendor(fullPage, list(issue(500, marker('k'))));
    expect(await at(url).find('k')).toMatchObject({ kind: 'done', value: { id: '500' } });
    expect(received).toHaveLength(2);
  });

  test('stops after the maximum number of pages', async () => {
    const { url, received } = await vendor(fullPage);
    expect(await at(url).find('k')).toEqual({ kind: 'done', value: null });
    expect(received).toHaveLength(5);
  });

  test('is inconclusive if a page fails', async () => {
    const { url } = await vendor(fullPage, { status: 502 });
    expect(await at(url).find('k')).toMatchObject({ kind: 'later' });
  });
});

describe('a comment', () => {
  test('is added', async () => {
    const { url, received } = await vendor(list({ body: 'looking into it' }), { status: 201, body: '{"id":1}' });
    expect(await at(url).comment('7', 'It is over.', '01TEST.end')).toEqual({ kind: 'done', value: null });
    expect(received.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET ${ISSUES}/7/comments?per_page=100&page=1`,
      `POST ${ISSUES}/7/comments`,
    ]);
    expect(sent(received)).toEqual([{ body: 'It is over.\n\n<!-- firebreak:01TEST.end -->' }]);
  });

  test('is added once', async () => {
    const { url, received } = await vendor(list({ body: `It is over.\n\n${marker('01TEST.end')}` }));
    expect(await at(url).comment('7', 'It is over.', '01TEST.end')).toEqual({ kind: 'done', value: null });
    expect(received).toHaveLength(1);
  });

  test('that was sent without a response is unclear', async () => {
    const { url } = await vendor(list(), { cut: 201 });
    expect(await at(url).comment('7', 'It is over.', '01TEST.end')).toMatchObject({ kind: 'unclear' });
  });
});

describe('the key in a text', () => {
  test("is unique, and other texts can't imitate it", () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter }), fc.string(), (text, key) => {
        expect(hasMarker(`${code(`${text}\n${marker(key)}\n${text}`)}\n`, key)).toBe(false);
        expect(hasMarker(`a\n\n${marker(key)}`, key)).toBe(true);
        expect(hasMarker(marker(key), `${key}x`)).toBe(false);
        expect(marker(key).slice(0, -3)).not.toContain('-->');
      }),
    );
  });
});
