import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import type { Arrival } from '../../../core/domain/alerts/admission.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { IntendedAction, RollbackEnd } from '../../../core/domain/ports/decisions.ts';
import { decide } from '../../../core/domain/rollback/rollback.ts';
import { NewChange } from '../../../schemas/changes/change.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import type { Message } from '../../../schemas/incidents/inbox.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { actAt, change, clear } from '../arbitraries.ts';
import { arrivals, signal } from '../../support/signals.ts';
import { openTable, type Stores, type TableStores } from './stores.ts';

/** The stores of the running test, and its own service and environment. Set before each test. */
export const stores = {} as Stores & Pick<TableStores, 'counters'>;
export const serviceEnvironment = {} as ServiceEnvironment;

let services = 0;

/** Tests the promises of core/domain/ports/. Each test uses its own service. */
export function inTheTable(tests: () => void): void {
  let table: TableStores;
  beforeAll(async () => {
    table = await openTable();
  });
  afterAll(() => table.close());
  beforeEach(() => use(table));
  tests();
}

function use(these: Stores): void {
  services += 1;
  Object.assign(stores, these);
  Object.assign(serviceEnvironment, {
    service: `service-${services}` as ServiceName,
    environment: 'production' as EnvironmentName,
  });
}

export const TRACE = 'trace';

/** A message without further meaning. */
export const note: Message = { kind: 'resume', by: 'ada', note: '' };

export const here = (more: Partial<Signal> = {}): Signal =>
  signal({ ...serviceEnvironment, fingerprint: `${serviceEnvironment.service}/1`, ...more });
export const other = (more: Partial<Signal> = {}): Signal =>
  here({ fingerprint: `${serviceEnvironment.service}/2`, ...more });
export const ended = (one: Signal): Signal => ({ ...one, status: 'resolved', endsAt: stores.clock.now() });

let requests = 0;

/** Admits arrivals. Each request has its own trace; an incident keeps the first one. */
export const take = (...all: Arrival[]) => {
  requests += 1;
  return stores.incidents.admit(all, { at: stores.clock.now(), trace: `${TRACE} ${requests}` });
};
export const admit = (...signals: Signal[]) => take(...arrivals(signals));
export const later = (seconds: number): void => stores.clock.set(stores.clock.millis + seconds * 1000);

/** Opens an incident one second before the next event. */
export async function opened(one: Signal = here()): Promise<IncidentId> {
  const [id] = (await admit(one)).opened;
  if (id === undefined) throw new Error('no incident was opened');
  later(1);
  return id;
}

export async function record(id: IncidentId) {
  const incident = await stores.incidents.read(id);
  if (incident === undefined) throw new Error(`incident ${id} cannot be read`);
  return incident;
}

export const mailOf = async (id: IncidentId, after = 0): Promise<Message[]> =>
  (await stores.incidents.readInbox(id, after, null)).messages.map(({ message }) => message);

export const isPending = async (id: IncidentId): Promise<boolean> =>
  (await stores.incidents.pending(plusSeconds(stores.clock.now(), 1))).includes(id);

export const timeline = async (id: IncidentId): Promise<string[]> =>
  (await stores.incidents.timeline(id, { limit: 50 })).items.map(({ kind }) => kind);

export const statuses = async (id: IncidentId): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await stores.incidents.signals(id, { limit: 50 })).items.map(({ fingerprint, status }) => [fingerprint, status]),
  );

/** Closes the incident as a person would, regardless of messages. */
export const closed = async (id: IncidentId) => {
  expect(await stores.incidents.resolve(id, (await record(id)).seq, 'person:ada', 'Resolved by ada')).toBe('resolved');
};

export const inputs = () => clear({ changes: [change('v1', 240), change('v2', 8)] });
export const byTwo = () => clear({ policy: { mode: 'approve', unknownMigration: 'approve', approvals: 2 } });
export const approval = () => clear({ policy: { mode: 'approve', unknownMigration: 'approve' } });
export const judged = async (id: IncidentId, number: number, of = inputs()) =>
  (await stores.decisions.keep(id, number, decide(of), of)) ?? expect.unreachable();

export const keyOf = (id: IncidentId, number = 1): string => `${id}.roll-back.${number}`;
export const intent = (key: string) =>
  ({ key, kind: 'roll-back', target: 'http://cd', class: 'keyed', detail: 'Rolling back v2 to v1' }) as const;
export const rollbackBegun = (id: IncidentId, number = 1) =>
  stores.effects.intendAction(id, intent(keyOf(id, number)), actAt(serviceEnvironment));
export const end = (id: IncidentId, number: number, more: Partial<RollbackEnd> = {}): RollbackEnd => ({
  key: keyOf(id, number),
  number,
  serviceEnvironment: { ...serviceEnvironment },
  outcome: 'succeeded',
  page: 'no',
  text: 'Rolled back to v1',
  versionChange: null,
  ...more,
});

/** Starts an automatic action without an approval, unless stated otherwise. */
export const acts = (id: IncidentId, key: string, more: Partial<IntendedAction> = {}) =>
  stores.effects.intendAction(id, intent(key), { ...actAt(serviceEnvironment), resource: key, ...more });

/** Deploys, this many seconds ago. */
export function deploy(version: string, secondsAgo: number, more: object = {}) {
  const started_at = plusSeconds(stores.clock.now(), -secondsAgo);
  return stores.changes.record(NewChange.parse({ ...serviceEnvironment, version, started_at, ...more }));
}
