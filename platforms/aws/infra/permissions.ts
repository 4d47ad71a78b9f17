import type { FunctionName } from '../../../functions/assembly/functions.ts';
import { copyFolder, FUNCTION_GRANTS, type Grant } from '../../../functions/assembly/secret-groups.ts';
import { type AwsTargets, permissionsFor } from '../../../vendors/aws/permissions.ts';
import { type QueueName, SIGNAL_QUEUES } from '../../../schemas/config/queues.ts';
import { PROJECTION_TARGET_NAMES } from '../../../schemas/incidents/projection.ts';
import { WORKFLOW_ALIAS, type deploymentArns } from './names.ts';
import type { QueueWithDeadLetters } from './queues.ts';
import type { Size, Stage } from './stage.ts';

/** Resources that the functions use. */
export type Resources = {
  table: sst.aws.Dynamo;
  bucket: sst.aws.Bucket;
  /** Of the snapshot of the status pages. */
  snapshotBucket: sst.aws.Bucket;
  queues: Record<QueueName, QueueWithDeadLetters>;
  /** Name of the workflow function. Not the resource, because its own role needs the name before it exists. */
  workflowName: string;
  secretsPath: string;
  /** Returns the key that encrypts a function's copy of its secrets. */
  secretsKey: (grants: readonly Grant[]) => $util.Input<string>;
  /** Address under which people reach Firebreak. */
  publicUrl: $util.Input<string>;
  /** Rollback targets on AWS. */
  targets: AwsTargets;
  size: Size;
  vpc: Stage['vpc'];
  logRetention: Stage['logRetention'];
  arns: ReturnType<typeof deploymentArns>;
};

export type Statement = {
  actions: string[];
  resources: $util.Input<string>[];
  conditions?: { test: string; variable: string; values: string[] }[];
};

/**
 * Returns the permissions of each function, action by action. Nothing is linked: a link would allow everything on its
 * resource.
 */
