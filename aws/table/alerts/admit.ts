import { alertKeyOf, type Arrival, type Closed, closeOf, scopeOf } from '../../../domain/alerts/admission.ts';
import { type AdmissionPlan, type AlertEpisode, planAdmission } from '../../../domain/alerts/plan-admission.ts';
import { SHARED_SCOPE, type Target, targetOf } from '../../../domain/alerts/unmatched.ts';
import type { Mute } from '../../../domain/alerts/routing.ts';
import type { AdmittedSignal, Receipt } from '../../../domain/ports/alerts.ts';
import type { Admitted } from '../../../domain/ports/incidents.ts';
import type { Clock } from '../../../domain/ports/system.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { StoredIncident, StoredSignal } from '../../../schemas/incidents/stored-records.ts';
import { sha256 } from '../../hash.ts';
import { mintIncidentId } from '../../ids.ts';
import { episodeItems, episodeKey, formerKey } from './episodes.ts';
import { keys, shardedLists } from '../core/keys.ts';
import { postWrites } from '../incidents/inbox.ts';
import { newIncidentWrites } from '../incidents/new-incident.ts';
import { expiresAfter, isToBeRenewed, RETENTION_DAYS } from '../core/retention.ts';
import { absent, type Condition, type Item, type Table, type Write, revisionIs } from '../core/table.ts';
import { readSlots, slotsWrite } from './unmatched.ts';

/** Signals per transaction: with two items each and a few others, it stays below DynamoDB's limit of 100. */
const SIGNALS_PER_TRANSACTION = 25;

/** Attempts when another process writes the same incident at the same time. */
const TRIES = 20;

type Reception = Pick<Receipt, 'at' | 'trace'>;

/**
 * Arrivals with one target, the items of their alerts, and the times when other incidents of these alerts were closed.
 * `slotsRev`: revision of the slots.
 */
type Batch = {
  arrivals: readonly Arrival[];
  items: readonly (Item | undefined)[];
  closed: ReadonlyMap<IncidentId, Closed>;
  target: Target;
  slotsRev?: number;
};

/** Adds signals to the table; see docs/reference/data-model.md, "Admission of signals". */
export async function admit(
  table: Table,
  clock: Clock,
  arrivals: readonly Arrival[],
  reception: Reception,
  unmatchedIncidents: number,
): Promise<Admitted> {
  const admitted: Admitted = { wake: [], opened: [], withoutIncident: [], counts: { ...NOTHING } };
  const isKnown = ({ signal }: Arrival): boolean => signal.unmatched === null;
  for (const batch of batches(arrivals.filter(isKnown)))
    merge(admitted, await admitBatch(table, clock, batch, reception));
  const unmatched = arrivals.filter((one) => !isKnown(one));
  await admitUnmatched({ table, clock, max: unmatchedIncidents }, unmatched, reception, admitted);
  return { ...admitted, wake: [...new Set(admitted.wake)] };
}

const NOTHING = { opened: 0, joined: 0, recorded: 0, known: 0 };

async function admitBatch(
  table: Table,
  clock: Clock,
  arrivals: readonly Arrival[],
  reception: Reception,
): Promise<Admitted> {
  const [first] = arrivals;
  if (first === undefined) throw new RangeError('a batch of signals must not be empty');
  const scope = scopeOf(first.signal);
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const batch = await readBatch(table, scope, arrivals);
    const admitted = await writeBatch(table, clock.now(), reception, batch);
    if (admitted !== undefined) return admitted;
  }
  throw new Error(
    `cannot add signals: the incident of ${scope} changed during all ${TRIES} attempts; the queue redelivers them`,
  );
}

