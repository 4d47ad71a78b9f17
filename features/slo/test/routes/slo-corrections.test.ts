import { beforeEach, describe, expect, test } from 'vitest';
import { reportsHere } from '../../../../functions/assembly/reports.ts';
import type { Product } from '../../../../functions/assembly/product.ts';
import { api } from '../../../../entrances/http/app.ts';
import type { Api } from '../../../../entrances/http/endpoint.ts';
import type { TokenRecord } from '../../../../schemas/access/access.ts';
import { SloCorrection } from '../../schemas/slo-correction.ts';
import { availability, HOUR, MINUTE, NOON, SloWorld } from '../evaluation/world.ts';
import { tokenRecord } from '../../../../test/support/console-world.ts';
import { FakeWorld } from '../../../../test/support/fake-deps.ts';

const OUTAGE = { from: NOON, until: NOON + 2 * HOUR };
const PATH = '/v1/slos/checkout-availability/corrections';

let world: SloWorld;
let app: Api;
let mine: Pick<TokenRecord, 'services' | 'environments' | 'actions'>;

beforeEach(async () => {
  world = await SloWorld.open(availability());
  world.requests(10, OUTAGE);
  world.at(OUTAGE.until);
  mine = { actions: ['slos:read', 'slos:write', 'metrics:read'], services: null, environments: null };
  const token = () => tokenRecord('ada', [], mine);
  const fake = new FakeWorld().deps;
  const deps: Product = {
    ...fake,
    ...world.deps,
    ...world.stores,
    clock: world.stores.clock,
    reports: reportsHere(() => deps),
    secrets: { get: async () => undefined },
    tokens: Object.assign(Object.create(world.stores.tokens) as Product['tokens'], {
      find: async () => token(),
    }),
    drills: Object.assign({}, fake.drills, { proved: async () => [] }),
  };
  app = api(deps);
});

async function send(method: string, path: string, json?: unknown, headers: Record<string, string> = {}) {
  const response = await app.request(path, {
    method,
    headers: { authorization: 'Bearer token', 'content-type': 'application/json', ...headers },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  });
  const text = await response.text();
  return { status: response.status, text, body: text.startsWith('{') ? JSON.parse(text) : undefined };
}

const LOAD_TEST = {
  category: 'load_test',
  reason: 'Rehearsal of Black Friday',
  starts_at: '2026-11-20T12:00:00Z',
  ends_at: '2026-11-20T14:00:00Z',
};

