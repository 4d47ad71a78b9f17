import * as z from 'zod';
import {
  type Arrival,
  type Closed,
  closeOf,
  isBefore,
  isReturn,
  mayReopen,
  reporterOf,
  reportKeyOf,
  scopeOf,
} from '../../domain/alerts/admission.ts';
import {
  type AdmissionPlan,
  type AlertEpisode,
  type Listing,
  type OtherReport,
  planAdmission,
  type SignalEnd,
} from '../../domain/alerts/plan-admission.ts';
import { closedAsOf } from '../../domain/incidents/closing.ts';
import { SHARED_SCOPE, type Target, targetOf } from '../../domain/alerts/unmatched.ts';
import type { Mute } from '../../domain/alerts/routing.ts';
import type { AdmittedSignal, DayStarts, Receipt } from '../../domain/ports/alerts.ts';
import type { Admitted, FirstRead } from '../../domain/ports/incidents.ts';
import type { Clock } from '../../domain/ports/system.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { Signal } from '../../../schemas/alerts/signal.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import { secondsBetween, timestamp, Timestamp } from '../../../schemas/time/time.ts';
import { StoredDecision, StoredIncident, StoredSignal } from '../../../schemas/incidents/stored-records.ts';
import { CHANGES_SINCE_READ } from '../../domain/incidents/new-onset.ts';
import { recentChanges } from '../changes/changes.ts';
import { sha256 } from '../../stores/hash.ts';
import type { mintIncidentId } from '../../stores/ids.ts';
import { episodeItems, episodeKey, formerKey, itemsOfOthers } from './episodes.ts';
import { type Key, keys, shardedLists } from '../../stores/keys.ts';
import { postWrites, timelineWrite } from '../incidents/inbox.ts';
import type { IncidentNumbers } from '../incidents/incident-numbers.ts';
import { newIncidentWrites, reopeningWrites } from '../incidents/new-incident.ts';
import { expiresAfter, RETENTION_DAYS } from '../../stores/retention.ts';
import { type Table } from '../../stores/table.ts';
import {
  absent,
  type Condition,
  type Item,
  present,
  put,
  revisionIs,
  update,
  type Write,
} from '../../../platforms/store.ts';
import { lastFault } from './intake.ts';
import { readSlots, slotsWrite } from './unmatched.ts';

/** Signals per transaction: with two items each and a few others, it stays below DynamoDB's limit of 100. */
const SIGNALS_PER_TRANSACTION = 25;

/** Attempts when others write the same incident at the same time. Of those that write together, one succeeds each time. */
const TRIES = 50;

type Reception = Pick<Receipt, 'at' | 'trace'>;

/**
 * `mint` creates the ID of a new incident. `onOpening` is called before the incident is written. `first`: a read that has
 * begun before.
 */
type Context = {
  table: Table;
  clock: Clock;
  mint: typeof mintIncidentId;
  numbers: IncidentNumbers;
  unmatchedIncidents: number;
  reopenSeconds: number;
  reopenUnverifiedSeconds: number;
  recoverySeconds: number;
  /** Seconds for which repetitions of an alert are not recorded one by one. */
  repetitionSeconds: number;
  onOpening: (incident: IncidentRecord) => void;
  first?: FirstRead | undefined;
};

/**
 * Begins the first read of an admission, which needs the signals only. A write succeeds only if nothing has changed since.
 */
export function firstRead(table: Table, numbers: IncidentNumbers, signals: readonly Signal[]): FirstRead | undefined {
  const known = signals.filter(({ unmatched }) => unmatched === null).map((signal) => ({ signal }));
  const of = batches(known)
    .next()
    .value?.map(({ signal }) => signal);
  if (of === undefined) return undefined;
  const items = table.getAll(firstKeys(of));
  const newestNumber = numbers.newest();
  for (const read of [items, newestNumber]) read.catch(() => undefined); // the admission handles it
  return { of, items, newestNumber };
}

/** Returns the keys of the open incident of signals of one scope, and of their alerts. */
const firstKeys = (signals: readonly Signal[]): Key[] => [
  ...signals.slice(0, 1).map((signal) => keys.open(scopeOf(signal))),
  ...signals.map(episodeKey),
];