/** Reads the open incident of the scope, the alerts, and their other incidents: in one call if all are new. */
async function readBatch(table: Table, scope: string, arrivals: readonly Arrival[]): Promise<Batch> {
  const signals = arrivals.map(({ signal }) => signal);
  const [pointer, ...current] = await table.getAll([keys.open(scope), ...signals.map(episodeKey)]);
  const open = incidentIn(pointer);
  const ids = [...new Set([...(open === null ? [] : [open]), ...current.flatMap((item) => incidentIn(item) ?? [])])];
  const unknown = open === null ? [] : signals.filter((_, n) => current[n] === undefined);
  const found = await table.getAll([...ids.map(keys.incident), ...unknown.map(formerKey)]);
  const incident = open === null || found[0] === undefined ? undefined : StoredIncident.parse(found[0]);
  const former = found.slice(ids.length).map((item) => (incidentIn(item) === incident?.id ? item : undefined));
  return {
    arrivals,
    items: signals.map((signal, n) => current[n] ?? former[unknown.indexOf(signal)]),
    closed: new Map(ids.map((id, n) => [id, closedIn(found[n])])),
    target: { scope, incident: incident?.status === 'resolved' ? undefined : incident, mayOpen: true },
  };
}

const itemsOf = (table: Table, arrivals: readonly Arrival[], id?: IncidentId): Promise<(Item | undefined)[]> =>
  episodeItems(
    table,
    arrivals.map(({ signal }) => signal),
    id,
  );

/**
 * Admits alerts of services outside the catalogue. They arrive mixed, and most have the same target. Each transaction
 * takes alerts of one target; then the targets are determined again, since an incident that has just opened can be the
 * target of later alerts.
 */
async function admitUnmatched(
  { table, clock, max }: { table: Table; clock: Clock; max: number },
  arrivals: readonly Arrival[],
  reception: Reception,
  admitted: Admitted,
): Promise<void> {
  let remaining = arrivals;
  for (let attempt = 1; remaining.length > 0; attempt += 1) {
    if (attempt > TRIES)
      throw new Error(`incidents of unmatched alerts changed during all ${TRIES} attempts; the queue redelivers them`);
    const at = clock.now();
    const [items, slots] = await Promise.all([
      itemsOf(table, remaining),
      readSlots(table, remaining, { now: at, max }),
    ]);
    const targets = remaining.map((arrival, n) => targetOf(slots, arrival, incidentIn(items[n])));
    const [target] = targets;
    if (target === undefined) return;
    const taken = batchOf(remaining, targets);
    const batch = taken.flatMap((n) => remaining[n] ?? []);
    // Only a service's own incident can predate the current keys of alerts.
    const isOwn = target.incident !== undefined && target.scope !== SHARED_SCOPE;
    const known = isOwn ? await itemsOf(table, batch, target.incident?.id) : taken.map((n) => items[n]);
    const closed = await closedOf(table, known);
    const read = { arrivals: batch, items: known, closed, target, slotsRev: slots.rev };
    const result = await writeBatch(table, at, reception, read);
    if (result === undefined) continue;
    merge(admitted, result);
    remaining = remaining.filter((_, n) => !taken.includes(n));
    attempt = 0;
  }
}

/**
 * Returns the indexes of arrivals with the same target as the first one, up to the size of a transaction. Notifications
 * of one alert stay in order.
 */
function batchOf(arrivals: readonly Arrival[], targets: readonly Target[]): number[] {
  const taken: number[] = [];
  const seen = new Set<string>();
  for (const [n, { signal }] of arrivals.entries()) {
    const alert = alertKeyOf(signal);
    if (!seen.has(alert) && targets[n]?.scope === targets[0]?.scope && taken.length < SIGNALS_PER_TRANSACTION)
      taken.push(n);
    seen.add(alert);
  }
  return taken;
}

