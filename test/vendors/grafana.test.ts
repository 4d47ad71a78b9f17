import { describe, expect, test } from 'vitest';
import type { Annotation, Annotations } from '../../core/domain/ports/annotations.ts';
import { grafanaAnnotations } from '../../vendors/grafana/annotations.ts';
import { TAGS_MAX_BYTES, TEXT_MAX_CHARS } from '../../vendors/grafana/limits.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { start } from '../../packages/sandbox/test/support.ts';
import { SetClock } from '../support/fake-deps.ts';
import { vendor } from './server.ts';
import { recorded, sent, respondsAsAgreed } from './vendor-responses.ts';

const FROM = '2026-11-20T06:50:00.000Z' as Timestamp;
const UNTIL = '2026-11-20T06:55:00.500Z' as Timestamp;

const at = (url: string | undefined, token: string | undefined = 'glsa_test_dev'): Annotations =>
  grafanaAnnotations({
    url: async () => url,
    token: async () => token,
    clock: new SetClock('2026-11-20T12:00:00.000Z'),
  });

const annotation = (more: Partial<Annotation> = {}): Annotation => ({
  from: FROM,
  until: null,
  tags: ['firebreak:01TEST', 'rollback', 'service:checkout'],
  text: 'Rollback of checkout',
  ...more,
});

test('with the stand-in, a point becomes a region and a point again, and is found by its tag', async () => {
  const standIns = await start();
  const grafana = at(standIns.urls.grafana);
  const shown = async () => {
    const answer = await fetch(`${standIns.urls.grafana}/api/annotations`, { headers: { authorization: 'Bearer x' } });
    return (await answer.json()) as unknown[];
  };
  expect(await grafana.find('firebreak:01TEST:rollback')).toEqual({ kind: 'done', value: null });
  const response = await grafana.create(annotation({ tags: ['firebreak:01TEST:rollback', 'rollback'] }));
  const id = response.kind === 'done' ? response.value.id : '';
  expect(await grafana.find('firebreak:01TEST:rollback')).toEqual({ kind: 'done', value: { id } });
  for (const until of [UNTIL, null]) {
    expect(await grafana.update(id, annotation({ until, text: 'a < b' }))).toEqual({ kind: 'done', value: null });
    expect(await shown()).toMatchObject([
      { time: Date.parse(FROM), timeEnd: Date.parse(until ?? FROM), text: 'a &lt; b', tags: annotation().tags },
    ]);
  }
  expect(await grafana.update('999', annotation())).toMatchObject({ kind: 'refused', code: 'not_found' });
});

test('a long note is cut at the end of what fits, and its links stay whole', async () => {
  const standIns = await start();
  const note = ['a'.repeat(TEXT_MAX_CHARS - 3), { url: 'https://ci.acme.test/?a=1&b="', text: 'run 7' }, ' <b>'];
  await at(standIns.urls.grafana).create(annotation({ note }));
  const answer = await fetch(`${standIns.urls.grafana}/api/annotations`, { headers: { authorization: 'Bearer x' } });
  const [{ text }] = (await answer.json()) as [{ text: string }];
  expect(text).toMatch(/a<a href="https:\/\/ci\.acme\.test\/\?a=1&amp;b=&quot;">ru…<\/a>$/);
});

describe('each call', () => {
  respondsAsAgreed({
    read: { find: (url) => at(url).find('firebreak:01TEST') },
    write: {
      create: (url) => at(url).create(annotation()),
      update: (url) => at(url).update('1', annotation()),
    },
  });

  test.each([
    [
      'annotations-unauthorized',
      { kind: 'refused', code: 'unauthorized', detail: 'Grafana answered 401: Invalid API key' },
    ],
    [
      'annotations-forbidden',
      {
        kind: 'refused',
        code: 'forbidden',
        detail:
          "Grafana answered 403: You'll need additional permissions to perform this action. Permissions needed: annotations:create",
      },
    ],
  ])('with the response %s reports its message', async (name, expected) => {
    const { url } = await vendor(recorded(`grafana/${name}`));
    expect(await at(url).create(annotation())).toEqual(expected);
  });

  test('without a URL or a token is off', async () => {
    const { url, received } = await vendor({});
    expect(await at(undefined).create(annotation())).toEqual({
      kind: 'off',
      detail: 'annotations are off: GRAFANA_URL is not set',
    });
    expect(await at(url, '').find('a')).toEqual({
      kind: 'off',
      detail: 'annotations are off: GRAFANA_TOKEN is not set',
    });
    expect(received).toEqual([]);
  });
});

