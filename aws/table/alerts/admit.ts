import {
  alertOf,
  type Arrival,
  asks,
  type Closed,
  highest,
  isEvent,
  type KnownEpisode,
  looksBack,
  noveltyOf,
  type Novelty,
  opensIncident,
  pages,
  scopeOf,
} from '../../../domain/alerts/admission.ts';
import type { Receipt } from '../../../domain/ports/alerts.ts';
import type { Admitted, IncidentChange } from '../../../domain/ports/incidents.ts';
import type { Clock } from '../../../domain/ports/system.ts';
import {
  isWorthTelling,
  pagesAgain,
  SHARED_ENVIRONMENT,
  SHARED_SCOPE,
  sharedTitle,
} from '../../../domain/alerts/unmatched.ts';
import { type IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Message } from '../../../schemas/incidents/inbox.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { StoredIncident, StoredSignal } from '../../../schemas/incidents/stored-records.ts';
import { sha256 } from '../../hash.ts';
import { mintIncidentId } from '../../ids.ts';
import { episodeItems, episodeKey } from './episodes.ts';
import { keys, shardedLists } from '../core/keys.ts';
import { mailWrites } from '../incidents/inbox.ts';
import { blankIncident, newIncidentWrites } from '../incidents/new-incident.ts';
import { expiresAfter, isToBeRenewed, RETENTION_DAYS } from '../core/retention.ts';
import { absent, type Condition, type Item, type Table, type Write } from '../core/table.ts';
import { placesNow, type Target, targetOf } from './unmatched.ts';

/** Signals per transaction: with two items each and a few others, it stays below DynamoDB's limit of 100. */
const SIGNALS_PER_TRANSACTION = 25;

/** Attempts when another process writes the same incident at the same time. */
const TRIES = 20;

type Heard = Arrival & { row: Episode | undefined; novelty: Novelty };
/** The current time, the scope that can have one open incident, and the trace of the request. */
type Here = { at: Timestamp; trace: string } & Pick<Target, 'scope' | 'mayOpen' | 'claim'>;
/** `pk`: partition key under which the episode was read. */
type Episode = KnownEpisode & {
  pk: string;
  rev: number;
  incidentId: IncidentId | null;
  episode: string;
  expiresAt: number | undefined;
};

/** Adds signals to the table; see docs/reference/data-model.md, "Admission of signals". */
export async function admit(
  table: Table,
  clock: Clock,
  arrivals: readonly Arrival[],
  receipt: Pick<Receipt, 'at' | 'trace'>,
  unmatchedIncidents: number,
): Promise<Admitted> {
  const admitted: Admitted = { wake: [], opened: [], apart: [], counts: { ...NOTHING } };
  const isKnown = ({ signal }: Arrival): boolean => signal.unmatched === null;
  for (const batch of batches(arrivals.filter(isKnown)))
    merge(admitted, await admitBatch(table, clock, batch, receipt));
  const unmatched = arrivals.filter((one) => !isKnown(one));
  await admitUnmatched({ table, clock, max: unmatchedIncidents }, unmatched, receipt, admitted);
  return { ...admitted, wake: [...new Set(admitted.wake)] };
}

const NOTHING = { opened: 0, joined: 0, recorded: 0, known: 0 };

async function admitBatch(
  table: Table,
  clock: Clock,
  batch: readonly Arrival[],
  receipt: Pick<Receipt, 'at' | 'trace'>,
): Promise<Admitted> {
  const [first] = batch;
  if (first === undefined) throw new RangeError('a batch of signals must not be empty');
  const scope = scopeOf(first.signal);
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const incident = await openIncident(table, scope);
    const rows = await rowsOf(table, batch, incident?.id);
    const heard = await Promise.all(batch.map((arrival, n) => hear(table, arrival, rows[n], incident, receipt.at)));
    const here = { at: clock.now(), scope, trace: receipt.trace, mayOpen: true };
    const written = await write(table, here, incident, heard);
    if (written !== undefined) return written;
  }
  throw new Error(
    `cannot add signals: the incident of ${scope} changed during all ${TRIES} attempts; the queue redelivers them`,
  );
}

