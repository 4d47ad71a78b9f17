import { expect, onTestFinished, test } from 'vitest';
import { PublicIncidentTable } from '../../stores/public-incidents.ts';
import { summaryCard } from '../../../../core/domain/messages/incident-card.ts';
import { planRecord } from '../../decisions/public-record.ts';
import { comparePages } from '../../actions/compare-pages.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { EnvironmentName, ServiceName } from '../../../../schemas/config/names.ts';
import type { BudgetState, ErrorBudgets } from '../../../../core/domain/ports/error-budgets.ts';
import { noExtensions } from '../../../../core/domain/ports/extensions.ts';
import { millisOf, type Timestamp } from '../../../../schemas/time/time.ts';
import { openTable } from '../../../../test/core/stores/stores.ts';
import { SloStatus } from '../../../../schemas/slo/slo-status.ts';
import type { ServiceEnvironment } from '../../../../core/domain/ports/common.ts';
import { objective } from '../../../../test/support/objective.ts';

const MINUTE = 60_000;
const NOON = Date.parse('2026-11-20T12:00:00Z');

const PLACE = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };

const OK = SloStatus.parse({
  id: 'checkout-availability',
  ...PLACE,
  state: 'ok',
  problem: null,
  data_at: null,
  budget: { remaining: 1, spent_at_least: 0, coverage: 1, events: 0, errors: 0, significant: false },
  burn_rates: { '5m': 0, '30m': 0, '1h': 0, '2h': 0, '6h': 0, '1d': 0, '3d': 0 },
  burning: [],
  forecast: { spent_at: null, lifts_at: null, lifts_at_present_burn: null },
  untouched: false,
  source: 'own',
});

/** Statuses of an objective of checkout, whose requests all fail between two times (Unix milliseconds). */
class Budgets implements Pick<ErrorBudgets, 'read'> {
  evaluatedAt: Timestamp | null = null;
  readonly #from: number;
  readonly #until: number;

  constructor(from: number, until: number) {
    this.#from = from;
    this.#until = until;
  }

  async read(serviceEnvironments: readonly ServiceEnvironment[]): Promise<BudgetState> {
    const at = this.evaluatedAt === null ? 0 : millisOf(this.evaluatedAt);
    const isBad = at > this.#from && at < this.#until + 5 * MINUTE;
    const status = {
      ...OK,
      // The long window stays above its factor after the errors have ended.
      burning: at > this.#from ? [{ severity: 'page', long: '1h', short: '5m', factor: 14.4 } as const] : [],
      burn_rates: { ...OK.burn_rates, '5m': isBad ? 100 : 0 },
    };
    return {
      statuses: serviceEnvironments.map(({ service, environment }) =>
        service === PLACE.service && environment === PLACE.environment ? [status] : [],
      ),
      evaluatedAt: this.evaluatedAt,
    };
  }
}

/** A service with an incident, whose requests all fail from noon for some minutes. Checked and evaluated each minute. */
async function outage({ minutes, maintenance = [] }: { minutes: number; maintenance?: object[] }) {
  const stores = await openTable();
  onTestFinished(() => stores.close());
  const config = Config.parse({
    version: 'test',
    paging: {},
    response: {},
    services: { checkout: { statusPage: { components: ['Checkout', 'Basket'] } } },
    statusPage: { maintenance },
  });
  const { table, clock, incidents } = stores;
  clock.set(NOON - MINUTE);
  const budgets = new Budgets(NOON, NOON + minutes * MINUTE);
  const publicIncidents = new PublicIncidentTable(table, clock);
  const deps = {
    clock,
    config: { current: async () => ({ ...config, slos: [objective()] }), problems: async () => [] },
    incidents,
    publicIncidents,
    extensions: {
      ...noExtensions,
      errorBudgets: [{ isConfigured: () => true, load: async () => budgets as unknown as ErrorBudgets }],
    },
  };
  const { id } = await incidents.declare({
    ...PLACE,
    title: 'Payments fail',
    severity: 'critical',
    by: 'ada',
    trace: 't',
  });
  const record = async () => (await incidents.read(id)) ?? expect.unreachable();
  return {
    id,
    record,
    deps,
    async until(minute: number) {
      while (clock.millis < NOON + minute * MINUTE) {
        clock.set(clock.millis + MINUTE);
        budgets.evaluatedAt = clock.now();
        await comparePages(deps, await incidents.open());
      }
    },
    /** Without an evaluation. */
    async check(minute: number) {
      clock.set(NOON + minute * MINUTE);
      await comparePages(deps, await incidents.open());
    },
    /** As the projector of the status page does. */
    async publish() {
      await incidents.post(id, { kind: 'publish', by: 'ada', note: '' }, { publishedBy: 'ada' });
      const [incident, publicId] = [await record(), publicIncidents.idOf(id)];
      const before = await publicIncidents.read(publicId);
      const plan = planRecord(before, incident, config, { id: publicId, now: clock.now() });
      if (plan.kind !== 'write') throw new Error(plan.kind);
      await publicIncidents.write(plan.record, false);
    },
    async entries() {
      const { items } = await incidents.timeline(id, { limit: 50 });
      return items
        .filter(({ kind }) => kind.startsWith('statuspage.'))
        .map(({ at, text }) => `${at.slice(11, 16)} ${text}`)
        .toReversed();
    },
    view: async () => (await incidents.view(id))?.page_contradiction,
  };
}

