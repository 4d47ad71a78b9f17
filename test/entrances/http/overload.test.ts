import { describe, expect, test } from 'vitest';
import type { Count } from '../../../core/domain/incidents/metrics.ts';
import type { Product } from '../../../functions/assembly/product.ts';
import { QuarantineFull } from '../../../core/domain/alerts/quarantine.ts';
import { DiskFailure } from '../../../platforms/sqlite/database.ts';
import { api } from '../../../entrances/http/app.ts';
import { alert, group } from '../../support/alerts.ts';
import { FakeWorld } from '../../support/fake-deps.ts';

const TOKEN = 'ingest';

/** The dependencies of the receivers, in memory and working, except for `broken`. */
function receivers(broken: Partial<Product>) {
  const queued: string[] = [];
  const kept: string[] = [];
  const deps: Product = {
    ...new FakeWorld().deps,
    secrets: { get: async (name) => (name === 'FIREBREAK_INGEST_TOKEN' ? TOKEN : undefined) },
    tokens: { ...new FakeWorld().deps.tokens, find: async () => undefined },
    queue: { sendAll: async (_, signals) => void queued.push(...signals.map(({ episode }) => episode)) },
    quarantine: { ...new FakeWorld().deps.quarantine, keep: async ({ detail }) => `q_${kept.push(detail)}` },
    ...broken,
  };
  return { app: api(deps), queued, kept };
}

const away = (what: string) => (): Promise<never> =>
  Promise.reject(Object.assign(new Error(`connect ECONNREFUSED ${what}`), { code: 'ECONNREFUSED' }));

const GOOD = JSON.stringify(group([alert()]));
const BAD = '{"version":"4"}';
const HALF = JSON.stringify(group([{}, alert()]));

describe('responds with 503 if alerts cannot be stored durably, so that the sender retries', () => {
  const { quarantine, tokens } = new FakeWorld().deps;
  test.each<[name: string, broken: Partial<Product>, body: string, token: string]>([
    ['the queue is unavailable', { queue: { sendAll: away('sqs') } }, GOOD, TOKEN],
    ['the quarantine is unavailable for a bad body', { quarantine: { ...quarantine, keep: away('s3') } }, BAD, TOKEN],
    ['the quarantine is unavailable for a bad alert', { quarantine: { ...quarantine, keep: away('s3') } }, HALF, TOKEN],
    ['the secrets are unavailable', { secrets: { get: away('ssm') } }, GOOD, TOKEN],
    ['the tokens are unavailable', { tokens: { ...tokens, find: away('dynamodb') } }, GOOD, 'another'],
    ['there is no configuration', { config: { current: away('s3'), problems: async () => [] } }, GOOD, TOKEN],
  ])('%s', async (_, broken, body, token) => {
    const { app, queued } = receivers(broken);
    for (const path of ['/v1/alerts/alertmanager', '/v1/alerts/grafana']) {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const answer = await app.request(path, { method: 'POST', headers, body });
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(await answer.text()).not.toMatch(/ECONNREFUSED|sqs|s3|ssm|dynamodb/); // no internal details
    }
    expect(queued).toEqual([]);
  });

  test('still refuses an unreadable body permanently while the queue is unavailable', async () => {
    const { app, kept } = receivers({ queue: { sendAll: away('sqs') } });
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    expect((await app.request('/v1/alerts/alertmanager', { method: 'POST', headers, body: BAD })).status).toBe(422);
    expect(kept).toHaveLength(1);
  });
});

test.each([
  ['the database', new DiskFailure({ name: 'Error', message: 'database or disk is full', code: 13 })],
  ['a blob', Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })],
])('says so if the disk has no room for %s', async (_, error) => {
  const full = (): Promise<never> => Promise.reject(error);
  const { app } = receivers({
    queue: { sendAll: full },
    secrets: { get: async () => TOKEN },
    tokens: { ...new FakeWorld().deps.tokens, list: full },
  });
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const alerts = await app.request('/v1/alerts/alertmanager', { method: 'POST', headers, body: GOOD });
  expect([alerts.status, await alerts.json()]).toEqual([
    503,
    expect.objectContaining({ code: 'not-durable', detail: expect.stringContaining('cannot write to its disk') }),
  ]);
  const tokens = await app.request('/v1/tokens', { headers });
  expect([tokens.status, await tokens.json()]).toEqual([
    503,
    expect.objectContaining({ code: 'unavailable', detail: expect.stringContaining('cannot write to its disk') }),
  ]);
});

test.each([
  ['a bad body', BAD],
  ['a bad alert beside a good one', HALF],
])('what is kept of %s has the status that was sent', async (_, body) => {
  const statuses: (number | null)[] = [];
  const { quarantine } = new FakeWorld().deps;
  const keep = async ({ status }: { status: number | null }) => `q_${statuses.push(status)}`;
  const { app } = receivers({ quarantine: { ...quarantine, keep } });
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const { status } = await app.request('/v1/alerts/alertmanager', { method: 'POST', headers, body });
  expect(statuses).toEqual([status]);
});

describe('with a full quarantine', () => {
  const full = () => Promise.reject(new QuarantineFull('alertmanager', 'alertmanager:ingest'));
  const { quarantine } = new FakeWorld().deps;
  const post = async (body: string, path = '/v1/alerts/alertmanager') => {
    const counted: Count[] = [];
    const counters = { add: async (more: Count[]) => void counted.push(...more), read: async () => [] };
    const { app, queued } = receivers({ quarantine: { ...quarantine, keep: full }, counters: counters });
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const answer = await app.request(path, { method: 'POST', headers, body });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown>, queued, counted };
  };
  const refused = { name: 'firebreak_quarantine_refused_total', labels: ['alertmanager'], by: 1 };

  test('a bad body gets the same status, the detail says that it was not kept, and it is counted', async () => {
    const { status, body, queued, counted } = await post(BAD);
    expect([status, queued]).toEqual([422, []]);
    expect(body['detail']).toContain('not kept, because the quarantine is full');
    expect(counted).toContainEqual(refused);
    expect(counted.filter(({ name }) => name === 'firebreak_alerts_quarantined_total')).toEqual([
      expect.objectContaining({ by: 0 }),
    ]);
  });

  test('good alerts beside a bad one are accepted', async () => {
    const { status, body, queued, counted } = await post(HALF);
    expect([status, queued.length]).toEqual([202, 1]);
    expect(body).toMatchObject({ accepted: 1, quarantined: 0, dropped: 1 });
    expect(counted).toContainEqual(refused);
  });
});

test('a burst of 10,000 alerts is accepted without a refusal', async () => {
  const { app, queued } = receivers({});
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const bodies = Array.from({ length: 100 }, (_, n) =>
    JSON.stringify(group(Array.from({ length: 100 }, (__, m) => alert({ fingerprint: `${n}-${m}` })))),
  );
  const answers = await Promise.all(
    bodies.map(async (body) => app.request('/v1/alerts/alertmanager', { method: 'POST', headers, body })),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  expect(queued).toHaveLength(10_000);
});
