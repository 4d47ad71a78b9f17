import type { DrillId } from '../../schemas/drill.ts';
import type { FreezeScope } from '../../schemas/freeze.ts';
import type { ChangeId, IncidentId } from '../../schemas/names.ts';
import type { DigestOf, Place } from '../../domain/ports.ts';
import type { Subject, Target } from '../../schemas/projection.ts';
import type { Timestamp } from '../../schemas/time.ts';
import { sha256 } from '../hash.ts';

/** Keys of the one table; docs/data-model.md tells who reads and writes what. */
export type Key = { pk: string; sk: string };

/** DynamoDB takes 2048 bytes of a partition key and 1024 of a sort key, of which a key here has up to three parts. */
const PART_MAX_CHARS = 320;

/** '#' separates the parts of a key, and names may hold anything: a letter of Chinese is nine characters here. */
const part = (name: string): string => short(encodeURIComponent(name));

/** A long one ends in its hash; nothing that was encoded has a percent sign before a tilde. */
const short = (encoded: string): string =>
  encoded.length <= PART_MAX_CHARS ? encoded : `${encoded.slice(0, PART_MAX_CHARS - 66)}%~${sha256(encoded)}`;

const placeOf = ({ service, environment }: Place): string => `${part(service)}#${part(environment)}`;

/** A service and a team never hold together. */
const scopeOf = ({ service, team, environment }: FreezeScope): string =>
  [
    service === null ? (team === null ? '*' : `team:${part(team)}`) : `service:${part(service)}`,
    environment === null ? '*' : part(environment),
  ].join('#');

/**
 * DynamoDB writes at most 1,000 units a second to one partition key, and an index that cannot keep up throttles the
 * table itself. Partitions that are written with each alert, message, or deployment are therefore split: four of them
 * take the 4,000 units a second that a new on-demand table starts with. Changing the number needs a rewrite of the table.
 */
const SHARDS = 4;

/** 256 is a multiple of `SHARDS`, so that all shards get the same share. */
const shardOf = (name: string): number => parseInt(sha256(name).slice(0, 2), 16) % SHARDS;

const shardsOf = (name: string): readonly string[] => Array.from({ length: SHARDS }, (_, shard) => `${name}#${shard}`);

/** Sequences sort as text up to this many digits. */
const digits = (n: number): string => String(n).padStart(10, '0');