const rowsOf = (table: Table, arrivals: readonly Arrival[], id?: IncidentId): Promise<(Item | undefined)[]> =>
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
  receipt: Pick<Receipt, 'at' | 'trace'>,
  admitted: Admitted,
): Promise<void> {
  let left = arrivals;
  for (let attempt = 1; left.length > 0; attempt += 1) {
    if (attempt > TRIES)
      throw new Error(`incidents of unmatched alerts changed during all ${TRIES} attempts; the queue redelivers them`);
    const at = clock.now();
    const [rows, places] = await Promise.all([rowsOf(table, left), placesNow(table, left, { now: at, max })]);
    const targets = left.map((arrival, n) => targetOf(table, places, arrival, rows[n]));
    const [target] = targets;
    if (target === undefined) return;
    const taken = together(left, targets);
    const batch = taken.flatMap((n) => left[n] ?? []);
    // Only a service's own incident can predate the current keys of alerts.
    const isOwn = target.incident !== undefined && target.scope !== SHARED_SCOPE;
    const known = isOwn ? await rowsOf(table, batch, target.incident?.id) : taken.map((n) => rows[n]);
    const heard = await Promise.all(
      batch.map((arrival, n) => hear(table, arrival, known[n], target.incident, receipt.at)),
    );
    const written = await write(table, { at, trace: receipt.trace, ...target }, target.incident, heard);
    if (written === undefined) continue;
    merge(admitted, written);
    left = left.filter((_, n) => !taken.includes(n));
    attempt = 0;
  }
}

/**
 * Returns the indexes of arrivals with the same target as the first one, up to the size of a transaction. Notifications
 * of one alert stay in order.
 */
function together(arrivals: readonly Arrival[], targets: readonly Target[]): number[] {
  const taken: number[] = [];
  const seen = new Set<string>();
  for (const [n, { signal }] of arrivals.entries()) {
    const alert = alertOf(signal);
    if (!seen.has(alert) && targets[n]?.scope === targets[0]?.scope && taken.length < SIGNALS_PER_TRANSACTION)
      taken.push(n);
    seen.add(alert);
  }
  return taken;
}

async function openIncident(table: Table, scope: string): Promise<IncidentRecord | undefined> {
  const pointer = await table.get(keys.open(scope));
  if (pointer === undefined) return undefined;
  const item = await table.get(keys.incident(IncidentId.parse(pointer['incident_id'])));
  const incident = item && StoredIncident.parse(item);
  return incident?.status === 'resolved' ? undefined : incident;
}

async function hear(
  table: Table,
  arrival: Arrival,
  item: Item | undefined,
  open: IncidentRecord | undefined,
  receivedAt: Timestamp,
): Promise<Heard> {
  const row = item && episodeOf(item);
  const closed = row?.incidentId && row.incidentId !== open?.id ? await closedAt(table, row.incidentId) : null;
  return { ...arrival, row, novelty: noveltyOf(arrival.signal, row, closed, receivedAt, arrival.mute) };
}

async function closedAt(table: Table, id: IncidentId): Promise<Closed> {
  const item = await table.get(keys.incident(id));
  const at = item?.['resolved_at'];
  if (item === undefined || typeof at !== 'string') return null;
  const verified = item['resolved_by'] === null && item['verification'] === 'passed';
  return { resolvedAt: Timestamp.parse(at), verified };
}

const episodeOf = (item: Item): Episode => ({
  status: item['status'] === 'resolved' ? 'resolved' : 'firing',
  asksRollback: item['asks_rollback'] === true,
  startsAt: Timestamp.parse(item['starts_at']),
  endsAt: typeof item['ends_at'] === 'string' ? Timestamp.parse(item['ends_at']) : null,
  assumed: item['assumed'] === true,
  muted: item['muted'] === true,
  severity: item['severity'] === undefined ? null : StoredSignal.shape.severity.parse(item['severity']),
  incidentId: typeof item['incident_id'] === 'string' ? IncidentId.parse(item['incident_id']) : null,
  episode: String(item['episode']),
  pk: String(item['pk']),
  rev: Number(item['rev']),
  expiresAt: typeof item['expires_at'] === 'number' ? item['expires_at'] : undefined,
});

