import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openIncidents } from '../../../core/stores/incidents/open-incidents.ts';
import { NewChange } from '../../../schemas/changes/change.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { arrivals, signal, stranger } from '../../support/signals.ts';
import { openTable, type TableStores } from './stores.ts';

let stores: TableStores;

beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores.close());

const later = (seconds: number): void => stores.clock.set(stores.clock.millis + seconds * 1000);

let alerts = 0;

async function opened(service: string): Promise<IncidentId> {
  later(1);
  alerts += 1;
  const one = signal({ service: service as ServiceName, fingerprint: `alert-${alerts}` });
  const { opened: ids } = await stores.incidents.admit(arrivals([one]), { at: stores.clock.now(), trace: service });
  return ids[0] as IncidentId;
}

/** Creates resolved incidents with all their records. */
async function past(count: number): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    const id = await opened(`past-${number % 3}`);
    await stores.incidents.resolve(id, 0, 'person:ada', 'over');
  }
}

type Pages = { limit: number; cursor?: string };

/** Returns all pages of a list; runs `between` after each. */
async function turned<T>(
  read: (query: Pages) => Promise<{ items: T[]; next_cursor: string | null }>,
  limit: number,
  between: () => Promise<unknown> = async () => undefined,
): Promise<T[]> {
  const all: T[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await read({ limit, ...(cursor !== undefined && { cursor }) });
    all.push(...page.items);
    if (page.next_cursor === null) return all;
    cursor = page.next_cursor;
    await between();
  }
}

describe('the cost of reads does not grow with resolved incidents', () => {
  const questions: Record<string, () => Promise<unknown>> = {
    'open incidents': () => stores.incidents.open(),
    'open incidents for Slack': () => openIncidents(stores.table),
    'the list of open incidents': () => stores.incidents.list({ status: 'open', limit: 50 }),
    'the list of a service': () => stores.incidents.list({ service: 'now-1', limit: 50 }),
    'the list of an unknown service': () => stores.incidents.list({ service: 'nobody', limit: 1 }),
    'incidents that wait': () => stores.incidents.pending(stores.clock.now()),
    'changes of a service': () => stores.changes.list({ service: 'now-1' as ServiceName, limit: 50 }),
    'pins in force': () => stores.pins.list({ limit: 500, all: false }),
  };

  const cost = async () => {
    const costs: Record<string, { calls: number; items: number }> = {};
    for (const [name, ask] of Object.entries(questions)) {
      stores.reads();
      await ask();
      costs[name] = stores.reads();
    }
    return costs;
  };

  const deploy = (service: string, number: number) =>
    stores.changes.record(
      NewChange.parse({
        service,
        environment: 'production',
        version: `v${number}`,
        started_at: plusSeconds(stores.clock.now(), -10_000 + number),
      }),
    );

  test('neither in the sweeper, nor in /metrics, nor with a filter', async () => {
    for (const service of ['now-1', 'now-2', 'now-3']) await opened(service);
    await deploy('now-1', 1);
    await past(8);
    for (let number = 0; number < 5; number += 1) await deploy('past', number);
    const before = await cost();
    await past(32);
    for (let number = 5; number < 30; number += 1) await deploy('past', number);
    expect(await cost()).toEqual(before);
    expect(before['open incidents']).toEqual({ calls: 2, items: 6 });
  });
});

describe('a sharded list', () => {
  test('returns each item once, newest first, despite concurrent writes', async () => {
    const before = await turned((query) => stores.incidents.list(query), 500);
    const ids = before.map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted().toReversed());
    expect(ids.length).toBeGreaterThan(40);
    let came = 0;
    const paged = await turned(
      (query) => stores.incidents.list(query),
      7,
      () => opened(`meanwhile-${(came += 1)}`),
    );
    expect(paged.map(({ id }) => id)).toEqual(ids);
    expect(came).toBeGreaterThan(5);
  });

  test('returns the same by status and service', async () => {
    const all = await turned((query) => stores.incidents.list(query), 500);
    const idsOf = (kept: typeof all) => kept.map(({ id }) => id);
    for (const query of [{ status: 'resolved' }, { status: 'open' }, { service: 'past-1' }] as const)
      expect(idsOf(await turned((page) => stores.incidents.list({ ...query, ...page }), 9))).toEqual(
        idsOf(all.filter((one) => Object.entries(query).every(([name, value]) => one[name as 'service'] === value))),
      );
    expect(await stores.incidents.list({ status: 'open', service: 'past-1', limit: 9 })).toMatchObject({ items: [] });
  });

  test('contains alerts without an incident, and changes, by service and by time', async () => {
    const names = Array.from({ length: 12 }, (_, number) => `apart-${number}`);
    for (const name of names) {
      later(1);
      await stores.incidents.admit(arrivals([stranger(name, { fingerprint: name, severity: 'info' })]), {
        at: stores.clock.now(),
        trace: name,
      });
    }
    const recorded = await turned((query) => stores.incidents.alertsWithoutIncident({ ...query, muted: false }), 4);
    expect(recorded.map(({ signal: { fingerprint } }) => fingerprint)).toEqual(names.toReversed());
    const changes = await turned((query) => stores.changes.list(query), 11);
    expect(changes.map(({ started_at }) => started_at)).toEqual(
      changes
        .map(({ started_at }) => started_at)
        .toSorted()
        .toReversed(),
    );
    expect(changes).toHaveLength(31);
    const production = { environment: 'production' as EnvironmentName };
    expect(await turned((query) => stores.changes.list({ ...production, ...query }), 11)).toEqual(changes);
    const ofPast = await turned((query) => stores.changes.list({ service: 'past' as ServiceName, ...query }), 11);
    expect(ofPast).toEqual(changes.filter(({ service }) => service === 'past'));
  });
});