describe('a correction', () => {
  test('changes the budget from the next evaluation on, and both values are shown', async () => {
    const evaluator = world.evaluator();
    await world.evaluate(evaluator);
    const { status, body } = await send('POST', PATH, LOAD_TEST);
    expect(status).toBe(201);
    expect(SloCorrection.parse(body)).toEqual(body);
    expect(body).toMatchObject({
      id: expect.stringMatching(/^cor_/),
      slo: 'checkout-availability',
      created_by: 'ada',
      withdrawn_at: null,
      rrule: null,
    });

    await world.evaluateUntil(world.now + MINUTE, MINUTE, evaluator);
    const { body: one } = await send('GET', '/v1/slos/checkout-availability');
    expect(one.budget_remaining).toBe(1);
    expect(one.corrected.uncorrected.budget.remaining).toBeCloseTo(-1.976, 2);
    expect(one.corrected.uncorrected.burn_rates['6h']).toBeGreaterThan(300);
    expect(one.corrected.corrections).toMatchObject([{ id: body.id, reason: LOAD_TEST.reason, created_by: 'ada' }]);
    const [today] = one.history.slice(-1);
    expect([today.budget_remaining, today.errors]).toEqual([1, 0]);
    expect(today.uncorrected_budget_remaining).toBeCloseTo(-1.976, 2);
    expect(today.excluded).toBeGreaterThan(0.14);
    expect((await send('GET', '/v1/slos')).body.items[0].corrected).toEqual(one.corrected);
    expect((await send('GET', '/metrics')).text).toMatch(
      /^firebreak_slo_uncorrected_budget_remaining_ratio\{.*\} -1\.97/m,
    );
  });

  test('is recorded once for an Idempotency-Key, listed, and withdrawn without a trace lost', async () => {
    const key = { 'idempotency-key': 'rehearsal' };
    const first = await send('POST', PATH, LOAD_TEST, key);
    const again = await send('POST', PATH, LOAD_TEST, key);
    expect([again.status, again.body.id]).toEqual([201, first.body.id]);
    world.at(world.now + MINUTE);
    const second = await send('POST', PATH, { ...LOAD_TEST, rrule: 'FREQ=WEEKLY', time_zone: 'Europe/Berlin' });
    expect(second.body).toMatchObject({ rrule: 'FREQ=WEEKLY', time_zone: 'Europe/Berlin' });

    const withdrawn = await send('DELETE', `${PATH}/${first.body.id}`);
    expect([withdrawn.status, withdrawn.body.withdrawn_by]).toEqual([200, 'ada']);
    expect((await send('DELETE', `${PATH}/${first.body.id}`)).body).toEqual(withdrawn.body);
    const page = await send('GET', `${PATH}?limit=1`);
    expect(page.body.items).toEqual([second.body]);
    const rest = await send('GET', `${PATH}?limit=1&cursor=${page.body.next_cursor}`);
    expect(rest.body).toEqual({ items: [withdrawn.body], next_cursor: null });
  });

  test('is previewed with the values now, with it, and without any, and nothing is recorded', async () => {
    const evaluator = world.evaluator();
    await world.evaluate(evaluator);
    const { status, body } = await send('POST', `${PATH}/preview`, LOAD_TEST);
    expect([status, body.present]).toEqual([200, body.uncorrected]);
    expect(body.present.budget.remaining).toBeCloseTo(-1.976, 2);
    expect(body.corrected.budget.remaining).toBe(1);
    expect(body.corrected.burn_rates['6h']).toBe(0);
    expect(body).toMatchObject({ past_periods: 1, next_periods: [], excluded_seconds: 7200 });
    expect((await send('GET', PATH)).body.items).toEqual([]);

    // The same numbers as the evaluation finds.
    await send('POST', PATH, LOAD_TEST);
    await world.evaluateUntil(world.now + MINUTE, MINUTE, evaluator);
    const { body: after } = await send('GET', '/v1/slos/checkout-availability');
    expect(after.budget_remaining).toBe(body.corrected.budget.remaining);
    expect(after.corrected.uncorrected.budget.remaining).toBeCloseTo(body.uncorrected.budget.remaining, 6);
    const again = (await send('POST', `${PATH}/preview`, LOAD_TEST)).body;
    expect([again.present, again.excluded_seconds]).toEqual([again.corrected, 0]);

    // The clocks go forward on 2027-03-28 in Berlin, so 13:00 there is an hour earlier in UTC.
    const spring = {
      ...LOAD_TEST,
      starts_at: '2027-03-20T13:00:00+01:00',
      ends_at: '2027-03-20T14:00:00+01:00',
      rrule: 'FREQ=WEEKLY;BYDAY=SA,SU',
      time_zone: 'Europe/Berlin',
    };
    const { next_periods: next } = (await send('POST', `${PATH}/preview`, spring)).body;
    expect(next.map((one: { starts_at: string }) => one.starts_at.slice(0, 16))).toEqual([
      '2027-03-20T12:00',
      '2027-03-21T12:00',
      '2027-03-27T12:00',
    ]);
    const sunday = { ...spring, starts_at: '2027-03-27T13:00:00+01:00', ends_at: '2027-03-27T14:00:00+01:00' };
    expect((await send('POST', `${PATH}/preview`, sunday)).body.next_periods[1]).toEqual({
      starts_at: '2027-03-28T11:00:00.000Z',
      ends_at: '2027-03-28T12:00:00.000Z',
    });
  });

  test('that runs or recurs is ended with a reason, and others are not', async () => {
    const { body: over } = await send('POST', PATH, LOAD_TEST);
    const daily = await send('POST', PATH, { ...LOAD_TEST, rrule: 'FREQ=DAILY' });
    const ending = { reason: 'No more rehearsals' };
    expect(await send('POST', `${PATH}/${over.id}/end`, ending)).toMatchObject({
      status: 409,
      body: { code: 'correction-not-running', detail: expect.stringContaining('already over') },
    });
    const { body: ended } = await send('POST', `${PATH}/${daily.body.id}/end`, ending);
    expect(ended).toMatchObject({ ended_by: 'ada', end_reason: ending.reason, withdrawn_at: null });
    const { body: future } = await send('POST', PATH, {
      ...LOAD_TEST,
      starts_at: '2026-11-21T12:00:00Z',
      ends_at: '2026-11-21T13:00:00Z',
    });
    expect((await send('POST', `${PATH}/${future.id}/end`, {})).body.detail).toContain('has not started');
    expect((await send('POST', `${PATH}/cor_9/end`, {})).status).toBe(404);
    const gone = await send('DELETE', `${PATH}/${future.id}?reason=Wrong%20day`);
    expect(gone.body).toMatchObject({ withdrawn_by: 'ada', withdraw_reason: 'Wrong day' });
    expect(await send('POST', `${PATH}/${future.id}/end`, ending)).toMatchObject({
      status: 409,
      body: { code: 'correction-not-running', detail: expect.stringContaining('is withdrawn') },
    });
    expect((await send('POST', `${PATH}/${daily.body.id}/end`, ending)).body).toEqual(ended);
  });

  test.each([
    ['without a reason', { ...LOAD_TEST, reason: undefined }],
    ['with an empty reason', { ...LOAD_TEST, reason: ' ' }],
    ['with an invisible reason', { ...LOAD_TEST, reason: '\u200b' }],
    ['with an unknown category', { ...LOAD_TEST, category: 'bad_luck' }],
    ['that ends before it starts', { ...LOAD_TEST, ends_at: '2026-11-20T11:00:00Z' }],
    ['of two months', { ...LOAD_TEST, ends_at: '2027-01-20T11:00:00Z' }],
    ['with a rule that never applies', { ...LOAD_TEST, rrule: 'FREQ=DAILY;UNTIL=20200101' }],
    ['with unknown keys', { ...LOAD_TEST, service: 'checkout' }],
    ['of years ago', { ...LOAD_TEST, starts_at: '2024-11-20T11:00:00Z', ends_at: '2024-11-20T12:00:00Z' }],
    ['in years', { ...LOAD_TEST, starts_at: '2028-11-20T11:00:00Z', ends_at: '2028-11-20T12:00:00Z' }],
  ])('%s is refused', async (_, json) => {
    const { status, body } = await send('POST', PATH, json);
    expect([status, body.status]).toEqual([422, 422]);
    expect(await world.deps.sloCorrections.activeOf(availability().id)).toEqual([]);
  });

  test('of an unknown objective, or with an unknown ID, is not found', async () => {
    const other = '/v1/slos/other/corrections';
    const all = [send('POST', other, LOAD_TEST), send('GET', other), send('DELETE', `${other}/cor_1`)];
    expect((await Promise.all(all)).map(({ status }) => status)).toEqual([404, 404, 404]);
    expect((await send('DELETE', `${PATH}/cor_1`)).status).toBe(404);
  });

  test('is refused if a hundred are in effect', async () => {
    const { body } = await send('POST', PATH, LOAD_TEST);
    for (let n = 1; n < 100; n++) await world.deps.sloCorrections.record({ ...body, id: `cor_${n}` });
    expect((await send('POST', PATH, LOAD_TEST)).status).toBe(409);
    await send('DELETE', `${PATH}/${body.id}`);
    expect((await send('POST', PATH, LOAD_TEST)).status).toBe(201);
  });

  test('requires permission for the service of the objective', async () => {
    mine.services = ['search'];
    expect((await send('POST', PATH, LOAD_TEST)).status).toBe(403);
    expect((await send('GET', PATH)).status).toBe(403);
    mine = { ...mine, services: null, actions: ['slos:read'] };
    expect((await send('POST', PATH, LOAD_TEST)).status).toBe(403);
    expect((await send('DELETE', `${PATH}/cor_1`)).status).toBe(403);
    expect((await send('POST', `${PATH}/preview`, LOAD_TEST)).status).toBe(403);
    expect((await send('POST', `${PATH}/cor_1/end`, {})).status).toBe(403);
    expect((await send('GET', PATH)).body).toEqual({ items: [], next_cursor: null });
  });
});
