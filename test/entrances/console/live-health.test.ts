import { beforeEach, describe, expect, test } from 'vitest';
import type { Curve } from '../../../core/domain/correlation/evidence.ts';
import type { Metrics } from '../../../core/domain/ports/metrics.ts';
import { Config, emptyConfig } from '../../../schemas/config/config.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { millisOf, plusSeconds, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { keys } from '../../../core/stores/keys.ts';
import { put } from '../../../platforms/store.ts';
import { consoleWorld } from '../../support/console-world.ts';
import { textOf } from '../../support/hostile.ts';

const QUERY = 'sum(rate(http_requests_total{code=~"5.."}[1m])) / sum(rate(http_requests_total[1m]))';
const PLACE = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };

type Range = { promql: string; from: Timestamp; until: Timestamp };

/** Metrics that fail from a time on: 20 % of the requests, until they recover. */
class Monitoring {
  readonly asked: Range[] = [];
  answers: 'normally' | 'not' | 'never' = 'normally';
  failedFrom: Timestamp;
  failedUntil: Timestamp;
  failsAgainFrom: Timestamp | undefined;

  constructor(from: Timestamp, until: Timestamp) {
    this.failedFrom = from;
    this.failedUntil = until;
  }

  /** Waits for the answer of the last query. */
  readonly port: Metrics = {
    value: async () => null,
    rule: async () => null,
    range: (promql, from, until) => {
      this.asked.push({ promql, from, until });
      return this.#answer(this.#curve(promql, from, until));
    },
    rangeByLabel: (promql, _label, from, until) => {
      this.asked.push({ promql, from, until });
      return this.#answer(['v1', 'v2'].map((label) => ({ label, curve: this.#curve(QUERY, from, until) })));
    },
  };

  #answer<T>(value: T): Promise<T | null> {
    if (this.answers === 'never') return new Promise(() => {});
    return Promise.resolve(this.answers === 'not' ? null : value);
  }

  #curve(promql: string, from: Timestamp, until: Timestamp): Curve {
    const count = Math.floor(secondsBetween(from, until) / 15) + 1;
    return Array.from({ length: count }, (_, n) => {
      const at = plusSeconds(from, n * 15);
      const failsAgain = this.failsAgainFrom !== undefined && at >= this.failsAgainFrom;
      const isBad = failsAgain || (at >= this.failedFrom && at < this.failedUntil);
      return [at, promql === QUERY ? (isBad ? 0.2 : 0.001) : 100] as const;
    });
  }
}

let console: ReturnType<typeof consoleWorld>;
let monitoring: Monitoring;
let id: IncidentId;

beforeEach(async () => {
  console = consoleWorld(({ clock }) => {
    monitoring = new Monitoring(plusSeconds(clock.now(), -120), plusSeconds(clock.now(), 300));
    return { metrics: monitoring.port };
  });
  const health = { promql: QUERY, max: 0.01, byVersion: `${QUERY} by (version)` };
  console.world.config = Config.parse({
    ...emptyConfig,
    services: { checkout: { environments: { production: { health } } } },
  });
  ({ id } = await console.world.deps.incidents.declare({
    ...PLACE,
    title: 'Payments fail',
    severity: 'critical',
    by: 'ada',
    trace: 't',
  }));
});

const page = async (): Promise<string> => (await console.get(`/console/incidents/${id}`, { token: 'vera' })).text();
const health = async (): Promise<string> =>
  textOf(/<section[^>]*id="health"[^]*?<\/section>/.exec(await page())?.[0] ?? '');

describe('the health on the page of an incident', () => {
  test('is read from half an hour before the problem until now, and says whether it is still broken', async () => {
    const { clock } = console.world;
    const opened = clock.now();
    expect(await health()).toMatch(/20 % now, above the limit of 1 % for 2 min/);
    clock.set(clock.millis + 420000);
    const shown = await health();
    expect(shown).toMatch(/0\.1 % now, within the limit of 1 % for 2 min/);
    expect(shown).toContain('Failed requests in percent of all');
    expect(shown).toContain('sum(rate(http_requests_total');
    expect(shown).toContain('Requests per second');
    for (const version of ['v1', 'v2'])
      expect(shown).toMatch(new RegExp(`Health by version, ${version}(?:: .*?)? Time`));
    const last = monitoring.asked.findLast(({ promql }) => promql === QUERY) ?? expect.unreachable();
    expect(secondsBetween(last.from, opened)).toBeGreaterThanOrEqual(1800);
    expect(last.until).toBe(clock.now());
  });

  test('is read once in ten seconds, by three queries, however many people look', async () => {
    await Promise.all([page(), page(), page()]);
    await page();
    expect(monitoring.asked).toHaveLength(3);
    console.world.clock.set(console.world.clock.millis + 9000);
    await page();
    expect(monitoring.asked).toHaveLength(3);
    console.world.clock.set(console.world.clock.millis + 1000);
    await page();
    expect(monitoring.asked).toHaveLength(6);
  });

  test.each(['not', 'never'] as const)(
    'says until when there are samples if Prometheus does %s answer',
    async (answers) => {
      const { clock } = console.world;
      await page();
      const until = new Date(millisOf(clock.now())).toISOString().slice(11, 16);
      monitoring.answers = answers;
      clock.set(clock.millis + 60000);
      const shown = await health();
      expect(shown).toMatch(/20 % at [\d:]+, above the limit of 1 %/);
      expect(shown).toMatch(new RegExp(`Samples until ${until}.*: Prometheus does not answer`));
      monitoring.answers = 'normally';
    },
  );

  test('says that nothing was ever read, and the page is there', async () => {
    monitoring.answers = 'never';
    const shown = await page();
    expect(shown).toContain('Payments fail');
    expect(shown).toContain('The health query has no samples yet.');
  });

  test.each([
    ['ten minutes after the end of the incident', { resolved_by: 'ada' }, 600],
    ['ten minutes after the end of its alerts', { closed_as: 'verified', verification: 'not_needed' }, 600],
    ['at an end that health has verified', { closed_as: 'verified', verification: 'passed' }, 0],
  ])('ends %s, and is not read again then', async (_, end, seconds) => {
    const { clock, store } = console.world;
    const item = (await store.get(keys.incident(id))) ?? expect.unreachable();
    const resolved_at = clock.now();
    await store.write([put({ ...item, ...keys.incident(id), status: 'resolved', resolved_at, ...end })]);
    clock.set(clock.millis + 3_600_000);
    expect(await health()).toMatch(/(?:within|above) the limit/);
    expect(monitoring.asked.map(({ until }) => until)).toEqual(Array(3).fill(plusSeconds(resolved_at, seconds)));
    clock.set(clock.millis + 60_000);
    await page();
    expect(monitoring.asked).toHaveLength(3);
  });

  test('ends with the recovery, if health fails again after the end of the incident', async () => {
    const { clock, store } = console.world;
    const item = (await store.get(keys.incident(id))) ?? expect.unreachable();
    const resolved_at = clock.now();
    await store.write([put({ ...item, ...keys.incident(id), status: 'resolved', resolved_at, resolved_by: 'ada' })]);
    monitoring.failedUntil = plusSeconds(resolved_at, 60);
    monitoring.failsAgainFrom = plusSeconds(resolved_at, 300);
    clock.set(clock.millis + 3_600_000);
    expect(await health()).toMatch(/0\.1 % at [\d:]+, within the limit/);
  });
});