/**
 * Arrivals with one target, the items of their alerts, and the times when other incidents of these alerts were closed.
 * `slotsRev`: revision of the slots. `reopenable`: the newest of those incidents that one of the alerts may reopen.
 * `newestNumber`: of all incidents.
 */
type Batch = {
  arrivals: readonly Arrival[];
  items: readonly (Item | undefined)[];
  closed: ReadonlyMap<IncidentId, Closed>;
  target: Target;
  slotsRev?: number;
  newestNumber: number;
  reopenable?: IncidentRecord | undefined;
};

/** Adds signals to the table; see docs/reference/data-model.md, "Transactions". */
export async function admit(context: Context, arrivals: readonly Arrival[], reception: Reception): Promise<Admitted> {
  const admitted: Admitted = { wake: [], opened: [], withoutIncident: [], ignoredEnds: [], counts: { ...NOTHING } };
  const isKnown = ({ signal }: Arrival): boolean => signal.unmatched === null;
  for (const batch of batches(arrivals.filter(isKnown))) merge(admitted, await admitBatch(context, batch, reception));
  const unmatched = arrivals.filter((one) => !isKnown(one));
  await admitUnmatched(context, unmatched, reception, admitted);
  return { ...admitted, wake: [...new Set(admitted.wake)] };
}

const NOTHING = { opened: 0, joined: 0, recorded: 0, known: 0 };

async function admitBatch(
  { table, clock, mint, numbers, onOpening, first: ahead, ...times }: Context,
  arrivals: readonly Arrival[],
  reception: Reception,
): Promise<Admitted> {
  const [first] = arrivals;
  if (first === undefined) throw new RangeError('a batch of signals must not be empty');
  const scope = scopeOf(first.signal);
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const at = clock.now();
    const begun = attempt === 1 ? ahead : undefined;
    const batch = await readBatch({ table, numbers }, scope, arrivals, { ...times, at, first: begun });
    const admitted = await writeBatch({ table, mint, numbers, onOpening, attempt, ...times }, at, reception, batch);
    if (admitted !== undefined) return admitted;
  }
  throw new Error(
    `cannot add signals: the incident of ${scope} changed during all ${TRIES} attempts; the queue redelivers them`,
  );
}