export const keys = {
  /** How the table is laid out, as a number. */
  format: (): Key => ({ pk: 'FORMAT', sk: 'FORMAT' }),
  incident: (id: IncidentId): Key => ({ pk: `INC#${id}`, sk: 'META' }),
  inbox: (id: IncidentId, seq: number): Key => ({ pk: `INC#${id}`, sk: `IN#${digits(seq)}` }),
  inboxKey: (id: IncidentId, key: string): Key => ({ pk: `INC#${id}`, sk: `INKEY#${key}` }),
  signal: (id: IncidentId, at: Timestamp, hash: string): Key => ({ pk: `INC#${id}`, sk: `SIG#${at}#${hash}` }),
  /** Which of its alerts have been found where they live. */
  seen: (id: IncidentId): Key => ({ pk: `INC#${id}`, sk: 'SEEN' }),
  timeline: (id: IncidentId, at: Timestamp, key: string): Key => ({ pk: `INC#${id}`, sk: `TL#${at}#${key}` }),
  digest: (of: DigestOf, stakeholder: string): Key => ({
    pk: of === 'shadow-report' ? 'REPORT#shadow' : `INC#${of}`,
    sk: `DIGEST#${stakeholder}`,
  }),
  /** A way of telling stakeholders that is left in peace. */
  digestPause: (way: string): Key => ({ pk: 'DIGESTPAUSE', sk: way }),
  digestPauses: (): Pick<Key, 'pk'> => ({ pk: 'DIGESTPAUSE' }),
  noted: (id: IncidentId, key: string): Key => ({ pk: `INC#${id}`, sk: `TLKEY#${key}` }),
  effect: (id: IncidentId, key: string): Key => ({ pk: `INC#${id}`, sk: `EFF#${key}` }),
  decision: (id: IncidentId, number: number): Key => ({ pk: `INC#${id}`, sk: `DEC#${digits(number)}` }),
  runbook: (id: IncidentId, number: number): Key => ({ pk: `INC#${id}`, sk: `RBK#${digits(number)}` }),
  runbookName: (id: IncidentId, name: string): Key => ({ pk: `INC#${id}`, sk: `RBKNAME#${name}` }),
  /** By which runs are listed. */
  runbookRun: (id: IncidentId, number: number): Key => ({ pk: `INC#${id}`, sk: `RBKRUN#${digits(number)}` }),
  /** What is remembered of its steps. */
  runbookMemory: (id: IncidentId, number: number, what: string): Key => ({
    pk: `INC#${id}`,
    sk: `RBKMEM#${digits(number)}#${what}`,
  }),
  open: (scope: string): Key => ({ pk: `OPEN#${scope.split('#').map(short).join('#')}`, sk: 'OPEN' }),
  /** Which services outside the catalogue have an incident of their own. */
  unmatchedPlaces: (): Key => ({ pk: 'UNMATCHED', sk: 'PLACES' }),
  child: (parent: IncidentId, child: IncidentId): Key => ({ pk: `INC#${parent}`, sk: `CHILD#${child}` }),
  opening: (at: Timestamp, id: IncidentId): Key => ({ pk: 'OPENINGS', sk: `${at}#${id}` }),
  openings: (): Pick<Key, 'pk'> => ({ pk: 'OPENINGS' }),
  pending: (id: IncidentId): Key => ({ pk: `PENDING#${shardOf(id)}`, sk: id }),
  /** An effect without an outcome. */
  unfinished: (id: IncidentId, key: string): Key => ({ pk: `UNFINISHED#${shardOf(id)}`, sk: `${id}#${part(key)}` }),
  /** Counters of one group, spread over shards: all functions write to them. */
  counts: (group: string, shard: number): Key => ({ pk: `COUNTS#${group}#${shard % SHARDS}`, sk: 'COUNTS' }),
  /** Incidents that are not resolved. Written twice in the life of an incident, so one partition is enough. */
  openIncident: (id: IncidentId): Key => ({ pk: 'OPENINC', sk: id }),
  openIncidents: (): Pick<Key, 'pk'> => ({ pk: 'OPENINC' }),
  /** All incidents of a service. */
  incidentOf: (service: string, id: IncidentId): Key => ({ pk: `INCOF#${part(service)}`, sk: id }),
  incidentsOf: (service: string): Pick<Key, 'pk'> => ({ pk: `INCOF#${part(service)}` }),
  /** The newest episode of an alert. */
  alert: (hash: string): Key => ({ pk: `EP#${hash}`, sk: 'EP' }),
  change: (place: Place, startedAt: Timestamp, id: ChangeId): Key => ({
    pk: `CHG#${placeOf(place)}`,
    sk: `${startedAt}#${id}`,
  }),
  changes: (place: Place): Pick<Key, 'pk'> => ({ pk: `CHG#${placeOf(place)}` }),
  /** All changes of a service, in whatever environment. */
  changeOf: (service: string, startedAt: Timestamp, id: ChangeId): Key => ({
    pk: `CHGOF#${part(service)}`,
    sk: `${startedAt}#${id}`,
  }),
  changesOf: (service: string): Pick<Key, 'pk'> => ({ pk: `CHGOF#${part(service)}` }),
  changeById: (id: ChangeId): Key => ({ pk: `CHGID#${id}`, sk: 'CHG' }),
  live: (place: Place): Key => ({ pk: 'LIVE', sk: placeOf(place) }),
  lock: (resource: string): Key => ({ pk: `LOCK#${part(resource)}`, sk: 'LOCK' }),
  /** Automatic acts of all services of the last hour. */
  pace: (): Key => ({ pk: 'PACE', sk: 'PACE' }),
  /** Acts that automation has decided on, by service: its error budget. */
  deed: (service: string, at: Timestamp, key: string): Key => ({ pk: `DEED#${part(service)}`, sk: `${at}#${key}` }),
  deeds: (service: string): Pick<Key, 'pk'> => ({ pk: `DEED#${part(service)}` }),
  demotion: (service: string): Key => ({ pk: 'DEMOTED', sk: part(service) }),
  demotions: (): Pick<Key, 'pk'> => ({ pk: 'DEMOTED' }),
  promotion: (service: string): Key => ({ pk: 'PROMOTED', sk: part(service) }),
  pin: (place: Place, at: Timestamp, id: string): Key => ({ pk: `PIN#${placeOf(place)}`, sk: `${at}#${id}` }),
  pins: (place: Place): Pick<Key, 'pk'> => ({ pk: `PIN#${placeOf(place)}` }),
  /** The pins of a place that nobody has lifted, together. */
  pinned: (place: Place): Key => ({ pk: `PINNED#${placeOf(place)}`, sk: 'PINNED' }),
  /** A place that has had a pin. */
  pinnedPlace: (place: Place): Key => ({ pk: 'PINNEDPLACES', sk: placeOf(place) }),
  pinnedPlaces: (): Pick<Key, 'pk'> => ({ pk: 'PINNEDPLACES' }),
  gate: (place: Place): Key => ({ pk: `GATE#${placeOf(place)}`, sk: 'GATE' }),
  pinById: (id: string): Key => ({ pk: `PINID#${part(id)}`, sk: 'PIN' }),
  rolling: (id: ChangeId): Key => ({ pk: 'ROLLING', sk: id }),
  rollings: (): Pick<Key, 'pk'> => ({ pk: 'ROLLING' }),
  failure: (id: ChangeId): Key => ({ pk: 'FAILED', sk: id }),
  failures: (): Pick<Key, 'pk'> => ({ pk: 'FAILED' }),
  act: (place: Place, at: Timestamp, key: string): Key => ({ pk: `ACT#${placeOf(place)}`, sk: `${at}#${key}` }),
  acts: (place: Place): Pick<Key, 'pk'> => ({ pk: `ACT#${placeOf(place)}` }),
  drill: (id: DrillId): Key => ({ pk: `DRILL#${id}`, sk: 'DRILL' }),
  /** Drills that are not over. */
  drilling: (id: DrillId): Key => ({ pk: 'DRILLING', sk: id }),
  drillings: (): Pick<Key, 'pk'> => ({ pk: 'DRILLING' }),
  /** When the way back of a place was last proved. */
  proved: (place: Place): Key => ({ pk: 'PROVED', sk: placeOf(place) }),
  proveds: (): Pick<Key, 'pk'> => ({ pk: 'PROVED' }),
  /** What happened to an objective's events on one day (UTC), in buckets of five minutes. */
  sloDay: (id: string, day: string): Key => ({ pk: `SLODAY#${part(id)}`, sk: day }),
  /** What the last evaluation found for the objectives of a place. */
  sloStatus: (place: Place): Key => ({ pk: 'SLOSTATUS', sk: placeOf(place) }),
  sloStatuses: (): Pick<Key, 'pk'> => ({ pk: 'SLOSTATUS' }),
  /** When objectives were last evaluated, and who may do it now. */
  sloEvaluation: (): Key => ({ pk: 'SLOEVALUATION', sk: 'SLOEVALUATION' }),
  /** Whose evaluations count. */
  sloLease: (): Key => ({ pk: 'SLOLEASE', sk: 'SLOLEASE' }),
  /** What was last heard of a burn alert of an objective. */
  sloAlert: (id: string, fingerprint: string): Key => ({ pk: 'SLOALERTS', sk: `${part(id)}#${part(fingerprint)}` }),
  sloAlerts: (): Pick<Key, 'pk'> => ({ pk: 'SLOALERTS' }),
  freeze: (id: string): Key => ({ pk: `FREEZE#${part(id)}`, sk: 'FREEZE' }),
  /** A deployment that an override has let through. */
  freezeUse: (id: string, override: string, deployment: string): Key => ({
    pk: `FREEZE#${part(id)}`,
    sk: `USE#${part(override)}#${part(deployment)}`,
  }),
  /** The freezes of one scope that are not over, for checks. */
  freezeScope: (scope: FreezeScope): Key => ({ pk: `FREEZES#${scopeOf(scope)}`, sk: 'FREEZES' }),
  /** Those that are scheduled, in force or not settled. */
  freezing: (id: string): Key => ({ pk: 'FREEZING', sk: part(id) }),
  freezings: (): Pick<Key, 'pk'> => ({ pk: 'FREEZING' }),
  /** What causes one, so that it causes no second. */
  freezeCause: (cause: string): Key => ({ pk: `FREEZECAUSE#${part(cause)}`, sk: 'FREEZECAUSE' }),
  freezeDecision: (id: string): Key => ({ pk: `FREEZEDEC#${part(id)}`, sk: 'FREEZEDEC' }),
  /** A deployment elsewhere that waits for our word. */
  waitingGate: (id: string): Key => ({ pk: 'WAITING', sk: part(id) }),
  waitingGates: (): Pick<Key, 'pk'> => ({ pk: 'WAITING' }),
  /** Entries of the sealed log, by the minute in which they were written. */
  logEntry: (minute: string, at: Timestamp, id: string): Key => ({ pk: `LOG#${minute}`, sk: `${at}#${part(id)}` }),
  logMinute: (minute: string): Pick<Key, 'pk'> => ({ pk: `LOG#${minute}` }),
  /** An entry that was written with what it tells of, and is not in the log yet. */
  logWaiting: (at: Timestamp, id: string): Key => ({ pk: `LOGWAITING#${shardOf(id)}`, sk: `${at}#${part(id)}` }),
  /** An entry is there, whatever the minute. */
  logEntryById: (id: string): Key => ({ pk: `LOGID#${part(id)}`, sk: 'LOGID' }),
  /** Counts what goes into a minute, until it is closed; several, so that those who write seldom meet. */
  logGate: (minute: string, shard: number): Key => ({ pk: `LOGGATE#${minute}#${shard}`, sk: 'LOGGATE' }),
  /** A minute that may have entries and is not sealed. */
  logOpen: (minute: string): Key => ({ pk: 'LOGOPEN', sk: minute }),
  logOpens: (): Pick<Key, 'pk'> => ({ pk: 'LOGOPEN' }),
  /** How far a minute is sealed, and by which seals. */
  logSealed: (minute: string): Key => ({ pk: 'LOGSEALED', sk: minute }),
  logSealeds: (): Pick<Key, 'pk'> => ({ pk: 'LOGSEALED' }),
  seal: (number: number): Key => ({ pk: 'SEALS', sk: digits(number) }),
  seals: (): Pick<Key, 'pk'> => ({ pk: 'SEALS' }),
  /** The hash at each entry of a seal, to tell which one is wrong. */
  sealLinks: (number: number): Key => ({ pk: `SEALLINKS#${digits(number)}`, sk: 'SEALLINKS' }),
  /** The version of the configuration that the log names last. */
  loggedConfig: (): Key => ({ pk: 'LOGCONFIG', sk: 'LOGCONFIG' }),
  quarantine: (id: string): Key => ({ pk: 'QUARANTINE', sk: id }),
  /** What was kept on a day, in all or of one sender. In the same partition: whoever keeps may write nothing else. */
  quarantineDay: (day: string, sender?: string): Key => ({
    pk: 'QUARANTINE',
    sk: sender === undefined ? `day#${day}` : `sender#${day}#${sender}`,
  }),
  /** Which page of ours an incident of the pager is about. */
  pagerIncident: (external: string): Key => ({ pk: `PAGERINC#${part(external)}`, sk: 'PAGERINC' }),
  automation: (): Key => ({ pk: 'AUTOMATION', sk: 'AUTOMATION' }),
  token: (hash: string): Key => ({ pk: `TOKEN#${hash}`, sk: 'TOKEN' }),
  tokenById: (id: string): Key => ({ pk: 'TOKENS', sk: id }),
  /** A token whose record Firebreak did not write, by its hash. */
  refusedToken: (hash: string): Key => ({ pk: 'TOKENSREFUSED', sk: hash }),
  refusedTokens: (): Pick<Key, 'pk'> => ({ pk: 'TOKENSREFUSED' }),
  tokenName: (name: string): Key => ({ pk: 'TOKENNAMES', sk: name }),
  /** What targets have still to show. */
  due: (subject: Subject): Key => ({ pk: 'DUE', sk: subject }),
  dues: (): Pick<Key, 'pk'> => ({ pk: 'DUE' }),
  projector: (target: Target): Key => ({ pk: `PROJECTOR#${target}`, sk: 'PROJECTOR' }),
  projection: (target: Target, subject: Subject): Key => ({ pk: `PRJ#${subject}`, sk: target }),
  sent: (target: Target, subject: Subject, key: string): Key => ({
    pk: `PRJ#${subject}`,
    sk: `${target}#${part(key)}`,
  }),
  bulletin: (id: string): Key => ({ pk: `BULLETIN#${id}`, sk: 'HEAD' }),
  bulletinAlert: (id: string, hash: string): Key => ({ pk: `BULLETIN#${id}`, sk: `EP#${hash}` }),
  /** Whose channel it is, by the chat's id. */
  channel: (chatId: string): Key => ({ pk: `CHANNEL#${part(chatId)}`, sk: 'CHANNEL' }),
  /** What came of something that a person did elsewhere. */
  hearing: (key: string): Key => ({ pk: `HEARD#${sha256(key)}`, sk: 'HEARD' }),
  /** Somebody, or a group, as the chat knows them. */
  acquaintance: (kind: 'user' | 'group', id: string): Key => ({ pk: `CHAT#${part(id)}`, sk: kind }),
  counter: (row: string): Key => ({ pk: `COUNTER#${part(row)}`, sk: 'COUNTER' }),
  idempotency: (principal: string, route: string, key: string): Key => ({
    pk: `IDEM#${part(principal)}#${part(route)}#${part(key)}`,
    sk: 'IDEM',
  }),
};