/** Writes the changes of a batch. Returns undefined if something changed in between: read again. */
async function write(
  table: Table,
  here: Here,
  incident: IncidentRecord | undefined,
  heard: readonly Heard[],
): Promise<Admitted | undefined> {
  const { at } = here;
  const fired = heard.filter(({ novelty }) => novelty === 'opens' || novelty === 'returns');
  const asking = heard.filter(
    ({ novelty, signal, row, mute }) =>
      (novelty === 'asks' || (novelty === 'raised' && signal.asksRollback && row?.asksRollback === false)) &&
      mute === null &&
      (row?.incidentId === incident?.id || row?.incidentId === null),
  );
  const raisedApart = heard.filter(
    ({ novelty, row, mute }) => novelty === 'raised' && mute === null && row?.incidentId === null,
  );
  const ofThis = heard.filter(({ row }) => incident !== undefined && row?.incidentId === incident.id);
  const raised = ofThis.filter(({ novelty }) => novelty === 'raised');
  const ended = ofThis.filter(({ novelty }) => novelty === 'resolves');
  const replaced = ofThis.filter(replaces);
  const news = heard.filter(({ novelty }) => novelty !== 'nothing');
  const opens = here.mayOpen && incident === undefined && opensIncident([...fired, ...asking, ...raisedApart]);
  const id = incident?.id ?? (opens ? mintIncidentId(at) : null);
  const counts = { opened: opens ? 1 : 0, joined: 0, recorded: 0, known: heard.length - news.length };
  await renew(table, heard, at);
  if (news.length === 0) {
    if (incident) await renotified(table, incident, heard);
    return { wake: incident ? [incident.id] : [], opened: [], apart: apartOf(heard, null, []), counts };
  }
  // An alert that was recorded without an incident, and now requests a rollback or has a higher severity, belongs to
  // the incident that it opens.
  const attached = [...new Set([...fired, ...asking.filter(({ row }) => row?.incidentId === null), ...raisedApart])];
  const writes = [
    ...news.map((one) =>
      attached.includes(one)
        ? episodeWrite(table, one, { incidentId: id, begins: true }, at)
        : episodeWrite(table, one, { incidentId: one.row?.incidentId ?? null, begins: beginsAnew(one) }, at),
    ),
    ...(id === null ? [] : attached.map(({ signal }) => signalWrite(table, id, signal, at))),
    ...(incident === undefined
      ? []
      : [...ended, ...replaced].map((one) => signalEndWrite(table, incident.id, one, at))),
    ...(opens && id !== null && here.claim ? [here.claim(id, at)] : []),
    ...(id === null ? [] : incidentWrites(table, here, id, incident, { attached, ended, replaced, asking, raised })),
  ];
  const result = await table.transact(writes);
  if (!result.ok) return undefined;
  if (id === null) counts.recorded = news.length;
  else counts.joined = opens ? attached.length - 1 : attached.length;
  return {
    wake: id === null ? [] : [id],
    opened: opens && id !== null ? [id] : [],
    apart: apartOf(heard, id, attached),
    counts,
  };
}

/** Returns the arrivals without an incident and their status: a late "firing" does not reopen a resolved alert. */
const apartOf = (heard: readonly Heard[], id: IncidentId | null, attached: readonly Heard[]): Admitted['apart'] =>
  heard
    .filter((one) => (id === null || !attached.includes(one)) && (one.row?.incidentId ?? null) === null)
    .map((one) => ({
      arrival: { signal: one.signal, delivery: one.delivery, mute: one.mute },
      status:
        one.novelty === 'nothing' && !isEvent(one.signal) ? (one.row?.status ?? one.signal.status) : one.signal.status,
    }));

/**
 * `replaced`: alerts that fired again without having been reported as resolved. `raised`: alerts of this incident with
 * a higher severity.
 */
type Parts = Record<'attached' | 'ended' | 'replaced' | 'asking' | 'raised', readonly Heard[]>;

/** Returns whether this is a different episode from the known one. */
const beginsAnew = ({ row, novelty }: Heard): boolean =>
  row === undefined || novelty === 'opens' || novelty === 'ended';

const replaces = ({ row, novelty }: Heard): boolean => novelty === 'opens' && row?.status === 'firing';

function incidentWrites(
  table: Table,
  here: Here,
  id: IncidentId,
  incident: IncidentRecord | undefined,
  parts: Parts,
): Write[] {
  const fresh = parts.attached.map(({ signal }) => signal);
  const loud = [...parts.attached, ...parts.raised].filter(({ mute }) => mute === null);
  const { at } = here;
  // A returning alert was counted before.
  const joining = parts.attached.filter((one) => beginsAnew(one) || one.row?.incidentId !== id);
  const isShared = here.scope === SHARED_SCOPE;
  if (incident === undefined) {
    const opened = newIncident(id, here, parts.attached);
    return newIncidentWrites(table, here, isShared ? asShared(opened) : opened, fresh);
  }
  const again = isShared && loud.some(pages) && pagesAgain(incident.paged_again_at ?? incident.opened_at, at);
  const message: Message & { kind: 'signals' } = {
    kind: 'signals',
    // A higher severity counts as news, like another alert.
    fired: fresh.length + parts.raised.length,
    resolved: parts.ended.length,
    critical: loud.some(({ signal }) => signal.severity === 'critical'),
    pages: loud.some(pages),
    asksRollback: [...parts.attached, ...parts.asking].some(asks),
    ...(here.trace === incident.trace && { opening: true as const }),
    ...(looksBack(incident, loud) && { looks_back: true as const }),
    ...(again && { again: true as const }),
  };
  if (message.fired === 0 && message.resolved === 0 && parts.asking.length === 0) return [];
  const severity = highest([incident.severity, ...loud.map(({ signal }) => signal.severity)]);
  const counted = {
    signals: joining.length,
    firing: lasting(fresh) - lasting([...parts.ended, ...parts.replaced].map(({ signal }) => signal)),
    asksRollback: message.asksRollback,
  };
  const timeline = {
    actor: 'alerts',
    kind: kindOf(parts),
    text: message.looks_back ? `${tell(parts)}. ${NO_NEW_PAGE}` : tell(parts),
    detail: detailOf(parts),
  };
  const change = {
    ...(severity === incident.severity ? {} : { severity }),
    ...(again && { pagedAgainAt: at }),
    ...(isShared ? sharedChange(incident, counted, timeline) : { timeline }),
  };
  return mailWrites(table, incident, message, at, change, counted);
}