export function permissionsOf(resources: Resources) {
  const { people } = resources.queues;
  const signals = SIGNAL_QUEUES.map((name) => resources.queues[name]);
  const projectorQueues = PROJECTION_TARGET_NAMES.map((name) => resources.queues[name]);
  const table = tableStatements(resources);
  const startingRuns = startStatements(resources);
  const secrets = (name: FunctionName) => secretStatements(resources, FUNCTION_GRANTS[name]);
  const config = blobStatements(resources, { read: ['config'], write: [] });
  // Functions that change shown data wake the projectors.
  const wakingProjectors = sendingTo(projectorQueues);
  return {
    http: [
      ...table,
      ...blobStatements(resources, {
        read: ['config', 'quarantine', 'decisions', 'runbooks', 'freeze-decisions', 'audit', 'evidence'],
        write: ['quarantine', 'signals', 'runbooks', 'freeze-decisions', 'doctor'],
      }),
      ...secrets('http'),
      ...startingRuns,
      ...sendingTo([...signals, people]),
      ...wakingProjectors,
      ...measuring([...signals, people, ...projectorQueues]),
      ...redriving([...signals, people, ...projectorQueues]),
    ],
    // Actions of people in the console, as over HTTP. It replays quarantined inputs, and starts runbooks.
    console: [
      ...table,
      ...blobStatements(resources, {
        read: ['config', 'quarantine', 'decisions', 'runbooks', 'freeze-decisions', 'audit', 'evidence', 'doctor'],
        write: ['quarantine', 'signals', 'runbooks'],
      }),
      ...secrets('console'),
      ...startingRuns,
      ...sendingTo([...signals, people]),
      ...wakingProjectors,
    ],
    // Everybody may open the status pages, so their function can read public records only.
    status: [...publicRecordStatements(resources), ...config, ...secrets('status')],
    // Everybody may subscribe, so this function can write subscriptions only. Another one sends the messages.
    subscriptions: [
      ...subscriptionStatements(resources),
      ...config,
      ...secrets('subscriptions'),
      ...sendingTo([resources.queues.subscribers]),
    ],
    // Its files are for everybody, so it can read public records only, too.
    snapshot: [
      ...publicRecordStatements(resources),
      ...config,
      ...secrets('snapshot'),
      ...snapshotStatements(resources),
    ],
    // It only writes quarantine entries and counts refused requests: other functions execute what people request.
    slack: [
      ...readingStatements(resources),
      {
        actions: ['dynamodb:UpdateItem'],
        resources: [resources.table.arn],
        conditions: [leadingKeys('COUNTS#refusals#*')],
      },
      ...blobStatements(resources, { read: ['config'], write: ['quarantine'] }),
      ...secrets('slack'),
      ...sendingTo([people]),
    ],
    // Requests of people are executed as over HTTP.
    inbound: [
      ...table,
      ...blobStatements(resources, {
        read: ['config', 'decisions', 'freeze-decisions'],
        write: ['quarantine', 'freeze-decisions'],
      }),
      ...secrets('inbound'),
      ...startingRuns,
      ...takingFrom([people]),
      ...sendingTo([people]), // the on-call lookup for a declared incident is a separate message
      ...wakingProjectors,
    ],
    route: [
      ...table,
      ...blobStatements(resources, { read: ['config'], write: ['quarantine'] }),
      ...secrets('route'), // the address of Alertmanager, for its silences
      ...startingRuns,
      ...takingFrom(signals),
      ...wakingProjectors,
    ],
    project: [...table, ...config, ...secrets('project'), ...takingFrom(projectorQueues), ...wakingProjectors],
    // It admits muted alerts like the router when their mute ends, sends signals about unfinished deployments, seals
    // the log, stores evidence, and answers deployments that wait at GitHub.
    sweep: [
      ...table,
      ...blobStatements(resources, {
        read: ['config', 'audit', 'decisions', 'evidence', 'freeze-decisions', 'doctor'],
        write: ['audit', 'evidence', 'freeze-decisions', 'doctor'],
      }),
      ...secrets('sweep'),
      ...startingRuns,
      ...runStateStatements(resources),
      ...sendingTo(signals),
      ...wakingProjectors,
    ],
    evaluate: [...table, ...config, ...secrets('evaluate'), ...wakingProjectors], // freezes are shown
    // Failed deliveries are recorded on the timeline. The digests of teams count the steps of runbooks.
    digest: [
      ...table,
      ...blobStatements(resources, { read: ['config', 'runbooks'], write: [] }),
      ...secrets('digest'),
      ...wakingProjectors,
    ],
    'incident-response': [
      ...table,
      ...blobStatements(resources, { read: ['config', 'decisions', 'runbooks'], write: ['decisions', 'runbooks'] }),
      ...secrets('incident-response'),
      ...startingRuns,
      ...sendingTo(signals), // findings of watches
      ...wakingProjectors,
      ...permissionsFor(resources.targets),
    ],
  } satisfies Record<FunctionName, Statement[]>;
}

/** In a small stage, several names have the same queue. */
const distinct = (queues: readonly QueueWithDeadLetters[]): QueueWithDeadLetters[] => [...new Set(queues)];

const sendingTo = (queues: readonly QueueWithDeadLetters[]): Statement[] => [
  { actions: ['sqs:SendMessage'], resources: distinct(queues).map(({ queue }) => queue.arn) },
];

/** `/metrics` includes the lengths of queues. */
const measuring = (queues: readonly QueueWithDeadLetters[]): Statement[] => [
  { actions: ['sqs:GetQueueAttributes'], resources: distinct(queues).map(({ queue }) => queue.arn) },
];

/** The API lists dead messages, and sends them again. */
const redriving = (queues: readonly QueueWithDeadLetters[]): Statement[] => [
  {
    actions: ['sqs:GetQueueUrl', 'sqs:ReceiveMessage', 'sqs:DeleteMessage'],
    resources: distinct(queues).map(({ deadLetters }) => deadLetters.arn),
  },
];

const takingFrom = (queues: readonly QueueWithDeadLetters[]): Statement[] => [
  {
    // Lambda receives and deletes messages with the function's role; the function itself returns failed messages early.
    actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'],
    resources: distinct(queues).map(({ queue }) => queue.arn),
  },
];

/** Failures are sent to the dead-letter queue with the function's own role. */
export const sendingToDeadLetters = (deadLetters: sst.aws.Queue): Statement => ({
  actions: ['sqs:SendMessage'],
  resources: [deadLetters.arn],
});

/** A transaction needs the permissions of its parts. */
const tableStatements = ({ table }: Resources): Statement[] => [
  {
    actions: [
      'dynamodb:GetItem',
      'dynamodb:BatchGetItem',
      'dynamodb:Query',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
      'dynamodb:DeleteItem',
      'dynamodb:ConditionCheckItem',
    ],
    resources: [table.arn],
  },
  { actions: ['dynamodb:Query'], resources: [$interpolate`${table.arn}/index/*`] },
];