const cardText = (story: Parameters<typeof summaryCard>[0]): string => JSON.stringify(summaryCard(story));

test('an outage that is published late and stays on the page too long is a contradiction twice', async () => {
  const play = await outage({ minutes: 20 });
  await play.until(0);
  expect(await play.view()).toBeNull();

  // A burn rate of 13.44 over an hour is reached within the first minute.
  await play.until(5);
  expect(await play.entries()).toEqual([]);
  expect(await play.view()).toMatchObject({ since: '2026-11-20T12:01:00.000Z', minutes: 4, over: false });
  await play.until(10);
  expect(await play.entries()).toEqual([
    '12:06 The status page shows Checkout and Basket as operational, but their SLI is bad, for 5 min. ' +
      'Publish an update with "Publish update…" in the channel or on the incident’s page, or correct the SLO.',
  ]);

  await play.publish();
  await play.until(11);
  expect((await play.entries()).slice(1)).toEqual(['12:11 The status page and the SLI agree again, after 9 min']);

  // The window of five minutes is free of errors at 12:25.
  await play.until(24);
  expect(await play.view()).toMatchObject({ kind: 'shown_operational', over: true, minutes: 9 });
  await play.until(31);
  expect((await play.entries()).slice(2)).toEqual([
    '12:30 The status page shows a problem with Checkout and Basket, but their SLI is good, for 5 min. ' +
      'Resolve the incident if it is over, or correct the SLO.',
  ]);
  expect(await play.view()).toMatchObject({ kind: 'shown_impaired', since: '2026-11-20T12:25:00.000Z', minutes: 15 });

  const { incidents } = play.deps;
  const { seq } = await play.record();
  expect(await incidents.resolve(play.id, seq, 'ada', 'Resolved by ada')).toBe('resolved');
  await play.until(34);
  expect(await play.view()).toMatchObject({ minutes: 15 });
  const story = (await incidents.story(play.id, null)) ?? expect.unreachable();
  expect(story.incident.status).toBe('resolved');
  expect(cardText(story)).toContain('Status page and SLI contradicted each other for 15 min');
});

test('an evaluation older than three minutes says nothing, and a contradiction that was not seen for three minutes is over', async () => {
  const play = await outage({ minutes: 60 });
  await play.until(5);
  const checked = async (minute: number) => {
    await play.check(minute);
    return play.view();
  };
  expect(await checked(8)).toMatchObject({ over: false, minutes: 7 });
  expect(await checked(9)).toMatchObject({ over: false, minutes: 7 });
  expect(await checked(12)).toMatchObject({ over: true, minutes: 7 });
  expect(await play.entries()).toMatchObject([
    expect.stringContaining('12:08 The status page shows'),
    '12:12 The SLI is no longer known; the status page contradicted it until then, after 7 min',
  ]);
});

test('planned maintenance, other environments, and services without components are no contradiction', async () => {
  const maintenance = {
    id: 'upgrade',
    title: 'Upgrade',
    components: ['Checkout'],
    announced: '2026-11-20T00:00:00Z',
    from: '2026-11-20T11:00:00Z',
    until: '2026-11-20T13:00:00Z',
    text: 'Upgrade',
  };
  const play = await outage({ minutes: 20, maintenance: [maintenance] });
  await play.until(3);
  expect(await play.view()).toMatchObject({ components: ['Basket'] });

  const { incidents } = play.deps;
  const staging = { service: PLACE.service, environment: 'staging' as EnvironmentName };
  const other = await incidents.declare({ ...staging, title: 'Other', severity: 'critical', by: 'ada', trace: 't' });
  await play.until(5);
  expect((await incidents.view(other.id))?.page_contradiction).toBeNull();
});
