import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alert, group, minutesAgo } from '../../../support/alerts.ts';
import { Firebreak, INGEST_TOKEN } from '../../../support/firebreak.ts';
import { routed, seen } from '../../../support/fixtures.ts';

let firebreak: Firebreak;
beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    services: { bare: null },
    timeScale: 1,
    configFiles: { 'routes.yaml': 'unmatchedIncidents: 100\n' },
  });
});
afterAll(() => firebreak.remove());

const PATH = '/v1/alerts/alertmanager';

/** Sends invalid bytes. */
async function sendRaw(
  body: string | Uint8Array<ArrayBuffer>,
  { path = PATH, type = 'application/json', encoding = '' }: { path?: string; type?: string; encoding?: string } = {},
): Promise<{ status: number; body: any; headers: Headers }> {
  const headers = {
    authorization: `Bearer ${INGEST_TOKEN}`,
    ...(type === '' ? {} : { 'content-type': type }),
    ...(encoding === '' ? {} : { 'content-encoding': encoding }),
  };
  const answer = await fetch(`${firebreak.url}${path}`, {
    method: 'POST',
    headers,
    body: Buffer.from(body),
    redirect: 'manual',
  });
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

/** Returns the quarantine ID in the response. */
const kept = (answer: { body: any }): string =>
  /kept in quarantine as (q_[0-9a-f]{32})/.exec(answer.body.detail)?.[1] ?? '';

const entry = async (id: string) => (await firebreak.get(`/v1/quarantine/${id}`)).body;
const bytesOf = ({ body }: { body: string }) => Buffer.from(body, 'base64');

/** Returns the entry that was not in the list before. */
async function newEntries(act: () => Promise<unknown>): Promise<any[]> {
  const ids = async () =>
    (await firebreak.get('/v1/quarantine?limit=500')).body.items.map(({ id }: { id: string }) => id);
  const before = new Set(await ids());
  await act();
  return Promise.all((await ids()).filter((id: string) => !before.has(id)).map(entry));
}

/** A group of arbitrary items, valid alerts or not. */
const groupOf = (items: readonly unknown[], more: object = {}) => JSON.stringify(group(items as object[], more));

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('an unreadable body is refused with the reason and kept in quarantine', () => {
  test.each([
    ['an empty body', '', 400, 'not-json'],
    ['truncated JSON', '{"version":"4","alerts":[', 400, 'not-json'],
    ['HTML', '<html>', 400, 'not-json'],
    ['an emoji where JSON is expected', '{"a":😀', 400, 'not-json'],
    ['null', 'null', 422, 'wrong-shape'],
    ['a list', '[]', 422, 'wrong-shape'],
    ['a text', '"alerts"', 422, 'wrong-shape'],
    ['an empty object', '{}', 422, 'wrong-shape'],
    ['no alerts', '{"version":"4"}', 422, 'wrong-shape'],
    ['alerts that are not a list', '{"version":"4","alerts":{"a":1}}', 422, 'wrong-shape'],
    ['an invalid count', '{"version":"4","alerts":[],"truncatedAlerts":-1}', 422, 'wrong-shape'],
    ['no version', '{"alerts":[]}', 422, 'unknown-version'],
    ['version 3', '{"version":"3","alerts":[]}', 422, 'unknown-version'],
    ['a number as the version', '{"version":4,"alerts":[]}', 422, 'unknown-version'],
    ['a deeply nested version', `{"version":${nested(200_000)},"alerts":[]}`, 422, 'unknown-version'],
    ['deep nesting only', nested(300_000), 422, 'wrong-shape'],
    ['5,001 alerts', groupOf(Array.from({ length: 5001 }, () => ({}))), 413, 'too-many-alerts'],
  ])('%s', async (_, body, status, code) => {
    const answer = await sendRaw(body);
    expect(answer).toMatchObject({
      status,
      body: { status, code, title: expect.any(String), type: expect.any(String) },
    });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    const found = await entry(kept(answer));
    expect(found).toMatchObject({ source: 'alertmanager', status, count: 1, bytes: Buffer.byteLength(body) });
    expect(bytesOf(found).toString()).toBe(body);
  });

  test('a body that is not UTF-8', async () => {
    const bytes = Uint8Array.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]);
    const answer = await sendRaw(bytes);
    expect(answer).toMatchObject({ status: 400, body: { code: 'not-json' } });
    expect(bytesOf(await entry(kept(answer)))).toEqual(Buffer.from(bytes));
  });

  test.each([
    ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x04])],
    ['br', '!'],
  ])('a body that is encoded with %s', async (encoding, body) => {
    const answer = await sendRaw(body, { encoding });
    expect(answer).toMatchObject({
      status: 415,
      body: {
        code: 'unsupported-encoding',
        detail: expect.stringContaining(`Content-Encoding is ${encoding}; send the body uncompressed`),
      },
    });
    expect((await entry(kept(answer))).status).toBe(415);
  });

  test('a compressed body, with the fix', async () => {
    const answer = await sendRaw(gzipSync(groupOf([])));
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'not-json', detail: expect.stringMatching(/compressed.*send it uncompressed/) },
    });
  });

  test.each([['text/plain'], ['application/x-www-form-urlencoded'], ['application/jsonp'], ['tëxt/plain; q="ü"']])(
    'the content type %s',
    async (type) => {
      const body = groupOf([alert({ labels: { service: 'typed' }, fingerprint: type })]);
      const answer = await sendRaw(body, { type });
      expect(answer).toMatchObject({ status: 415, body: { code: 'not-json-content-type' } });
      expect(bytesOf(await entry(kept(answer))).toString()).toBe(body);
    },
  );

  test.each([['application/json; charset=utf-8'], ['application/vnd.alert+json'], ['']])(
    'but the content type "%s" is accepted',
    async (type) => {
      const body = groupOf([alert({ labels: { service: 'typed', severity: 'none', action: '' } })]);
      expect(await sendRaw(body, { type })).toMatchObject({ status: 202 });
    },
  );

  test('more than 4 MiB is refused, but exactly 4 MiB is accepted', async () => {
    const of = (bytes: number) => {
      const empty = JSON.stringify(group([], { pad: '' }));
      return JSON.stringify(group([], { pad: 'x'.repeat(bytes - empty.length) }));
    };
    const limit = 4 * 1024 * 1024;
    expect(await sendRaw(of(limit))).toMatchObject({ status: 202 });
    for (const bytes of [limit + 1, 7_000_000]) {
      const answer = await sendRaw(of(bytes));
      expect(answer).toMatchObject({ status: 413, body: { status: 413, code: 'body-too-large' } });
      expect(answer.headers.get('x-request-id')).toBe(answer.body.request_id);
    }
  });

  test.each([
    ['/v1/alerts/grafana', '{"version":"2","alerts":[]}', 'unknown-version'],
    ['/v1/alerts/generic', '{"service":"checkout"}', 'wrong-shape'],
    [
      '/v1/alerts/generic',
      '{"service":"\\ud800","environment":"p","severity":"page","title":"t","dedup_key":"k","status":"firing"}',
      'wrong-shape',
    ],
  ])('also at %s', async (path, body, code) => {
    const answer = await sendRaw(body, { path });
    expect(answer).toMatchObject({ status: 422, body: { code } });
    expect(bytesOf(await entry(kept(answer))).toString()).toBe(body);
  });

  test('the same bytes at another receiver are a separate entry, which is replayed for that receiver', async () => {
    const { body } = await firebreak.post('/v1/tokens', { name: 'cd', actions: ['rollback:request', 'alerts:write'] });
    const answers = [];
    for (const path of [PATH, '/api/v1/rollback']) {
      answers.push(await firebreak.request('POST', path, '{"version":"0"}', { authorization: `Bearer ${body.token}` }));
    }
    expect(new Set(answers.map(kept)).size).toBe(2);
  });

  test('the same bytes are kept once and counted', async () => {
    const answers = [];
    for (let n = 0; n < 3; n += 1) answers.push(await sendRaw('{"version":"4","alerts":"again"}'));
    const [id, ...others] = new Set(answers.map(kept));
    expect(others).toEqual([]);
    const found = await entry(id ?? '');
    expect(found).toMatchObject({ count: 3, replayed_at: null });
    expect(found.last_seen_at >= found.first_seen_at).toBe(true);
  });
});

