import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { type Key, digits, part, shardOf, short } from './parts.ts';

/** Keys of incidents and the alerts before them. */
export const incidentKeys = {
  /** The record of an incident. */
  incident: (id: IncidentId): Key => ({ pk: `INC#${id}`, sk: 'META' }),
  /** The incident with a number. Also shows which numbers are taken. */
  incidentNumber: (number: number): Key => ({ pk: 'INCNUMBER', sk: digits(number) }),
  incidentNumbers: (): Pick<Key, 'pk'> => ({ pk: 'INCNUMBER' }),
  /** A message of an incident's inbox. */
  inbox: (id: IncidentId, seq: number): Key => ({ pk: `INC#${id}`, sk: `IN#${digits(seq)}` }),
  /** Marks that a message with this idempotency key is in the inbox. */
  inboxKey: (id: IncidentId, key: string): Key => ({ pk: `INC#${id}`, sk: `INKEY#${key}` }),
  /** An alert of an incident, by its start. */
  signal: (id: IncidentId, at: Timestamp, hash: string): Key => ({ pk: `INC#${id}`, sk: `SIG#${at}#${hash}` }),
  /** Alerts of the incident whose state at their source was found. */
  seen: (id: IncidentId): Key => ({ pk: `INC#${id}`, sk: 'SEEN' }),
  /** An entry of the timeline. */
  timeline: (id: IncidentId, at: Timestamp, key: string): Key => ({ pk: `INC#${id}`, sk: `TL#${at}#${key}` }),
  /** An action that has begun, and whose evidence is not stored yet. */
  evidenceDue: (id: IncidentId, name: string): Key => ({ pk: 'EVIDENCEDUE', sk: `${id}#${name}` }),
  allEvidenceDue: (): Pick<Key, 'pk'> => ({ pk: 'EVIDENCEDUE' }),
  /** The evidence of an action. */
  evidence: (id: IncidentId, name: string): Key => ({ pk: `INC#${id}`, sk: `EVIDENCE#${name}` }),
  /** Samples of the health query, from this time on. */
  samples: (id: IncidentId, from: Timestamp): Key => ({ pk: `INC#${id}`, sk: `SAMPLES#${from}` }),
  /** An incident that has ended, and whose samples until then are not kept yet. */
  samplesDue: (id: IncidentId): Key => ({ pk: 'SAMPLESDUE', sk: id }),
  allSamplesDue: (): Pick<Key, 'pk'> => ({ pk: 'SAMPLESDUE' }),
  /** Marks that an entry of the timeline, or a change of the incident, with this idempotency key is stored. */
  noted: (id: IncidentId, key: string): Key => ({ pk: `INC#${id}`, sk: `TLKEY#${key}` }),
  /** An effect of an incident. */
  effect: (id: IncidentId, key: string): Key => ({ pk: `INC#${id}`, sk: `EFF#${key}` }),
  /** A decision of an incident, with its inputs. */
  decision: (id: IncidentId, number: number): Key => ({ pk: `INC#${id}`, sk: `DEC#${digits(number)}` }),
  /** A controlled look for a decision. */
  look: (id: IncidentId, number: number): Key => ({ pk: `INC#${id}`, sk: `LOOK#${digits(number)}` }),
  /** A run of a runbook, with a copy of the runbook. */
  runbook: (id: IncidentId, number: number): Key => ({ pk: `INC#${id}`, sk: `RBK#${digits(number)}` }),
  /** The newest run of a runbook in an incident, so that it runs once at a time. */
  runbookName: (id: IncidentId, name: string): Key => ({ pk: `INC#${id}`, sk: `RBKNAME#${name}` }),
  /** Lists the runs of runbooks. */
  runbookRun: (id: IncidentId, number: number): Key => ({ pk: `INC#${id}`, sk: `RBKRUN#${digits(number)}` }),
  /** A value that a runbook's step has stored. */
  runbookMemory: (id: IncidentId, number: number, what: string): Key => ({
    pk: `INC#${id}`,
    sk: `RBKMEM#${digits(number)}#${what}`,
  }),
  /** The open incident of a scope, so that there is only one. */
  open: (scope: string): Key => ({ pk: `OPEN#${scope.split('#').map(short).join('#')}`, sk: 'OPEN' }),
  /** Services outside the catalogue that have an incident of their own. */
  unmatchedSlots: (): Key => ({ pk: 'UNMATCHED', sk: 'SLOTS' }),
  /** A child of a parent incident. */
  child: (parent: IncidentId, child: IncidentId): Key => ({ pk: `INC#${parent}`, sk: `CHILD#${child}` }),
  /** An incident of all services that has opened recently. */
  opening: (at: Timestamp, id: IncidentId): Key => ({ pk: 'OPENINGS', sk: `${at}#${id}` }),
  openings: (): Pick<Key, 'pk'> => ({ pk: 'OPENINGS' }),
  /** An incident with messages that its workflow has not read. */
  pending: (id: IncidentId): Key => ({ pk: `PENDING#${shardOf(id)}`, sk: id }),
  /** An effect without an outcome. */
  unfinished: (id: IncidentId, key: string): Key => ({ pk: `UNFINISHED#${shardOf(id)}`, sk: `${id}#${part(key)}` }),
  /** Incidents that are not resolved. Written twice in the life of an incident, so one partition is enough. */
  openIncident: (id: IncidentId): Key => ({ pk: 'OPENINC', sk: id }),
  openIncidents: (): Pick<Key, 'pk'> => ({ pk: 'OPENINC' }),
  /** All incidents of a service. */
  incidentOf: (service: string, id: IncidentId): Key => ({ pk: `INCOF#${part(service)}`, sk: id }),
  incidentsOf: (service: string): Pick<Key, 'pk'> => ({ pk: `INCOF#${part(service)}` }),
  /** The newest episode of an alert, as one sender reports it. Without a sender: as Firebreak itself does. */
  alert: (hash: string, reporter?: string): Key => ({
    pk: `EP#${hash}`,
    sk: reporter === undefined ? 'EP' : `EP#${part(reporter)}`,
  }),
  /** A notice about alerts without an incident, in a channel or a ticket. */
  alertNotice: (id: string): Key => ({ pk: `NOTICE#${id}`, sk: 'HEAD' }),
  /** An alert of such a notice. */
  alertOfNotice: (id: string, hash: string): Key => ({ pk: `NOTICE#${id}`, sk: `EP#${hash}` }),
  /** The incident of a channel, by the channel's id in the chat. */
  channel: (chatId: string): Key => ({ pk: `CHANNEL#${part(chatId)}`, sk: 'CHANNEL' }),
  /** The page that a PagerDuty incident belongs to. */
  pagerIncident: (external: string, page: { incidentId: string; number: number }): Key => ({
    pk: `PAGERINC#${part(external)}`,
    sk: `PAGERINC#${page.incidentId}#${digits(page.number)}`,
  }),
  pagesOfPagerIncident: (external: string): Pick<Key, 'pk'> => ({ pk: `PAGERINC#${part(external)}` }),
  /** The groups in which a firing alert inhibits others. */
  inhibitor: (hash: string): Key => ({ pk: `INHIBITOR#${hash}`, sk: 'INHIBITOR' }),
  /** A firing alert in such a group. */
  inhibiting: (group: string, hash: string): Key => ({ pk: `INHIBITING#${group}`, sk: hash }),
  inhibitingOf: (group: string): Pick<Key, 'pk'> => ({ pk: `INHIBITING#${group}` }),
  /** The same as versions up to 0.2.0 stored it: all in one partition. */
  formerInhibitor: (hash: string): Key => ({ pk: 'INHIBITORS', sk: hash }),
  formerInhibitors: (): Pick<Key, 'pk'> => ({ pk: 'INHIBITORS' }),
  /** An input in quarantine. */
  quarantine: (id: string): Key => ({ pk: 'QUARANTINE', sk: id }),
  /**
   * Count of a day's quarantined inputs, in total or for one sender. In the same partition, because the writer's
   * permissions cover only that one.
   */
  quarantineDay: (day: string, sender?: string): Key => ({
    pk: 'QUARANTINE',
    sk: sender === undefined ? `day#${day}` : `sender#${day}#${sender}`,
  }),
};
