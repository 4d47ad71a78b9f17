import type { Access, ItemAccess } from '../../platforms/aws/infra/product.ts';
import { type QueueName, SIGNAL_QUEUES } from '../../schemas/config/queues.ts';
import { PROJECTION_TARGET_NAMES } from '../../schemas/incidents/projection.ts';
import type { FunctionName } from './functions.ts';

/** With names of queues. */
type FunctionAccess = Access & { takesFrom?: readonly QueueName[]; sendsTo?: readonly QueueName[] };

/** A transaction needs the permissions of its parts. */
const ALL_ITEMS: readonly ItemAccess[] = [
  {
    on: 'table',
    actions: ['GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem', 'ConditionCheckItem'],
  },
  { on: 'index', actions: ['Query'] },
];

/** What the status page shows: keys of these kinds, in core/stores/keys.ts. */
const PUBLIC_RECORDS: readonly ItemAccess[] = [
  { on: 'table', actions: ['GetItem', 'Query'], keys: ['PUBLIC#*', 'PUBLICMONTH#*', 'PUBLICOPEN', 'PUBLICCOMPONENTS'] },
];

/** Subscriptions, and the mark of those that need a message: keys of these kinds, in core/stores/keys.ts. */
const SUBSCRIPTIONS: readonly ItemAccess[] = [
  { on: 'table', actions: ['GetItem', 'PutItem', 'DeleteItem'], keys: ['SUBSCRIBERS#*'] },
  { on: 'table', actions: ['UpdateItem'], keys: ['SUBREQUESTS#*', 'DUE'] },
];

/**
 * What each function may do on AWS, besides reading its secrets. Functions that change shown data wake the projectors.
 * The folder `doctor` holds the last results of checks of connections and generated rules.
 */
export const ACCESS: Readonly<Record<FunctionName, FunctionAccess>> = {
  http: {
    items: ALL_ITEMS,
    reads: ['config', 'quarantine', 'decisions', 'runbooks', 'freeze-decisions', 'audit', 'evidence'],
    writes: ['quarantine', 'signals', 'runbooks', 'freeze-decisions', 'doctor'],
    startsRuns: true,
    sendsTo: [...SIGNAL_QUEUES, 'people'],
    wakesProjectors: true,
    operatesQueues: true,
  },
  // Actions of people in the console, as over HTTP. It replays quarantined inputs, and starts runbooks.
  console: {
    items: ALL_ITEMS,
    reads: ['config', 'quarantine', 'decisions', 'runbooks', 'freeze-decisions', 'audit', 'evidence', 'doctor'],
    writes: ['quarantine', 'signals', 'runbooks'],
    startsRuns: true,
    sendsTo: [...SIGNAL_QUEUES, 'people'],
    wakesProjectors: true,
  },
  // Everybody may open the status pages, so their function can read public records only.
  status: { items: PUBLIC_RECORDS, reads: ['config'] },
  // Everybody may subscribe, so this function can write subscriptions only. Another one sends the messages.
  subscriptions: { items: SUBSCRIPTIONS, reads: ['config'], sendsTo: ['subscribers'] },
  // Its files are for everybody, so it can read public records only, too.
  snapshot: { items: PUBLIC_RECORDS, reads: ['config'], writesSnapshot: true },
  // It only writes quarantine entries and counts refused requests: other functions execute what people request.
  slack: {
    items: [
      { on: 'table', actions: ['GetItem'] },
      { on: 'table', actions: ['UpdateItem'], keys: ['QUARANTINE'] },
      { on: 'index', actions: ['Query'] },
      { on: 'table', actions: ['UpdateItem'], keys: ['COUNTS#refusals#*'] },
    ],
    reads: ['config'],
    writes: ['quarantine'],
    sendsTo: ['people'],
  },
  // Requests of people are executed as over HTTP.
  inbound: {
    items: ALL_ITEMS,
    reads: ['config', 'decisions', 'freeze-decisions'],
    writes: ['quarantine', 'freeze-decisions'],
    startsRuns: true,
    takesFrom: ['people'],
    sendsTo: ['people'], // the on-call lookup for a declared incident is a separate message
    wakesProjectors: true,
  },
  route: {
    items: ALL_ITEMS,
    reads: ['config'],
    writes: ['quarantine'],
    startsRuns: true,
    takesFrom: SIGNAL_QUEUES,
    wakesProjectors: true,
  },
  project: { items: ALL_ITEMS, reads: ['config'], takesFrom: PROJECTION_TARGET_NAMES, wakesProjectors: true },
  // It admits muted alerts like the router when their mute ends, sends signals about unfinished deployments, seals the
  // log, stores evidence, and answers deployments that wait at GitHub.
  sweep: {
    items: ALL_ITEMS,
    reads: ['config', 'audit', 'decisions', 'evidence', 'freeze-decisions', 'doctor'],
    writes: ['audit', 'evidence', 'freeze-decisions', 'doctor'],
    startsRuns: true,
    checksRuns: true,
    sendsTo: SIGNAL_QUEUES,
    wakesProjectors: true,
  },
  evaluate: { items: ALL_ITEMS, reads: ['config'], wakesProjectors: true }, // freezes are shown
  // Failed deliveries are recorded on the timeline. The digests of teams count the steps of runbooks.
  digest: { items: ALL_ITEMS, reads: ['config', 'runbooks'], wakesProjectors: true },
  'incident-response': {
    items: ALL_ITEMS,
    reads: ['config', 'decisions', 'runbooks'],
    writes: ['decisions', 'runbooks'],
    startsRuns: true,
    sendsTo: SIGNAL_QUEUES, // findings of watches
    wakesProjectors: true,
    callsTargets: true,
  },
};
