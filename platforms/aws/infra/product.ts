import type { Severity, Size, Stage } from './stage.ts';

/** What the deployment needs to know of the product. `sst.config.ts` passes it, because a platform imports no product. */
export type Product = {
  functions: Readonly<Record<FunctionName, FunctionSettings>> &
    Readonly<Record<Scheduled, { everySeconds: number }>> &
    Readonly<Record<'incident-response', { durable: { executionTimeoutSeconds: number; retentionDays: number } }>>;
  /** Functions that a schedule invokes. */
  scheduled: readonly Scheduled[];
  /** Functions that invoke themselves, through a queue or directly. */
  recursive: readonly Recursive[];
  /** Functions that are in the VPC of a stage. */
  reaching: readonly FunctionName[];
  access: Readonly<Record<FunctionName, Access>>;
  /** Returns the permissions that actions on rollback targets need. @throws Error if an ARN is invalid */
  targetPermissions: (targets: Stage['targets']) => Statement[];
  secrets: Secrets;
  /** The function that reads each queue, and the number of messages that it gets at once. */
  queues: Readonly<Record<string, { reader: QueueReader; batchSize: number }>>;
  /** Names of those that only wake a projector. */
  projectorQueues: readonly string[];
  /** Of queues that carry data. */
  queueSettings: QueueSettings;
  wakeQueueSettings: QueueSettings;
  deadLetterDays: number;
  table: { keys: { hash: string; range: string }; index: { name: string; hash: string; range: string }; ttl: string };
  /** Files that the console reads when it runs. */
  consoleFiles: readonly string[];
  /** The console answers these paths and those below them. */
  consolePaths: readonly string[];
  /** The status pages answer these paths and those below the first one. */
  statusPaths: readonly [string, ...string[]];
  /** The pages for subscriptions answer what is below this path. */
  subscriptionsPath: string;
  alarms: Alarms;
};

/** Functions that read queues. */
export type QueueReader = 'route' | 'inbound' | 'project';
export type Scheduled = 'sweep' | 'evaluate' | 'digest' | 'snapshot';
export type PlainFunction = 'http' | 'console' | 'status' | 'subscriptions' | 'slack' | QueueReader | Scheduled;
export type FunctionName = PlainFunction | 'incident-response';
export type Recursive = 'project' | 'incident-response';

type FunctionSettings = { timeoutSeconds: number; memoryMb: number };

export type QueueSettings = { visibilitySeconds: number; maxReceives: number };

/** What a function may do. Absent: nothing of this kind. */
export type Access = {
  items: readonly ItemAccess[];
  /** Folders of the bucket. */
  reads: readonly string[];
  writes?: readonly string[];
  /** It writes the snapshot of the status pages. */
  writesSnapshot?: true;
  /** It starts runs of the workflow, and completes their callbacks. */
  startsRuns?: true;
  /** It checks whether a run has died. */
  checksRuns?: true;
  /** Names of queues. */
  takesFrom?: readonly string[];
  sendsTo?: readonly string[];
  wakesProjectors?: true;
  /** It measures all queues, and lists and returns their dead letters. */
  operatesQueues?: true;
  /** It acts on rollback targets. */
  callsTargets?: true;
};

/**
 * Access to items of the table, or to its index.
 *
 * - `actions`: without `dynamodb:`.
 * - `keys`: patterns of partition keys, with `*` for any characters. Absent: all items.
 */
export type ItemAccess = { on: 'table' | 'index'; actions: readonly string[]; keys?: readonly string[] };

export type Statement = {
  actions: string[];
  resources: $util.Input<string>[];
  conditions?: { test: string; variable: string; values: string[] }[];
};

export type Secrets = {
  /** Names of all secrets that a deployment can set. */
  settable: readonly string[];
  /** Returns the parameters that hold these secrets, by their names below the path. */
  parametersFor: (secrets: Readonly<Record<string, string>>) => Record<string, string>;
  /** Groups of secrets that each function may read: names of parameters. `named`: all in the folder `named`. */
  grants: Readonly<Record<FunctionName, readonly string[]>>;
  /** Folders in the bucket that hold the functions' encrypted copies of their secrets. The same grants have the same folder. */
  copyFolders: Readonly<Record<FunctionName, string>>;
};

/**
 * When an alarm goes off.
 *
 * - `sum`, `max`: the metrics together, or one of them, are above a value.
 * - `new`: a queue has more messages than a minute ago. SQS counts messages that a redrive policy moves in no metric of
 *   sent messages, and a level would stay high until someone deletes them.
 * - `silent`: there was no call.
 */
type Trigger = { kind: 'sum' | 'max'; above: number } | { kind: 'new' } | { kind: 'silent' };

export type Alarm = {
  severity: Severity;
  description: string;
  trigger: Trigger;
  minutes: number;
  /** Its composite alarm notifies instead. */
  isIntake?: true;
  /** A small stage does without it. */
  only?: 'standard';
};

export type AlarmName =
  | 'http-5xx'
  | 'urgent-late'
  | 'urgent-dead-letters'
  | 'people-late'
  | 'workflow-failed'
  | 'workflow-quota'
  | 'runaway'
  | 'sweep-silent'
  | 'signals-late'
  | 'projectors-late'
  | 'dead-letters'
  | 'projector-dead-letters'
  | 'jobs-failed'
  | 'evaluate-silent'
  | 'digest-silent'
  | 'snapshot-silent'
  | 'table-throttled';

export type Alarms = {
  /** Returns the names of the alarms of a size. */
  namesIn: (size: Size) => readonly AlarmName[];
  rowOf: (name: AlarmName) => Alarm;
  /** The composite alarm. */
  intake: { name: string; severity: Severity; description: string; parts: readonly string[] };
};