describe('one bad alert does not affect the good ones', () => {
  const good = (service: string) => alert({ labels: { service }, fingerprint: service });
  const bad: [name: string, item: unknown][] = [
    ['null', null],
    ['a text', 'alert'],
    ['an empty object', {}],
    ['no status', { ...good('x'), status: undefined }],
    ['an unknown status', { ...good('x'), status: 'pending' }],
    ['no labels', { ...good('x'), labels: undefined }],
    ['a label that is a number', { ...good('x'), labels: { service: 1 } }],
    ['labels in a list', { ...good('x'), labels: ['service'] }],
    ['no start', { ...good('x'), startsAt: undefined }],
    ['an invalid start time', { ...good('x'), startsAt: 'yesterday' }],
    ['a start time without an offset', { ...good('x'), startsAt: '2026-11-20T06:43:40' }],
    ['a start time before year 0', { ...good('x'), startsAt: '0000-01-01T00:00:00+14:00' }],
    ['a start time after year 9999', { ...good('x'), startsAt: '9999-12-31T23:59:59-14:00' }],
    ['a fingerprint that is a number', { ...good('x'), fingerprint: 1 }],
    ['a fingerprint of 300 characters', { ...good('x'), fingerprint: 'f'.repeat(300) }],
  ];

  test.each(bad)('%s', async (name, item) => {
    const service = `beside ${name}`;
    let answer: { status: number; body: any } = { status: 0, body: null };
    const entries = await newEntries(async () => {
      answer = await sendRaw(groupOf([item, good(service)]));
    });
    expect(answer).toMatchObject({ status: 202, body: { accepted: 1, quarantined: 1 } });
    expect(entries).toMatchObject([{ status: 202, source: 'alertmanager', count: 1 }]);
    const body = JSON.parse(bytesOf(entries[0]).toString());
    expect(body).toMatchObject({ version: '4', groupKey: '{}:{}' });
    expect(body.alerts).toEqual([JSON.parse(JSON.stringify(item))]);
    expect(await routed(firebreak, answer)).toMatchObject({ opened: 1 });
  });

  test('an alert with unlimited nesting', async () => {
    const body = `{"version":"4","alerts":[{"labels":${nested(200_000)}},${JSON.stringify(good('beside depth'))}]}`;
    const answer = await sendRaw(body);
    expect(answer).toMatchObject({ status: 202, body: { accepted: 1, quarantined: 1 } });
    expect(await routed(firebreak, answer)).toMatchObject({ opened: 1 });
  });

  test('thousands of bad alerts in a large group are kept together without overhead', async () => {
    const pad = { commonAnnotations: { description: 'x'.repeat(1_000_000) } };
    let answer: { status: number; body: any } = { status: 0, body: null };
    const entries = await newEntries(async () => {
      answer = await sendRaw(groupOf([...Array.from({ length: 4000 }, (_, n) => n), good('after 4000')], pad));
    });
    expect(answer).toMatchObject({ status: 202, body: { accepted: 1, quarantined: 4000 } });
    expect(entries).toHaveLength(1);
    expect(JSON.parse(bytesOf(entries[0]).toString()).alerts).toHaveLength(4000);
    expect(entries[0].bytes).toBeLessThan(100_000);
  });
});