/** Permissions for reading, and for quarantine entries of unreadable bodies. */
const readingStatements = ({ table }: Resources): Statement[] => [
  { actions: ['dynamodb:GetItem'], resources: [table.arn] },
  {
    actions: ['dynamodb:UpdateItem'],
    resources: [table.arn],
    conditions: [{ test: 'ForAllValues:StringEquals', variable: 'dynamodb:LeadingKeys', values: ['QUARANTINE'] }],
  },
  { actions: ['dynamodb:Query'], resources: [$interpolate`${table.arn}/index/*`] },
];

/** Permissions to read what the status page shows: keys of these kinds, in core/stores/keys.ts. */
const publicRecordStatements = ({ table }: Resources): Statement[] => [
  {
    actions: ['dynamodb:GetItem', 'dynamodb:Query'],
    resources: [table.arn],
    conditions: [leadingKeys('PUBLIC#*', 'PUBLICMONTH#*', 'PUBLICOPEN')],
  },
];

/** Permissions for subscriptions, and to mark those that need a message: keys of these kinds, in core/stores/keys.ts. */
const subscriptionStatements = ({ table }: Resources): Statement[] => [
  {
    actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:DeleteItem'],
    resources: [table.arn],
    conditions: [leadingKeys('SUBSCRIBERS#*')],
  },
  { actions: ['dynamodb:UpdateItem'], resources: [table.arn], conditions: [leadingKeys('SUBREQUESTS#*', 'DUE')] },
];

const leadingKeys = (...values: string[]) => ({
  test: 'ForAllValues:StringLike',
  variable: 'dynamodb:LeadingKeys',
  values,
});

/** Permissions for folders of the bucket. `doctor` holds the last results of checks of connections and generated rules. */
function blobStatements({ bucket }: Resources, { read, write }: { read: string[]; write: string[] }): Statement[] {
  const objectsIn = (folder: string) => $interpolate`${bucket.arn}/${folder}/*`;
  const reading: Statement[] = [
    { actions: ['s3:GetObject'], resources: read.map(objectsIn) },
    // Without it, S3 answers 403 instead of 404 for missing objects, such as a configuration that is not published yet.
    { actions: ['s3:ListBucket'], resources: [bucket.arn] },
  ];
  const writing: Statement[] = [{ actions: ['s3:PutObject'], resources: write.map(objectsIn) }];
  return [...(read.length > 0 ? reading : []), ...(write.length > 0 ? writing : [])];
}

const snapshotStatements = ({ snapshotBucket }: Resources): Statement[] => [
  { actions: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], resources: [$interpolate`${snapshotBucket.arn}/*`] },
  // Without it, S3 answers 403 instead of 404 before the first snapshot.
  { actions: ['s3:ListBucket'], resources: [snapshotBucket.arn] },
];

/**
 * Permissions for the function's own groups of secrets, and for its own copy of them. SSM's key is AWS-managed and open
 * to the account.
 */
const secretStatements = ({ arns, bucket, secretsPath }: Resources, grants: readonly Grant[]): Statement[] => [
  {
    actions: ['ssm:GetParameters'],
    resources: grants.map((grant) => arns.parameter(`${secretsPath}/${grant === 'named' ? 'named/*' : grant}`)),
  },
  { actions: ['s3:GetObject', 's3:PutObject'], resources: [$interpolate`${bucket.arn}/${copyFolder(grants)}/*`] },
];

/**
 * Permissions to start a run and to complete its callbacks. Callbacks belong to executions, and these to versions, not
 * to an alias.
 */
const startStatements = ({ arns, workflowName }: Resources): Statement[] => [
  { actions: ['lambda:InvokeFunction'], resources: [$interpolate`${arns.function(workflowName)}:${WORKFLOW_ALIAS}`] },
  {
    actions: ['lambda:SendDurableExecutionCallbackSuccess'],
    resources: [$interpolate`${arns.function(workflowName)}:*`],
  },
];

/** Permissions to check whether a run has died. */
const runStateStatements = ({ arns, workflowName }: Resources): Statement[] => [
  {
    actions: ['lambda:GetDurableExecution'],
    resources: [$interpolate`${arns.function(workflowName)}:*`],
  },
];