describe('an annotation', () => {
  test('is created as a point in time', async () => {
    const { url, received } = await vendor(recorded('grafana/annotations-create'));
    expect(await at(`${url}/`).create(annotation())).toEqual({ kind: 'done', value: { id: '1' } });
    expect(received).toMatchObject([
      {
        method: 'POST',
        path: '/api/annotations',
        headers: { authorization: 'Bearer glsa_test_dev', 'content-type': 'application/json' },
      },
    ]);
    expect(sent(received)).toEqual([
      {
        time: Date.parse(FROM),
        timeEnd: Date.parse(FROM),
        tags: ['firebreak:01TEST', 'rollback', 'service:checkout'],
        text: 'Rollback of checkout',
      },
    ]);
  });

  test('is created as a region', async () => {
    const { url, received } = await vendor(recorded('grafana/annotations-create-region'));
    expect(await at(url).create(annotation({ until: UNTIL }))).toEqual({ kind: 'done', value: { id: '2' } });
    expect(sent(received)).toMatchObject([{ time: Date.parse(FROM), timeEnd: Date.parse(UNTIL) }]);
  });

  test('is updated completely', async () => {
    const { url, received } = await vendor(recorded('grafana/annotations-patch'));
    expect(await at(url).update('1', annotation({ until: UNTIL, text: 'Rollback finished' }))).toEqual({
      kind: 'done',
      value: null,
    });
    expect(received).toMatchObject([{ method: 'PATCH', path: '/api/annotations/1' }]);
    expect(sent(received)).toMatchObject([
      { time: Date.parse(FROM), timeEnd: Date.parse(UNTIL), text: 'Rollback finished', tags: annotation().tags },
    ]);
  });

  test('escapes HTML in text from other sources', async () => {
    const { url, received } = await vendor(recorded('grafana/annotations-create'));
    await at(url).create(annotation({ text: '<a href="https://evil.test">5xx</a> > 5 & rising\nsince noon' }));
    expect(sent(received)).toMatchObject([
      { text: '&lt;a href="https://evil.test"&gt;5xx&lt;/a&gt; &gt; 5 &amp; rising<br>since noon' },
    ]);
  });

  test.each([
    [TEXT_MAX_CHARS, 'ü'.repeat(TEXT_MAX_CHARS)],
    [TEXT_MAX_CHARS + 1, `${'ü'.repeat(TEXT_MAX_CHARS - 1)}…`],
  ])('with a text of %i characters is short enough', async (length, expected) => {
    const { url, received } = await vendor(recorded('grafana/annotations-create'));
    await at(url).create(annotation({ text: 'ü'.repeat(length) }));
    expect(sent(received)).toMatchObject([{ text: expected }]);
  });

  test.each<[string, string[], string[]]>([
    ['as they are', ['incident', 'service:checkout'], ['incident', 'service:checkout']],
    ['each once, and trimmed', [' incident', 'incident', 'service : checkout', ''], ['incident', 'service:checkout']],
    [
      'with one colon, since Grafana drops what follows a second',
      ['firebreak:01TEST:deploy:1'],
      ['firebreak:01TEST/deploy/1'],
    ],
    [
      'in parts of 100 bytes and whole characters',
      [`${'k'.repeat(101)}:x${'🙂'.repeat(25)}`],
      [`${'k'.repeat(100)}:x${'🙂'.repeat(24)}`],
    ],
  ])('has its tags %s', async (_, tags, expected) => {
    const { url, received } = await vendor(recorded('grafana/annotations-create'));
    await at(url).create(annotation({ tags }));
    expect(sent(received)).toMatchObject([{ tags: expected }]);
  });

  test('has as many tags as fit, in order', async () => {
    const { url, received } = await vendor(recorded('grafana/annotations-create'));
    const tags = ['firebreak:01TEST', ...Array.from({ length: 9 }, (_, index) => `${index}`.repeat(80)), 'incident'];
    await at(url).create(annotation({ tags }));
    expect(sent(received)).toMatchObject([{ tags: [...tags.slice(0, 6), 'incident'] }]);
    expect(Buffer.byteLength(JSON.stringify([...tags.slice(0, 6), 'incident']))).toBeLessThanOrEqual(TAGS_MAX_BYTES);
  });
});

describe('a search for an annotation', () => {
  const found = (...all: { id: number; tags: string[] | null }[]) => ({ body: JSON.stringify(all) });

  test('finds the newest one with the tag', async () => {
    const { url, received } = await vendor(recorded('grafana/annotations-find'));
    expect(await at(url).find('service:checkout-api')).toEqual({ kind: 'done', value: { id: '1' } });
    const asked = new URL(received[0]?.path ?? '', url);
    expect([asked.pathname, Object.fromEntries(asked.searchParams)]).toEqual([
      '/api/annotations',
      { type: 'annotation', tags: 'service:checkout-api', limit: '100' },
    ]);
  });

  test('matches the exact tag, although Grafana also returns tags with a value', async () => {
    const { url } = await vendor(found({ id: 3, tags: ['incident:2'] }, { id: 2, tags: ['x', 'incident'] }));
    expect(await at(url).find('incident')).toEqual({ kind: 'done', value: { id: '2' } });
  });

  test('uses the tag as Grafana stores it', async () => {
    const { url, received } = await vendor(found({ id: 3, tags: ['firebreak:01TEST/deploy'] }));
    expect(await at(url).find('firebreak:01TEST:deploy')).toEqual({ kind: 'done', value: { id: '3' } });
    expect(new URL(received[0]?.path ?? '', url).searchParams.get('tags')).toBe('firebreak:01TEST/deploy');
  });

  test.each([
    ['none', found()],
    ['others', found({ id: 1, tags: ['incident:1'] }, { id: 2, tags: null })],
  ])('finds nothing with %s', async (_, reply) => {
    const { url } = await vendor(reply);
    expect(await at(url).find('incident')).toEqual({ kind: 'done', value: null });
  });

  test("doesn't use a response that is not a list", async () => {
    const { url } = await vendor({ body: '<html>please log in</html>' });
    expect(await at(url).find('incident')).toMatchObject({ kind: 'refused', code: 'unreadable' });
  });
});
