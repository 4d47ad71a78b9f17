import { beforeEach, describe, expect, test } from 'vitest';
import { api } from '../../../../entrances/http/app.ts';
import type { Api } from '../../../../entrances/http/endpoint.ts';
import { reportsHere } from '../../../../functions/assembly/reports.ts';
import type { Product } from '../../../../functions/assembly/product.ts';
import type { TokenRecord } from '../../../../schemas/access/access.ts';
import { SloView } from '../../schemas/slo-view.ts';
import { availability, DAY, HOUR, MINUTE, NOON, SloWorld } from '../evaluation/world.ts';
import { tokenRecord } from '../../../../test/support/console-world.ts';
import { FakeWorld } from '../../../../test/support/fake-deps.ts';
import { freeze } from '../../../freeze/test/freezes-support.ts';

const OUTAGE = { from: NOON, until: NOON + 2 * HOUR };

let world: SloWorld;
let app: Api;
let mine: Pick<TokenRecord, 'services' | 'environments' | 'actions'>;

beforeEach(async () => {
  world = await SloWorld.open(availability());
  world.requests(10, OUTAGE);
  mine = { actions: ['slos:read', 'metrics:read'], services: null, environments: null };
  const token = () => tokenRecord('reader', [], mine);
  const fake = new FakeWorld().deps;
  const deps: Product = {
    ...fake,
    ...world.deps,
    ...world.stores,
    clock: world.stores.clock,
    reports: reportsHere(() => deps),
    secrets: { get: async () => undefined },
    tokens: Object.assign(Object.create(world.stores.tokens) as Product['tokens'], { find: async () => token() }),
    drills: Object.assign({}, fake.drills, { proved: async () => [] }),
  };
  app = api(deps);
});

async function get(path: string): Promise<{ status: number; body: any; text: string }> {
  const response = await app.request(path, { headers: { authorization: 'Bearer token' } });
  const text = await response.text();
  return { status: response.status, text, body: text.startsWith('{') ? JSON.parse(text) : undefined };
}

/** A view with exactly the documented keys. */
const view = (body: unknown) => {
  expect(Object.keys(body as object).toSorted()).toEqual(Object.keys(SloView.shape).toSorted());
  return SloView.parse(body);
};

