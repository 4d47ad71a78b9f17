import { WORKFLOW_ALIAS, type deploymentArns } from './names.ts';
import type { Access, FunctionName, ItemAccess, Product, Statement } from './product.ts';
import type { Queues, QueueWithDeadLetters } from './queues.ts';
import type { Stage } from './stage.ts';

/** Resources that the functions use. */
export type Resources = {
  product: Product;
  settings: Stage;
  table: sst.aws.Dynamo;
  bucket: sst.aws.Bucket;
  /** Of the snapshot of the status pages. */
  snapshotBucket: sst.aws.Bucket;
  queues: Queues;
  /** Name of the workflow function. Not the resource, because its own role needs the name before it exists. */
  workflowName: string;
  secretsPath: string;
  /** Returns the key that encrypts the copy of secrets in a folder. */
  secretsKey: (copyFolder: string) => $util.Input<string>;
  /** Address under which people reach Firebreak. */
  publicUrl: $util.Input<string>;
  arns: ReturnType<typeof deploymentArns>;
};

/** Returns the permissions of a function, action by action. Nothing is linked: a link would allow everything on its resource. */
export function permissionsOf(name: FunctionName, resources: Resources): Statement[] {
  const { product, queues, settings } = resources;
  const access = product.access[name];
  const named = (names: readonly string[]) => names.map(queues);
  const all = named(Object.keys(product.queues));
  return [
    ...access.items.map((one) => itemStatement(resources, one)),
    ...blobStatements(resources, access),
    ...secretStatements(resources, name),
    ...(access.writesSnapshot ? snapshotStatements(resources) : []),
    ...(access.startsRuns ? startStatements(resources) : []),
    ...(access.checksRuns ? [runStateStatement(resources)] : []),
    ...(access.takesFrom ? [takingFrom(named(access.takesFrom))] : []),
    ...(access.sendsTo ? [sendingTo(named(access.sendsTo))] : []),
    ...(access.wakesProjectors ? [sendingTo(named(product.projectorQueues))] : []),
    ...(access.operatesQueues ? [measuring(all), redriving(all)] : []),
    ...(access.callsTargets ? product.targetPermissions(settings.targets) : []),
  ];
}

/** In a small stage, several names have the same queue. */
const distinct = (queues: readonly QueueWithDeadLetters[]): QueueWithDeadLetters[] => [...new Set(queues)];

const sendingTo = (queues: readonly QueueWithDeadLetters[]): Statement => ({
  actions: ['sqs:SendMessage'],
  resources: distinct(queues).map(({ queue }) => queue.arn),
});

/** `/metrics` includes the lengths of queues. */
const measuring = (queues: readonly QueueWithDeadLetters[]): Statement => ({
  actions: ['sqs:GetQueueAttributes'],
  resources: distinct(queues).map(({ queue }) => queue.arn),
});

/** The API lists dead messages, and sends them again. */
const redriving = (queues: readonly QueueWithDeadLetters[]): Statement => ({
  actions: ['sqs:GetQueueUrl', 'sqs:ReceiveMessage', 'sqs:DeleteMessage'],
  resources: distinct(queues).map(({ deadLetters }) => deadLetters.arn),
});

const takingFrom = (queues: readonly QueueWithDeadLetters[]): Statement => ({
  // Lambda receives and deletes messages with the function's role; the function itself returns failed messages early.
  actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'],
  resources: distinct(queues).map(({ queue }) => queue.arn),
});

/** Failures are sent to the dead-letter queue with the function's own role. */
export const sendingToDeadLetters = (deadLetters: sst.aws.Queue): Statement => ({
  actions: ['sqs:SendMessage'],
  resources: [deadLetters.arn],
});

const itemStatement = ({ table }: Resources, { on, actions, keys }: ItemAccess): Statement => ({
  actions: actions.map((action) => `dynamodb:${action}`),
  resources: [on === 'table' ? table.arn : $interpolate`${table.arn}/index/*`],
  ...(keys && { conditions: [leadingKeys(keys)] }),
});

const leadingKeys = (keys: readonly string[]) => ({
  test: keys.some((key) => key.includes('*')) ? 'ForAllValues:StringLike' : 'ForAllValues:StringEquals',
  variable: 'dynamodb:LeadingKeys',
  values: [...keys],
});

/** Permissions for folders of the bucket. */
function blobStatements({ bucket }: Resources, { reads, writes = [] }: Access): Statement[] {
  const objectsIn = (folder: string) => $interpolate`${bucket.arn}/${folder}/*`;
  const reading: Statement[] = [
    { actions: ['s3:GetObject'], resources: reads.map(objectsIn) },
    // Without it, S3 answers 403 instead of 404 for missing objects, such as a configuration that is not published yet.
    { actions: ['s3:ListBucket'], resources: [bucket.arn] },
  ];
  const writing: Statement[] = [{ actions: ['s3:PutObject'], resources: writes.map(objectsIn) }];
  return [...(reads.length > 0 ? reading : []), ...(writes.length > 0 ? writing : [])];
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
const secretStatements = ({ arns, bucket, secretsPath, product }: Resources, name: FunctionName): Statement[] => [
  {
    actions: ['ssm:GetParameters'],
    resources: product.secrets.grants[name].map((grant) =>
      arns.parameter(`${secretsPath}/${grant === 'named' ? 'named/*' : grant}`),
    ),
  },
  {
    actions: ['s3:GetObject', 's3:PutObject'],
    resources: [$interpolate`${bucket.arn}/${product.secrets.copyFolders[name]}/*`],
  },
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

/** The permission to check whether a run has died. */
const runStateStatement = ({ arns, workflowName }: Resources): Statement => ({
  actions: ['lambda:GetDurableExecution'],
  resources: [$interpolate`${arns.function(workflowName)}:*`],
});