describe('replay', () => {
  const replay = (id: string) => firebreak.post(`/v1/quarantine/${id}/replay`);

  test('a body that had the wrong content type is parsed and opens its incident', async () => {
    const body = groupOf([alert({ labels: { service: 'replayed' }, fingerprint: 'replayed' })]);
    const id = kept(await sendRaw(body, { type: 'text/plain' }));
    const answer = await replay(id);
    expect(answer).toMatchObject({ status: 202, body: { accepted: 1, quarantined: 0, truncated: 0 } });
    expect(await routed(firebreak, answer)).toMatchObject({ opened: 1 });
    expect((await entry(id)).replayed_at).toMatch(/^\d{4}-\d{2}-\d{2}T[\d:]{8}\.\d{3}Z$/);

    // A second replay has no effect, because the episode is known.
    expect(await routed(firebreak, await replay(id))).toMatchObject({ opened: 0, known: 1 });
  });

  test('a body that still cannot be parsed stays, with the reason', async () => {
    const id = kept(await sendRaw('{"version":"4","alerts":"still"}'));
    expect(await replay(id)).toMatchObject({ status: 422, body: { code: 'wrong-shape' } });
    expect(await entry(id)).toMatchObject({ replayed_at: null });
  });

  test('the unreadable rest of a partly readable body stays', async () => {
    const alerts = ['a part', alert({ labels: { service: 'in part' }, fingerprint: 'in-part' })];
    const id = kept(await sendRaw(groupOf(alerts), { type: 'text/plain' }));
    const entries = await newEntries(async () => {
      expect(await replay(id)).toMatchObject({ status: 202, body: { accepted: 1, quarantined: 1 } });
    });
    expect(entries).toMatchObject([{ status: 415, replayed_at: null }]);
    expect(JSON.parse(bytesOf(entries[0]).toString()).alerts).toEqual(['a part']);
  });

  test('an unknown ID is refused', async () => {
    expect(await replay('q_nothing')).toMatchObject({ status: 404, body: { code: 'unknown-quarantine' } });
  });
});