/** The partitions of `keys.logWaiting`. */
export const logWaitingShards = shardsOf('LOGWAITING');

/** The partitions of `keys.pending`. */
export const pendingShards = shardsOf('PENDING');

/** The partitions of `keys.unfinished`. */
export const unfinishedShards = shardsOf('UNFINISHED');

/** All keys of `keys.counts` for a group. */
export const countsOf = (group: string): Key[] =>
  Array.from({ length: SHARDS }, (_, shard) => keys.counts(group, shard));

/** Lists across places, newest first, by the index `list` (eventually consistent). */
export const lists = {
  pins: 'PINS',
  drills: 'DRILLS',
  freezes: 'FREEZELIST',
};

/** The same for lists to which very much is written: each is spread over `shards`. */
export const shardedLists = {
  incidents: shardedList('INCIDENTS'),
  changes: shardedList('CHANGES'),
  recorded: shardedList('RECORDED'),
  muted: shardedList('MUTED'),
  runbookRuns: shardedList('RUNBOOKRUNS'),
};

export type ShardedList = ReturnType<typeof shardedList>;

function shardedList(name: string) {
  return {
    name,
    shards: shardsOf(name),
    /**
     * The attributes by which an item is in the list.
     *
     * @param id decides on the shard, so it must stay the same while the item lives
     * @param key sorts the list; no two items of a list may have the same one
     */
    place: (id: string, key: string) => ({ list: `${name}#${shardOf(id)}`, list_key: key }),
  };
}