describe('an objective', () => {
  test('without an evaluation is shown without values', async () => {
    const { status, body } = await get('/v1/slos/checkout-availability');
    expect(status).toBe(200);
    expect(view(body)).toEqual({
      id: 'checkout-availability',
      name: 'Checkout',
      description: '',
      service: 'checkout',
      environment: 'production',
      objective: 0.999,
      window: {
        kind: 'rolling',
        days: 28,
        unit: null,
        count: null,
        time_zone: null,
        from: '2026-10-23T12:00:00.000Z',
        until: '2026-11-20T12:00:00.000Z',
        text: '28 days',
      },
      budget_remaining: null,
      spent_at_least: null,
      coverage: null,
      events: null,
      errors: null,
      significant: null,
      corrected: null,
      state: 'unreadable',
      problem: expect.stringContaining('not been evaluated yet'),
      burn_rates: { '5m': null, '30m': null, '1h': null, '2h': null, '6h': null, '1d': null, '3d': null },
      burning: [],
      forecast: {
        spent_at: null,
        warns_at: null,
        freezes_at: null,
        burns_at: null,
        warning_ends_at: null,
        lifts_at: null,
        lifts_at_present_burn: null,
      },
      untouched: null,
      data_at: null,
      evaluated_at: null,
      stale: true,
      source: null,
      frozen_by: [],
      history: expect.any(Array),
    });
    expect(view(body).history.every(({ budget_remaining: left, coverage }) => left === null && coverage === 0)).toBe(
      true,
    );
  });

  test('shows its budget, its freezes, and its history', async () => {
    const evaluator = world.evaluator();
    world.at(OUTAGE.until + 10 * HOUR);
    await world.evaluate(evaluator);
    await world.evaluateUntil(OUTAGE.until + 3 * DAY, 12 * HOUR, evaluator);
    const { body } = await get('/v1/slos/checkout-availability');
    const shown = view(body);
    expect(shown).toMatchObject({ state: 'ok', problem: null, coverage: 1, events: 24_192_000, errors: 72_000 });
    expect(shown.budget_remaining).toBeCloseTo(-1.976, 3);
    expect(shown.burn_rates).toMatchObject({ '5m': 0, '3d': 0 });
    expect(shown.frozen_by).toEqual(
      (await world.freezes()).filter(({ cause }) => cause === 'budget').map(({ id }) => id),
    );
    expect([shown.stale, shown.source, shown.evaluated_at]).toEqual([false, 'own', '2026-11-23T14:00:00.000Z']);

    const days = shown.history;
    expect(days).toHaveLength(29);
    expect(days.map(({ at }) => at).slice(0, 2)).toEqual(['2026-10-27T00:00:00.000Z', '2026-10-28T00:00:00.000Z']);
    expect(days.at(-1)?.at).toBe('2026-11-23T14:00:00.000Z');
    // The first windows have no data.
    expect(days[0]).toMatchObject({ budget_remaining: null, events: 864_000, errors: 0, coverage: 1 });
    const outage = days.find(({ at }) => at === '2026-11-21T00:00:00.000Z');
    expect(outage).toMatchObject({ events: 864_000, errors: 72_000, coverage: 1 });
    expect(outage?.budget_remaining).toBeCloseTo(-1.976, 3);
    expect(days.find(({ at }) => at === '2026-11-20T00:00:00.000Z')).toMatchObject({ budget_remaining: 1, errors: 0 });
  });

  test('is stale if its data is older than the policy allows', async () => {
    await world.evaluate(world.evaluator());
    world.at(NOON + 10 * MINUTE);
    expect((await get('/v1/slos/checkout-availability')).body.stale).toBe(false);
    world.at(NOON + 11 * MINUTE);
    expect((await get('/v1/slos/checkout-availability')).body.stale).toBe(true);
  });

  test('with a calendar window shows its period', async () => {
    const window = {
      kind: 'calendar',
      unit: 'month',
      count: 1,
      timeZone: 'Europe/Berlin',
      start: '2026-01-01T00:00:00',
    };
    world.objectives(availability({ window }));
    await world.evaluate(world.evaluator());
    const shown = view((await get('/v1/slos/checkout-availability')).body);
    expect(shown.window).toEqual({
      kind: 'calendar',
      days: null,
      unit: 'month',
      count: 1,
      time_zone: 'Europe/Berlin',
      from: '2026-10-31T23:00:00.000Z',
      until: '2026-11-30T23:00:00.000Z',
      text: 'a calendar month',
    });
    expect(shown.history).toHaveLength(21);
  });

  test('that is not configured any more is not found', async () => {
    expect(await get('/v1/slos/search')).toMatchObject({ status: 404, body: { code: 'unknown-slo' } });
    await world.evaluate(world.evaluator());
    world.objectives();
    expect(await get('/v1/slos/checkout-availability')).toMatchObject({ status: 404 });
    expect((await get('/v1/slos')).body).toEqual({ items: [], next_cursor: null });
  });

  test('of a service that the caller may not see is not shown', async () => {
    world.objectives(availability(), availability({ id: 'search', service: 'search' }));
    mine.services = ['search'];
    expect((await get('/v1/slos/checkout-availability')).status).toBe(403);
    expect((await get('/v1/slos/search')).status).toBe(200);
    expect((await get('/v1/slos')).body.items.map(({ id }: SloView) => id)).toEqual(['search']);
    mine.actions = ['incidents:read'];
    expect((await get('/v1/slos')).status).toBe(403);
  });
});