/** A shared incident belongs to no service; its title, which the page shows, is the number of alerts. */
const asShared = (incident: IncidentRecord): IncidentRecord => ({
  ...incident,
  environment: SHARED_ENVIRONMENT,
  unmatched: '',
  title: sharedTitle(incident.signal_count),
});

function sharedChange(
  { signal_count, firing }: IncidentRecord,
  more: { signals: number; firing: number },
  timeline: NonNullable<IncidentChange['timeline']>,
): IncidentChange {
  const count = signal_count + more.signals;
  const isTold = isWorthTelling(signal_count, count) || isWorthTelling(firing, firing + more.firing);
  return {
    title: sharedTitle(count),
    ...(isTold && { timeline: { ...timeline, text: `${timeline.text}. ${count} alerts so far` } }),
  };
}

const NO_NEW_PAGE = 'No new page: the time range of these alerts begins before the mitigation, which is being verified';

const kindOf = ({ attached, raised, ended }: Parts): string =>
  attached.length > 0
    ? 'alerts.fired'
    : raised.length > 0
      ? 'alerts.raised'
      : ended.length > 0
        ? 'alerts.resolved'
        : 'alerts.asked';

function newIncident(id: IncidentId, { at, trace }: Here, all: readonly Arrival[]): IncidentRecord {
  const loud = all.filter(({ mute }) => mute === null);
  const signals = all.map(({ signal }) => signal);
  const channels = new Set(loud.flatMap(({ delivery }) => delivery.channels));
  const loudest = loud
    .map(({ signal }) => signal)
    .toSorted((a, b) => Number(b.severity === 'critical') - Number(a.severity === 'critical'))[0];
  if (loudest === undefined) throw new RangeError('an incident must open with at least one signal');
  return {
    ...blankIncident,
    id,
    service: loudest.service,
    environment: loudest.environment,
    unmatched: loudest.unmatched,
    title: loudest.unmatched ? `${loudest.unmatched}: ${loudest.title}` : loudest.title,
    severity: highest(loud.map(({ signal }) => signal.severity)),
    page: loud.some(pages),
    told_channels: [...channels],
    opened_at: at,
    trace,
    signal_count: signals.length,
    firing: lasting(signals),
    ...(lasting(signals) === 0 && { by_event: true as const }),
    asks_rollback: all.some(asks),
  };
}

/** `begins`: the episode starts with this signal, and is listed under its start. */
function episodeWrite(
  table: Table,
  heard: Heard,
  { incidentId, begins }: { incidentId: IncidentId | null; begins: boolean },
  at: Timestamp,
): Write {
  const { signal, mute, row } = heard;
  const before = row === undefined || begins ? signal : row;
  const asked = row !== undefined && !beginsAnew(heard) && row.asksRollback;
  return table.put(
    {
      ...episodeKey(signal),
      rev: (row?.rev ?? 0) + 1,
      status: isEvent(signal) ? 'resolved' : signal.status,
      asks_rollback: signal.asksRollback || asked,
      severity: highest([signal.severity, ...(row?.severity && !beginsAnew(heard) ? [row.severity] : [])]),
      starts_at: before.startsAt,
      ends_at: signal.status === 'resolved' ? (signal.endsAt ?? at) : null,
      incident_id: incidentId,
      source: signal.source,
      fingerprint: signal.fingerprint,
      episode: before.episode,
      ...expiresAfter(at, RETENTION_DAYS.episode),
      // A signal without an incident is listed by itself; others are listed with their incident.
      ...(incidentId === null ? listedApart(signal, mute, at) : {}),
    },
    row === undefined || row.pk !== episodeKey(signal).pk ? absent : revision(row.rev),
  );
}