test('the list is complete, newest first, even if counts change between pages', async () => {
  const { body } = await firebreak.get('/v1/quarantine?limit=500');
  const ids = body.items.map(({ id }: { id: string }) => id);
  expect(body.next_cursor).toBeNull();
  expect(ids.length).toBeGreaterThan(30);
  const firsts = body.items.map(({ first_seen_at }: { first_seen_at: string }) => first_seen_at);
  expect(firsts).toEqual(firsts.toSorted().toReversed());

  const turned: string[] = [];
  for (let path = '?limit=7'; path !== '';) {
    const { items, next_cursor } = (await firebreak.get(`/v1/quarantine${path}`)).body;
    turned.push(...items.map(({ id }: { id: string }) => id));
    await sendRaw('{"version":"4","alerts":"again"}'); // repeats an old entry
    path = next_cursor === null ? '' : `?limit=7&cursor=${next_cursor}`;
  }
  expect(turned).toEqual(ids);
});

describe('labels that Prometheus allows and other systems do not', () => {
  /** Returns the incident of the unmatched service whose title starts with this text. */
  const incidentOf = (title: string) =>
    seen(
      async () =>
        (await firebreak.get('/v1/incidents?limit=500')).body.items.find((one: any) => one.title.startsWith(title)),
      `an incident whose title begins with ${title.slice(0, 40)}`,
    );

  const LONG = '支付團隊'.repeat(75); // nine characters each in an encoded key
  const cases: [name: string, labels: Record<string, string>][] = [
    ['an environment of 300 characters', { service: 'bare', environment: 'e'.repeat(300) }],
    ['300 Chinese letters', { service: LONG, environment: LONG }],
    [
      '300 emoji, which truncation could split',
      { service: `x${'😀'.repeat(300)}`, environment: `y${'😀'.repeat(300)}` },
    ],
    ['control characters and noncharacters', { service: 'nul\u0000\uFFFE\uFFFF', 'na\u0000me\uFFFE': '\u0007' }],
    [
      'names of object properties',
      { service: 'constructor', environment: 'toString', constructor: 'a', hasOwnProperty: 'b' },
    ],
    ['an empty environment', { service: 'empty', environment: '', env: 'production' }],
    [
      '10,000 labels',
      Object.fromEntries([['service', 'many'], ...Array.from({ length: 10_000 }, (_, n) => [`label_${n}`, `${n}`])]),
    ],
  ];

  test.each(cases)('%s', async (name, labels) => {
    const answer = await sendRaw(groupOf([alert({ labels, fingerprint: name, annotations: { summary: name } })]));
    expect(answer).toMatchObject({ status: 202, body: { accepted: 1, quarantined: 0 } });
    expect(await routed(firebreak, answer)).toMatchObject({ opened: 1 });
  });

  test('a lone surrogate as a JSON escape', async () => {
    const text = groupOf([
      alert({
        labels: { service: 'HALF', environment: 'HALF' },
        fingerprint: 'HALF',
        annotations: { HALF: 'HALF', summary: 'HALF' },
      }),
    ]);
    const answer = await sendRaw(text.replaceAll('HALF', '\\ud83d'));
    expect(answer).toMatchObject({ status: 202, body: { accepted: 1 } });
    expect(await routed(firebreak, answer)).toMatchObject({ opened: 1 });
  });

  test('a label called __proto__', async () => {
    const text = groupOf([
      alert({ labels: { service: 'proto', PROTO: 'a label' }, fingerprint: 'proto', annotations: { PROTO: 'b' } }),
    ]);
    const answer = await sendRaw(text.replaceAll('PROTO', '__proto__'));
    expect(await routed(firebreak, answer)).toMatchObject({ opened: 1 });
    const { id } = await incidentOf('proto: ');
    const [signal] = (await firebreak.get(`/v1/incidents/${id}/signals`)).body.items;
    expect(signal.labels).toContainEqual(['__proto__', 'a label']);
    expect(signal.annotations).toContainEqual(['__proto__', 'b']);
  });

  test.each([
    ['annotations of 100 KB', { summary: 'large', a: 'a'.repeat(100_000), b: 'é'.repeat(50_000) }],
    ['an alert of 3 MB, most of it control characters', { summary: 'larger', description: '\u0001'.repeat(500_000) }],
    ['a title of 100 KB', { summary: `largest ${'t'.repeat(100_000)}` }],
  ])('%s', async (name, annotations) => {
    const labels = { service: name };
    const answer = await sendRaw(groupOf([alert({ labels, fingerprint: name, annotations })]));
    expect(answer).toMatchObject({ status: 202, body: { accepted: 1, quarantined: 0 } });
    expect(await routed(firebreak, answer)).toMatchObject({ opened: 1 });
    const one = await incidentOf(`${name}: ${annotations.summary.slice(0, 7).trim()}`);
    expect(one.title.length).toBeLessThan(2000);
    const [signal] = (await firebreak.get(`/v1/incidents/${one.id}/signals`)).body.items;
    expect(signal.blob).toMatch(/^signals\//); // the whole signal is stored elsewhere
  });

  test('nothing is blocked afterwards: alerts of the same services are processed at once', async () => {
    const services = ['bare', LONG, 'constructor', 'many', 'proto'];
    for (const service of services) {
      const fingerprint = `after ${service.slice(0, 20)}`;
      const more = alert({ labels: { service }, fingerprint, startsAt: minutesAgo(0) });
      const answer = await sendRaw(groupOf([more]));
      expect(await routed(firebreak, answer)).toMatchObject({ known: 0, recorded: 0 });
    }
    expect(firebreak.output).not.toMatch(/"message":"(signals could not be routed|a request failed)/);
  });
});