/** Plans a batch and writes it. Returns undefined if something changed in between: read again. */
async function writeBatch(
  table: Table,
  at: Timestamp,
  { at: receivedAt, trace }: Reception,
  { arrivals, items, closed, target, slotsRev = 0 }: Batch,
): Promise<Admitted | undefined> {
  const alerts = items.map((item) => item && episodeIn(item));
  const plan = planAdmission({ at, receivedAt, trace, target, alerts, closed, newId: mintIncidentId(at) }, arrivals);
  const { incident } = plan;
  await renewExpiry(table, arrivals, items, plan, at);
  if (incident.kind === 'known') {
    if (incident.renotified !== null) await countRenotification(table, incident.renotified);
    return plan.admitted;
  }
  const id = incident.kind === 'opens' ? incident.opens.incident.id : incident.kind === 'joins' ? incident.id : null;
  const { ok } = await table.transact([
    ...arrivals.flatMap((arrival, n) => {
      const alert = plan.alerts[n];
      return alert ? [episodeWrite(table, arrival, alert, items[n], at)] : [];
    }),
    ...(id === null
      ? []
      : [
          ...plan.listed.map((signal) => {
            const mute = arrivals.find((one) => one.signal === signal)?.mute ?? null;
            return table.put({
              ...keys.signal(id, signal.startsAt, sha256(signal.episode)),
              ...signal,
              first_seen_at: at,
              received_at: receivedAt,
              ...(mute !== null && { mute }),
            });
          }),
          ...plan.ended.map(({ startsAt, episode, endsAt }) => signalEnd(table, id, startsAt, episode, endsAt)),
        ]),
    ...(incident.kind === 'opens' ? newIncidentWrites(table, incident.opens) : []),
    ...(incident.kind === 'opens' && incident.slots !== null ? [slotsWrite(table, slotsRev, incident.slots)] : []),
    ...(incident.kind === 'joins' && incident.post !== null ? postWrites(table, incident.post) : []),
  ]);
  return ok ? plan.admitted : undefined;
}

/** Reads when the incidents of these alerts were closed. */
async function closedOf(table: Table, items: readonly (Item | undefined)[]): Promise<Map<IncidentId, Closed>> {
  const ids = [...new Set(items.flatMap((item) => incidentIn(item) ?? []))];
  const found = await table.getAll(ids.map(keys.incident));
  return new Map(ids.map((id, n) => [id, closedIn(found[n])]));
}

const closedIn = (item: Item | undefined): Closed => (item === undefined ? null : closeOf(StoredIncident.parse(item)));

const incidentIn = (item: Item | undefined): IncidentId | null =>
  typeof item?.['incident_id'] === 'string' ? IncidentId.parse(item['incident_id']) : null;

const episodeIn = (item: Item): AlertEpisode => ({
  status: item['status'] === 'resolved' ? 'resolved' : 'firing',
  requestsRollback: item['requests_rollback'] === true,
  startsAt: Timestamp.parse(item['starts_at']),
  endsAt: typeof item['ends_at'] === 'string' ? Timestamp.parse(item['ends_at']) : null,
  assumed: item['assumed'] === true,
  muted: item['muted'] === true,
  severity: item['severity'] === undefined ? null : StoredSignal.shape.severity.parse(item['severity']),
  incidentId: incidentIn(item),
  episode: String(item['episode']),
  firedAt: firedAtOf(item),
});

/** Reads an alert of an incident as it was admitted. */
export const admittedSignalIn = (item: Item): AdmittedSignal => ({
  ...StoredSignal.parse(item),
  first_seen_at: Timestamp.parse(item['first_seen_at']),
  ...(typeof item['received_at'] === 'string' && { received_at: Timestamp.parse(item['received_at']) }),
  ...(item['mute'] !== undefined && { mute: item['mute'] as Mute }),
});

/** Returns when an alert began to fire, newest first. */
export const firedAtOf = ({ fired_at: at }: Item): Timestamp[] =>
  Array.isArray(at) ? at.map((one) => Timestamp.parse(one)) : [];