/** A muted alert is evaluated again when the mute ends and it still fires; an event is over by then. */
function listedApart(signal: Signal, mute: Arrival['mute'], at: Timestamp): Item {
  const isQuiet = mute !== null && signal.status === 'firing' && !isEvent(signal);
  const alert = sha256(alertOf(signal));
  return {
    signal,
    ...(isQuiet && { muted: true, mute }),
    ...(isQuiet ? shardedLists.muted : shardedLists.recorded).place(alert, `${at}#${alert}`),
  };
}

/** Counts the alerts that stay active until they are resolved. */
const lasting = (signals: readonly Signal[]): number => signals.filter((signal) => !isEvent(signal)).length;

const revision = (rev: number): Condition => ({
  ConditionExpression: 'rev = :rev',
  ExpressionAttributeValues: { ':rev': rev },
});

const signalWrite = (table: Table, id: IncidentId, signal: Signal, at: Timestamp): Write =>
  table.put({ ...keys.signal(id, signal.startsAt, sha256(signal.episode)), ...signal, first_seen_at: at });

/** Ends the listed signal under its known start and name. An alert that fires again had ended by then. */
function signalEndWrite(table: Table, id: IncidentId, { signal, row }: Heard, at: Timestamp): Write {
  const { startsAt, episode } = row ?? signal;
  return signalEnd(table, id, startsAt, episode, signal.status === 'firing' ? signal.startsAt : (signal.endsAt ?? at));
}

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
async function renotified(table: Table, incident: IncidentRecord, heard: readonly Heard[]): Promise<void> {
  if (!heard.some(({ signal }) => signal.status === 'firing')) return;
  await table.touch(keys.incident(incident.id), {
    UpdateExpression: 'ADD renotified :one',
    ExpressionAttributeValues: { ':one': 1 },
  });
}

/** Renews the time to live of alerts that still fire, without other changes. */
async function renew(table: Table, heard: readonly Heard[], at: Timestamp): Promise<void> {
  const renewals = heard.flatMap(({ signal, row, novelty }) =>
    novelty === 'nothing' && signal.status === 'firing' && row?.status === 'firing' && isToBeRenewed(row.expiresAt, at)
      ? [
          table.update(
            { pk: row.pk, sk: episodeKey(signal).sk },
            {
              UpdateExpression: 'SET expires_at = :expires',
              ...revision(row.rev),
              ExpressionAttributeValues: {
                ':rev': row.rev,
                ':expires': expiresAfter(at, RETENTION_DAYS.episode).expires_at,
              },
            },
          ),
        ]
      : [],
  );
  // If another process writes one of them at the same time, the next notification renews the rest.
  if (renewals.length > 0) await table.transact(renewals);
}

function* batches(arrivals: readonly Arrival[]): Generator<Arrival[]> {
  let batch: Arrival[] = [];
  for (const arrival of arrivals) {
    const [first] = batch;
    const alone =
      first !== undefined &&
      (scopeOf(first.signal) !== scopeOf(arrival.signal) ||
        batch.some(({ signal }) => alertOf(signal) === alertOf(arrival.signal)));
    if (alone || batch.length === SIGNALS_PER_TRANSACTION) {
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
  all.apart.push(...one.apart);
  for (const key of ['opened', 'joined', 'recorded', 'known'] as const) all.counts[key] += one.counts[key];
}

const tell = ({ attached, raised, ended, asking }: Parts): string =>
  [
    attached.length > 0 ? `Firing: ${titles(attached)}` : '',
    raised.length > 0
      ? `Severity raised to ${highest(raised.map(({ signal }) => signal.severity))}: ${titles(raised)}`
      : '',
    ended.length > 0 ? `Resolved: ${titles(ended)}` : '',
    attached.length + raised.length === 0 && asking.length > 0 ? `Rollback requested: ${titles(asking)}` : '',
  ]
    .filter(Boolean)
    .join('. ');

function titles(heard: readonly Heard[]): string {
  const names = [...new Set(heard.map(({ signal }) => signal.title))];
  return (
    names.slice(0, 3).join('; ') + (names.length > 3 || heard.length > names.length ? ` (${heard.length} alerts)` : '')
  );
}

const detailOf = ({ attached, raised, ended, asking }: Parts) => ({
  ...(raised.length > 0 && { raised: raised.map(({ signal }) => signal.episode) }),
  fired: attached.map(({ signal }) => signal.episode),
  resolved: ended.map(({ signal }) => signal.episode),
  asked: asking.map(({ signal }) => signal.episode),
});
