import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { AuditLogTable } from '../../../../core/stores/audit/audit-log.ts';
import { FreezeStateTable } from '../../stores/freeze-state.ts';
import { FreezeTable } from '../../stores/freezes.ts';
import { PinTable, pinWrites } from '../../../../core/stores/changes/pins.ts';
import type { CheckedScope } from '../../types.ts';
import { NewChange } from '../../../../schemas/changes/change.ts';
import { EnvironmentName, IncidentId, ServiceName, Version } from '../../../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { silent, sealSecrets } from '../../../../test/support/fake-deps.ts';
import { freeze } from '../freezes-support.ts';
import { openTable, type TableStores } from '../../../../test/core/stores/stores.ts';

let stores: TableStores;
let state: FreezeStateTable;
let freezes: FreezeTable;
let pins: PinTable;

beforeAll(async () => {
  stores = await openTable();
  const audit = new AuditLogTable(stores.table, stores.blobs, stores.clock, silent, sealSecrets);
  state = new FreezeStateTable(stores.table);
  freezes = new FreezeTable(stores.table, stores.clock, audit);
  pins = new PinTable(stores.table, stores.clock);
});
afterAll(() => stores.close());

const now = (): Timestamp => stores.clock.now();
const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

const place = (service: string, team: string | null = null): CheckedScope => ({
  service: ServiceName.parse(service),
  environment: EnvironmentName.parse('production'),
  team,
});

const pin = (at: CheckedScope, version: string, incident = '01JCYZ7Q8M3N5P7R9T1V3X5Z7B') =>
  stores.table.transact(
    pinWrites(at, [
      {
        service: at.service,
        environment: at.environment,
        version: Version.parse(version),
        incident_id: IncidentId.parse(incident),
        reason: 'rolled back',
        pinned_at: now(),
      },
    ]),
  );

const pinned = async (at: CheckedScope) => (await state.read(at, [])).pins.map(({ version }) => version);

test('without records, the state is empty', async () => {
  expect(await state.read(place('quiet', 'silent'), [place('other')])).toEqual({
    own: [],
    dependencies: [[]],
    pins: [],
  });
});

test('everything about a service and its dependencies is read in one call', async () => {
  const [own, dependency] = [place('checkout', 'payments'), place('payments-api', 'payments')];
  const mine = freeze('frz_own', now(), { service: 'checkout' });
  const theirs = freeze('frz_dependency', now(), { service: 'payments-api', environment: null });
  const ours = freeze('frz_team', plusSeconds(now(), 5), { service: null, environment: null, team: 'payments' });
  for (const one of [mine, theirs, ours]) await freezes.open(one);
  await pin(own, 'v2');

  const getAll = vi.spyOn(stores.table, 'getAll');
  const other = (['get', 'each', 'page'] as const).map((name) => vi.spyOn(stores.table, name));
  const read = await state.read(own, [dependency, place('unrelated')]);
  expect(getAll).toHaveBeenCalledTimes(1);
  for (const call of other) expect(call).not.toHaveBeenCalled();
  vi.restoreAllMocks();

  expect(read.own).toEqual([mine, ours]);
  expect(read.dependencies).toEqual([[theirs, ours], []]);
  expect(read.pins).toMatchObject([{ version: 'v2', state: 'pinned' }]);
});

test('with very many dependencies too', async () => {
  await freezes.open(freeze('frz_last', now(), { service: 'dependency-119' }));
  const read = await state.read(
    place('hub'),
    numbers(120).map((n) => place(`dependency-${n}`, `team-${n}`)),
  );
  expect(read.dependencies).toHaveLength(120);
  expect(read.dependencies.flatMap((one, n) => one.map(() => n))).toEqual([119]);
});

test('a check sees what was recorded when it began, however many run at once', async () => {
  const at = place('busy');
  const seen = await Promise.all(
    numbers(20).map(async (n) => {
      const id = `frz_busy_${n}`;
      await freezes.open(freeze(id, now(), { service: 'busy' }));
      return (await state.read(at, [])).own.some((one) => one.id === id);
    }),
  );
  expect(seen).toEqual(numbers(20).map(() => true));
});

test('a pin is visible at once, stays beside a newer version, and is gone when it is lifted', async () => {
  const at = place('pinned');
  await pin(at, 'v2');
  await pin(at, 'v2');
  stores.clock.set(stores.clock.millis + 1000);
  await pin(at, 'v3');
  expect(await pinned(at)).toEqual(['v3', 'v2']);
  expect(await pins.of(at)).toEqual((await state.read(at, [])).pins);
  const [, second] = await pins.of(at);
  await pins.lift(second?.id ?? '', 'ada');
  await pins.lift(second?.id ?? '', 'bo');
  await stores.changes.record(
    NewChange.parse({
      service: at.service,
      environment: at.environment,
      version: 'v4',
      started_at: plusSeconds(now(), 5),
    }),
  );
  expect(await pinned(at)).toEqual(['v3']);
});

test('of very many pins, the newest are read, and the others leave the item', async () => {
  const at = place('often');
  for (const n of numbers(160)) {
    stores.clock.set(stores.clock.millis + 1000);
    await pin(at, `v${n}`);
  }
  expect(await pins.of(at)).toHaveLength(150);
  const item = await stores.table.get({ pk: 'PINNED#often#production', sk: 'PINNED' });
  expect(Object.keys(item ?? {}).length).toBeLessThan(160);
  expect((await pinned(at)).slice(0, 2)).toEqual(['v159', 'v158']);
  stores.clock.set(stores.clock.millis + 1000);
  await pin(at, 'v200');
  expect((await pinned(at))[0]).toBe('v200');
});