/** Writes the new state of an alert, on condition that the item is still as it was read. */
function episodeWrite(
  table: Table,
  { signal, mute }: Arrival,
  alert: AlertEpisode,
  item: Item | undefined,
  at: Timestamp,
): Write {
  const key = episodeKey(signal);
  return table.put(
    {
      ...key,
      rev: Number(item?.['rev'] ?? 0) + 1,
      status: alert.status,
      requests_rollback: alert.requestsRollback,
      severity: alert.severity,
      starts_at: alert.startsAt,
      ends_at: alert.endsAt,
      incident_id: alert.incidentId,
      source: signal.source,
      fingerprint: signal.fingerprint,
      episode: alert.episode,
      ...(alert.firedAt.length > 0 && { fired_at: alert.firedAt }),
      ...expiresAfter(at, RETENTION_DAYS.episode),
      // A signal without an incident, or one that an experiment explains, is listed by itself; others are listed with
      // their incident.
      ...((alert.incidentId === null || alert.muted) && { signal, ...(alert.muted && { muted: true, mute }) }),
      ...((alert.incidentId === null || alert.muted) && listAttributes(sha256(alertKeyOf(signal)), alert, at)),
    },
    item === undefined || item['pk'] !== key.pk ? absent : revision(item),
  );
}

const listAttributes = (alert: string, { muted }: AlertEpisode, at: Timestamp) =>
  (muted ? shardedLists.muted : shardedLists.recorded).attributes(alert, `${at}#${alert}`);

const revision = (item: Item): Condition => revisionIs(item['rev']);

export const signalEnd = (
  table: Table,
  id: IncidentId,
  startsAt: Timestamp,
  episode: string,
  endsAt: Timestamp,
): Write =>
  table.update(keys.signal(id, startsAt, sha256(episode)), {
    UpdateExpression: 'SET #status = :resolved, endsAt = :at',
    ExpressionAttributeNames: { '#status': 'status' },
    ExpressionAttributeValues: { ':resolved': 'resolved', ':at': endsAt },
  });

/**
 * A repeated notification only proves that the alert still fires. It adds to one counter, which the workflow reads
 * before it closes a quiet incident.
 */
async function countRenotification(table: Table, id: IncidentId): Promise<void> {
  await table.touch(keys.incident(id), {
    UpdateExpression: 'ADD renotified :one',
    ExpressionAttributeValues: { ':one': 1 },
  });
}

/** Renews the time to live of alerts that still fire, without other changes. */
async function renewExpiry(
  table: Table,
  arrivals: readonly Arrival[],
  items: readonly (Item | undefined)[],
  plan: AdmissionPlan,
  at: Timestamp,
): Promise<void> {
  const renewals = arrivals.flatMap(({ signal }, n) => {
    const item = items[n];
    if (plan.alerts[n] !== null || signal.status !== 'firing' || item === undefined) return [];
    if (item['status'] === 'resolved' || !isToBeRenewed(expiryOf(item), at)) return [];
    return [
      table.update(
        { pk: String(item['pk']), sk: episodeKey(signal).sk },
        {
          UpdateExpression: 'SET expires_at = :expires',
          ...revision(item),
          ExpressionAttributeValues: {
            ':rev': item['rev'],
            ':expires': expiresAfter(at, RETENTION_DAYS.episode).expires_at,
          },
        },
      ),
    ];
  });
  // If another process writes one of them at the same time, the next notification renews the rest.
  if (renewals.length > 0) await table.transact(renewals);
}

const expiryOf = ({ expires_at: at }: Item): number | undefined => (typeof at === 'number' ? at : undefined);

function* batches(arrivals: readonly Arrival[]): Generator<Arrival[]> {
  let batch: Arrival[] = [];
  for (const arrival of arrivals) {
    const [first] = batch;
    const startsBatch =
      first !== undefined &&
      (scopeOf(first.signal) !== scopeOf(arrival.signal) ||
        batch.some(({ signal }) => alertKeyOf(signal) === alertKeyOf(arrival.signal)));
    if (startsBatch || batch.length === SIGNALS_PER_TRANSACTION) {
      yield batch;
      batch = [];
    }
    batch.push(arrival);
  }
  if (batch.length > 0) yield batch;
}

function merge(all: Admitted, one: Admitted): void {
  all.wake.push(...one.wake);
  all.opened.push(...one.opened);
  all.withoutIncident.push(...one.withoutIncident);
  for (const key of ['opened', 'joined', 'recorded', 'known'] as const) all.counts[key] += one.counts[key];
}