describe('the list', () => {
  beforeEach(() => {
    const environments = ['production', 'staging'];
    const many = Array.from({ length: 12 }, (_, n) =>
      availability({ id: `objective-${n}`, service: `service-${n % 3}`, environment: environments[n % 2] }),
    );
    world.objectives(...many);
  });

  const ids = (body: { items: SloView[] }): string[] => body.items.map(({ id }) => id);

  test('is sorted by service, environment, and ID, in pages', async () => {
    const whole = (await get('/v1/slos')).body;
    expect(whole.next_cursor).toBeNull();
    expect(whole.items.map(({ service, environment, id }: SloView) => `${service} ${environment} ${id}`)).toEqual(
      whole.items.map(({ service, environment, id }: SloView) => `${service} ${environment} ${id}`).toSorted(),
    );
    const pages: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body } = await get(`/v1/slos?limit=5${cursor === '' ? '' : `&cursor=${cursor}`}`);
      expect(body.items.length).toBeLessThanOrEqual(5);
      pages.push(...ids(body));
      cursor = body.next_cursor;
    }
    expect(pages).toEqual(ids(whole));
  });

  test('can be filtered by service or environment', async () => {
    expect(ids((await get('/v1/slos?service=service-1')).body)).toHaveLength(4);
    expect(ids((await get('/v1/slos?service=service-1&environment=staging')).body)).toEqual([
      'objective-1',
      'objective-7',
    ]);
  });

  test.each([
    'nonsense',
    ...['a', 'no\u0000such\u0000objective'].map((text) => Buffer.from(text).toString('base64url')),
  ])('refuses the cursor %s', async (cursor) => {
    expect(await get(`/v1/slos?cursor=${cursor}`)).toMatchObject({ status: 400, body: { code: 'bad-cursor' } });
  });
});

describe('/metrics', () => {
  const lines = async (name: string): Promise<string[]> =>
    (await get('/metrics')).text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));

  test('has known budgets, coverage, and burn rates', async () => {
    expect(await lines('firebreak_slo_evaluation_timestamp_seconds')).toEqual([]);
    const search = availability({
      id: 'search',
      service: 'search',
      indicator: { kind: 'threshold', query: 'latency', op: 'lt', value: 1 },
    });
    world.objectives(availability(), search);
    world.at(OUTAGE.until);
    await world.evaluate(world.evaluator());
    const of = 'slo="checkout-availability",service="checkout",environment="production"';
    expect(await lines('firebreak_slo_budget_remaining_ratio')).toEqual([
      expect.stringMatching(new RegExp(`^firebreak_slo_budget_remaining_ratio\\{${of}\\} -1\\.976`)),
    ]);
    expect(await lines('firebreak_slo_coverage_ratio')).toEqual([
      `firebreak_slo_coverage_ratio{${of}} 1`,
      'firebreak_slo_coverage_ratio{slo="search",service="search",environment="production"} 0',
    ]);
    const rates = await lines('firebreak_slo_burn_rate');
    expect(rates).toHaveLength(7);
    expect(rates).toContain(`firebreak_slo_burn_rate{${of},window="1h"} 1000`);
    expect(await lines('firebreak_slo_evaluation_timestamp_seconds')).toEqual([
      `firebreak_slo_evaluation_timestamp_seconds ${OUTAGE.until / 1000}`,
    ]);
  });

  test('counts freezes in force by scope and cause', async () => {
    world.at(OUTAGE.until);
    await world.evaluate(world.evaluator());
    const at = world.stores.clock.now();
    for (const id of ['frz_1', 'frz_2'])
      await world.deps.freezes.open(freeze(id, at, { cause: 'person', slo: null, service: null, team: 'payments' }));
    expect((await lines('firebreak_freeze_in_force')).toSorted()).toEqual([
      'firebreak_freeze_in_force{service="",environment="production",team="payments",cause="person"} 2',
      'firebreak_freeze_in_force{service="checkout",environment="production",team="",cause="budget"} 1',
    ]);
  });
});