/** Reads the open incident of the scope, the alerts, and their other incidents: in one call if all are new. */
async function readBatch(
  { table, numbers }: Pick<Context, 'table' | 'numbers'>,
  scope: string,
  arrivals: readonly Arrival[],
  {
    at,
    reopenSeconds,
    reopenUnverifiedSeconds,
    first,
  }: Pick<Context, 'reopenSeconds' | 'reopenUnverifiedSeconds'> & { at: Timestamp; first: FirstRead | undefined },
): Promise<Batch> {
  const signals = arrivals.map(({ signal }) => signal);
  const isRead = signals.length === first?.of.length && signals.every((signal, n) => signal === first.of[n]);
  const [[pointer, ...current], newestNumber] = await Promise.all(
    isRead ? [first.items, first.newestNumber] : [table.getAll(firstKeys(signals)), numbers.newest()],
  );
  const open = incidentIn(pointer);
  const ids = [...new Set([...(open === null ? [] : [open]), ...current.flatMap((item) => incidentIn(item) ?? [])])];
  const unknown = open === null ? [] : signals.filter((_, n) => current[n] === undefined);
  const found = await table.getAll([...ids.map(keys.incident), ...unknown.map(formerKey)]);
  const incident = open === null || found[0] === undefined ? undefined : StoredIncident.parse(found[0]);
  const repeated = new Set(
    signals.flatMap(({ episode }, n) => (current[n]?.['episode'] === episode ? [incidentIn(current[n])] : [])),
  );
  const returned = new Set(
    signals.flatMap((signal, n) => {
      const item = current[n];
      return item !== undefined && isReturn(signal, episodeIn(item)) ? [incidentIn(item)] : [];
    }),
  );
  // The problem may last, however long ago the incident was closed, if nothing has shown its end, or if the end was none.
  const reopenSecondsOf = (one: IncidentRecord): number => {
    if (returned.has(one.id)) return Infinity;
    if (closedAsOf(one) !== 'unverified') return reopenSeconds;
    return repeated.has(one.id) ? Infinity : reopenUnverifiedSeconds;
  };
  const former = found.slice(ids.length).map((item) => (incidentIn(item) === incident?.id ? item : undefined));
  return {
    arrivals,
    items: signals.map((signal, n) => current[n] ?? former[unknown.indexOf(signal)]),
    closed: new Map(ids.map((id, n) => [id, closedIn(found[n])])),
    target: { scope, incident: incident?.status === 'resolved' ? undefined : incident, mayOpen: true },
    newestNumber,
    reopenable: found
      .slice(0, ids.length)
      .flatMap((item) => (item?.['scope'] === scope ? StoredIncident.parse(item) : []))
      .filter((one) => mayReopen(one, at, reopenSecondsOf(one)))
      .toSorted((a, b) => (a.id < b.id ? 1 : -1))[0],
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
  { table, clock, mint, numbers, unmatchedIncidents: max, onOpening, recoverySeconds, repetitionSeconds }: Context,
  arrivals: readonly Arrival[],
  reception: Reception,
  admitted: Admitted,
): Promise<void> {
  let remaining = arrivals;
  for (let attempt = 1; remaining.length > 0; attempt += 1) {
    if (attempt > TRIES)
      throw new Error(`incidents of unmatched alerts changed during all ${TRIES} attempts; the queue redelivers them`);
    const at = clock.now();
    const [items, slots, newestNumber] = await Promise.all([
      itemsOf(table, remaining),
      readSlots(table, remaining, { now: at, max }),
      numbers.newest(),
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
    const read = { arrivals: batch, items: known, closed, target, slotsRev: slots.rev, newestNumber };
    const context = { table, mint, numbers, onOpening, attempt, recoverySeconds, repetitionSeconds };
    const result = await writeBatch(context, at, reception, read);
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
    const alert = reportKeyOf(signal);
    if (!seen.has(alert) && targets[n]?.scope === targets[0]?.scope && taken.length < SIGNALS_PER_TRANSACTION)
      taken.push(n);
    seen.add(alert);
  }
  return taken;
}

/** Plans a batch and writes it. Returns undefined if something changed in between: read again. */
async function writeBatch(
  {
    table,
    mint,
    numbers,
    onOpening,
    attempt,
    recoverySeconds,
    repetitionSeconds,
  }: Pick<Context, 'table' | 'mint' | 'numbers' | 'onOpening' | 'recoverySeconds' | 'repetitionSeconds'> & {
    attempt: number;
  },
  at: Timestamp,
  { at: receivedAt, trace }: Reception,
  { arrivals, items, closed, target, slotsRev = 0, newestNumber, reopenable }: Batch,
): Promise<Admitted | undefined> {
  const alerts = items.map((item) => item && episodeIn(item));
  const dependsOnFaults = arrivals.some(({ signal }, n) => signal.status === 'firing' && isReturn(signal, alerts[n]));
  const [others, faultAt, changes] = await Promise.all([
    othersOf(table, arrivals, alerts, target),
    dependsOnFaults ? lastFault(table) : null,
    changesAround(table, at, { arrivals, items, target }),
  ]);
  const state = {
    at,
    receivedAt,
    trace,
    target,
    alerts,
    others,
    closed,
    newId: mint(at),
    faultAt,
    reopenable,
    recoverySeconds,
    changes,
  };
  const plan = planAdmission(state, arrivals);
  const { incident } = plan;
  await recordRepetitions(table, { arrivals, items, plan }, { at, receivedAt }, repetitionSeconds);
  if (incident.kind === 'known') {
    if (incident.renotified !== null) await countRenotification(table, incident.renotified);
    return plan.admitted;
  }
  const id = incident.kind === 'opens' ? incident.opens.incident.id : incident.kind === 'recorded' ? null : incident.id;
  const opens = incident.kind === 'opens' ? numbers.numbered(incident.opens, newestNumber, attempt) : undefined;
  if (opens !== undefined) onOpening(opens.incident);
  const { ok } = await table.transact([
    ...arrivals.flatMap((arrival, n) => {
      const alert = plan.alerts[n];
      const isListed = plan.listed.some(({ signal }) => signal.episode === arrival.signal.episode);
      return alert ? [episodeWrite(arrival, alert, { item: items[n], isListed, at, receivedAt })] : [];
    }),
    ...plan.ended.flatMap(({ id: over, ends, entry }) => [
      ...ends.map((end) => signalEnd(over, end)),
      ...(entry === undefined
        ? []
        : [timelineWrite(over, `ended-${sha256(JSON.stringify(ends.map(({ episode }) => episode)))}`, entry)]),
    ]),
    ...(id === null
      ? []
      : [
          ...plan.listed.map(({ signal, mute, pages }) =>
            put({
              ...listingKey(id, signal),
              ...signal,
              first_seen_at: at,
              received_at: receivedAt,
              ...(mute !== null && { mute }),
              pages,
            }),
          ),
          ...plan.measured.map(({ because, monitoringFailure, unmuted, ...listing }) =>
            update(listingKey(id, listing), {
              set: {
                ...(unmuted && { unmuted_at: at }),
                ...(monitoringFailure !== undefined && { monitoringFailure }),
                ...(because !== undefined && { unmeasured: because }),
              },
              ...(because === undefined && { remove: ['unmeasured'] }),
            }),
          ),
        ]),
    ...(opens === undefined ? [] : newIncidentWrites(opens)),
    ...(incident.kind === 'opens' && incident.slots !== null ? [slotsWrite(slotsRev, incident.slots)] : []),
    ...(incident.kind === 'reopens' ? reopeningWrites(incident) : []),
    ...(incident.kind === 'joins' && incident.post !== null ? postWrites(incident.post) : []),
  ]);
  return ok ? plan.admitted : undefined;
}

/** Reads what other senders report about alerts of an incident whose arrival ends no episode. */
const othersOf = (
  table: Table,
  arrivals: readonly Arrival[],
  alerts: readonly (AlertEpisode | undefined)[],
  { incident }: Target,
): Promise<readonly OtherReport[][]> =>
  Promise.all(
    arrivals.map(async ({ signal }, n) => {
      if (incident === undefined || signal.status === 'firing' || alerts[n]?.status === 'firing') return [];
      return (await itemsOfOthers(table, signal)).map(({ reporter, item }) => ({ reporter, ...episodeIn(item) }));
    }),
  );

/** Reads the newest changes of the service of an open incident, and of the one that was rolled back, if an urgent alert begins. */
async function changesAround(
  table: Table,
  now: Timestamp,
  { arrivals, items, target: { incident } }: Pick<Batch, 'arrivals' | 'items' | 'target'>,
): Promise<Change[]> {
  if (incident === undefined || incident.unmatched !== null) return [];
  const begins = arrivals.some(
    ({ signal, destinations }, n) =>
      signal.status === 'firing' &&
      (signal.severity === 'critical' || destinations.page) &&
      items[n]?.['starts_at'] !== signal.startsAt,
  );
  if (!begins) return [];
  const { verifying } = incident;
  const decision = verifying && (await table.get(keys.decision(incident.id, verifying.number)));
  const { target } = decision === undefined ? { target: null } : StoredDecision.parse(decision);
  const isElsewhere = target != null && target.service !== incident.service;
  const of = isElsewhere ? [incident, target] : [incident];
  return (await Promise.all(of.map((one) => recentChanges(table, now, one, CHANGES_SINCE_READ)))).flat();
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
  lastSeen: item['last_seen'] === true,
  muted: item['muted'] === true,
  severity: item['severity'] === undefined ? null : StoredSignal.shape.severity.parse(item['severity']),
  incidentId: incidentIn(item),
  episode: String(item['episode']),
  unseen: item['unseen'] === true,
  firedAt: firedAtOf(item),
  starts: startsOf(item),
  ...Times.parse(item),
});

/** The times of an end that may be none, and of what was received since. */
const Times = z
  .object({
    end_received_at: Timestamp.optional(),
    held: z.object({ at: Timestamp, until: Timestamp }).optional(),
    returned: z.object({ after: Timestamp, at: Timestamp }).optional(),
  })
  .transform(({ end_received_at: endReceivedAt, held, returned }) => ({ endReceivedAt, held, returned }));

/** Reads an alert of an incident as it was admitted. */
export const admittedSignalIn = (item: Item): AdmittedSignal => ({
  ...StoredSignal.parse(item),
  first_seen_at: Timestamp.parse(item['first_seen_at']),
  ...(typeof item['received_at'] === 'string' && { received_at: Timestamp.parse(item['received_at']) }),
  ...(item['mute'] !== undefined && { mute: item['mute'] as Mute }),
});

/** Reads what still mutes an alert of an incident. Undefined: nothing. */
export const muteIn = ({ mute, unmuted_at: ended }: Item): Mute | undefined =>
  ended === undefined ? (mute as Mute | undefined) : undefined;

/** Returns when an alert began to fire, newest first. */
export const firedAtOf = ({ fired_at: at }: Item): Timestamp[] =>
  Array.isArray(at) ? at.map((one) => Timestamp.parse(one)) : [];

const Starts = z.array(z.object({ at: Timestamp, times: z.number() }));

/** Returns how often an alert began to fire without an incident, by day, newest first. */
export const startsOf = (item: Item): DayStarts[] =>
  // Older versions stored only the last starts.
  item['starts'] === undefined ? firedAtOf(item).map((at) => ({ at, times: 1 })) : Starts.parse(item['starts']);

/**
 * Writes the new state of an alert, on condition that the item is still as it was read.
 *
 * @param isListed its incident lists it with the texts of this notification
 */
function episodeWrite(
  { signal, mute }: Arrival,
  alert: AlertEpisode,
  {
    item,
    isListed,
    at,
    receivedAt,
  }: { item: Item | undefined; isListed: boolean; at: Timestamp; receivedAt: Timestamp },
): Write {
  const key = episodeKey(signal);
  const { wording = null, worded_at } = isListed ? { wording: wordingOf(signal), worded_at: receivedAt } : (item ?? {});
  return put(
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
      ...(reporterOf(signal) !== undefined && { reporter: reporterOf(signal) }),
      ...(alert.unseen && { unseen: true }),
      ...(alert.assumed && { assumed: true }),
      ...(alert.endReceivedAt !== undefined && { end_received_at: alert.endReceivedAt }),
      ...(alert.held !== undefined && { held: alert.held }),
      ...(alert.returned !== undefined && { returned: alert.returned }),
      ...(alert.firedAt.length > 0 && { fired_at: alert.firedAt, starts: [...alert.starts] }),
      notified_at: at,
      wording,
      ...(worded_at !== undefined && { worded_at }),
      ...expiresAfter(at, RETENTION_DAYS.episode),
      // A signal without an incident, one that an experiment explains, or one that is held is listed by itself; others are
      // listed with their incident.
      ...((alert.incidentId === null || alert.muted || alert.held !== undefined) && {
        signal,
        ...(alert.muted && { muted: true, mute }),
        ...listAttributes(sha256(reportKeyOf(signal)), alert, at),
      }),
    },
    item === undefined || item['pk'] !== key.pk ? absent : revision(item),
  );
}

const listAttributes = (alert: string, { muted, held }: AlertEpisode, at: Timestamp) =>
  (held !== undefined ? shardedLists.held : muted ? shardedLists.muted : shardedLists.recorded).attributes(
    alert,
    `${at}#${alert}`,
  );

const revision = (item: Item): Condition => revisionIs(item['rev']);

/** Returns the key of an alert in its incident. Several senders can report the same episode. */
const listingKey = (id: IncidentId, listing: Listing): Key => {
  const reporter = reporterOf(listing);
  return keys.signal(
    id,
    listing.startsAt,
    sha256(reporter === undefined ? listing.episode : `${listing.episode} ${reporter}`),
  );
};

/** Ends an alert in the list of its incident. */
export const signalEnd = (id: IncidentId, { endsAt, ...listing }: SignalEnd): Write =>
  update(listingKey(id, listing), { set: { status: 'resolved', endsAt }, remove: ['lastSeenAt'] });

/** Marks an alert in the list of its incident as last seen at this time. */
export const signalLastSeen = (id: IncidentId, listing: Listing, at: Timestamp): Write =>
  update(listingKey(id, listing), { set: { status: 'resolved', endsAt: at, lastSeenAt: at } });

/**
 * A repeated notification only proves that the alert still fires. It adds to one counter, which the workflow reads
 * before it closes a quiet incident.
 */
async function countRenotification(table: Table, id: IncidentId): Promise<void> {
  await table.update(keys.incident(id), { add: { renotified: 1 } });
}

/**
 * Records when alerts were repeated that still fire, and renews their time to live. A repetition with other texts reports a newer
 * value, which their incident lists from then on.
 */
async function recordRepetitions(
  table: Table,
  { arrivals, items, plan }: Pick<Batch, 'arrivals' | 'items'> & { plan: AdmissionPlan },
  times: { at: Timestamp; receivedAt: Timestamp },
  repetitionSeconds: number,
): Promise<void> {
  const { at } = times;
  const repetitions = arrivals.flatMap(({ signal }, n) => {
    const item = items[n];
    if (plan.alerts[n] !== null || signal.status !== 'firing' || item === undefined) return [];
    const isRecorded = item['notified_at'] !== undefined && secondsBetween(notifiedAt(item), at) < repetitionSeconds;
    const reworded = newWording(signal, item, times);
    if (item['status'] === 'resolved' || (isRecorded && reworded === null)) return [];
    return [
      update(
        { pk: String(item['pk']), sk: episodeKey(signal).sk },
        { set: { notified_at: at, ...reworded?.set, ...expiresAfter(at, RETENTION_DAYS.episode) } },
        revision(item),
      ),
      ...(reworded === null ? [] : [reworded.listing]),
    ];
  });
  // If another process writes one of them at the same time, the next notification records the rest.
  if (repetitions.length > 0) await table.transact(repetitions);
}

/**
 * Returns the write that lists an alert with what a repetition says of it, and what its record is `set` to. Null: nothing new, or no
 * incident lists it. What was received earlier is not new, however late it is processed.
 */
function newWording(
  signal: Signal,
  item: Item,
  times: Parameters<typeof isBefore>[0],
): { listing: Write; set: Item } | null {
  const id = incidentIn(item);
  const wording = wordingOf(signal);
  if (id === null || item['episode'] !== signal.episode || item['wording'] === wording) return null;
  const wordedAt = item['worded_at'];
  if (wordedAt !== undefined && isBefore(times, Timestamp.parse(wordedAt))) return null;
  const { title, annotations } = signal;
  const reworded: Reworded = { title, annotations, rewordedAt: times.receivedAt };
  const startsAt = Timestamp.parse(item['starts_at']);
  return {
    listing: update(listingKey(id, { ...signal, startsAt }), { set: { reworded } }, present),
    set: { wording, worded_at: times.receivedAt },
  };
}

/** Identifies the texts of an alert that change with its value. */
const wordingOf = ({ title, annotations }: Pick<Signal, 'title' | 'annotations'>): string =>
  sha256(JSON.stringify([title, annotations])).slice(0, WORDING_LENGTH);

const WORDING_LENGTH = 16;

const Reworded = Signal.pick({ title: true, annotations: true, rewordedAt: true });
type Reworded = z.infer<typeof Reworded>;

/** Reads an alert of an incident with the texts that were reported last. */
export const listedSignalIn = (item: Item): Signal => ({
  ...StoredSignal.parse(item),
  ...(item['reworded'] !== undefined && Reworded.parse(item['reworded'])),
});

/** Returns when a notification last said that an alert fires, to an hour; for older records the latest possible time. */
export const notifiedAt = ({ notified_at: at, expires_at: expires, starts_at: startsAt }: Item): Timestamp =>
  typeof at === 'string'
    ? Timestamp.parse(at)
    : typeof expires === 'number'
      ? timestamp((expires - (RETENTION_DAYS.episode - 1) * 24 * 3600) * 1000) // stored before it was recorded
      : Timestamp.parse(startsAt);

function* batches<A extends Pick<Arrival, 'signal'>>(arrivals: readonly A[]): Generator<A[], undefined> {
  let batch: A[] = [];
  let scope: string | undefined;
  const reports = new Set<string>();
  for (const arrival of arrivals) {
    const [itsScope, report] = [scopeOf(arrival.signal), reportKeyOf(arrival.signal)];
    if (batch.length === SIGNALS_PER_TRANSACTION || (batch.length > 0 && (itsScope !== scope || reports.has(report)))) {
      yield batch;
      batch = [];
      reports.clear();
    }
    batch.push(arrival);
    scope = itsScope;
    reports.add(report);
  }
  if (batch.length > 0) yield batch;
  return undefined;
}

function merge(all: Admitted, one: Admitted): void {
  all.wake.push(...one.wake);
  all.opened.push(...one.opened);
  all.withoutIncident.push(...one.withoutIncident);
  all.ignoredEnds.push(...one.ignoredEnds);
  for (const key of ['opened', 'joined', 'recorded', 'known'] as const) all.counts[key] += one.counts[key];
}
