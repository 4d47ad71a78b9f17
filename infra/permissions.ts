import { copyFolder, FUNCTION_GRANTS, type Grant } from '../aws/secret-groups.ts';
import type { Target } from '../schemas/projection.ts';
import { WORKFLOW_ALIAS, type deploymentArns } from './names.ts';
import type { Feed } from './queues.ts';
import { type AwsTargets, ofTargets } from './targets.ts';

/** What the functions work with. */
export type Resources = {
  table: sst.aws.Dynamo;
  bucket: sst.aws.Bucket;
  urgent: Feed;
  ordinary: Feed;
  /** Signals of services outside the catalogue. */
  unmatched: Feed;
  /** What people do in Slack and at the pager. */
  people: Feed;
  /** One for each place where incidents are shown. */
  shown: Record<Target, Feed>;
  /** The workflow by its name: its own role needs it, too. */
  workflowName: string;
  secretsPath: string;
  /** Seals a function's copy of its secrets. */
  secretsKey: (grants: readonly Grant[]) => $util.Input<string>;
  /** What rollbacks act upon on AWS. */
  targets: AwsTargets;
  arns: ReturnType<typeof deploymentArns>;
};

export type Statement = {
  actions: string[];
  resources: $util.Input<string>[];
  conditions?: { test: string; variable: string; values: string[] }[];
};

/** What each function may do, action by action. Nothing is linked: a link would allow everything on its resource. */
export function permissionsOf(resources: Resources) {
  const { urgent, ordinary, unmatched, people } = resources;
  const signals = [urgent, ordinary, unmatched];
  const shown = Object.values(resources.shown);
  const table = ofTable(resources);
  const starting = ofStarting(resources);
  const secrets = (name: keyof typeof FUNCTION_GRANTS) => ofSecrets(resources, FUNCTION_GRANTS[name]);
  const config = ofBlobs(resources, { read: ['config'], write: [] });
  // Whoever changes what is shown wakes those who show it.
  const telling = sendingTo(shown);
  return {
    http: [
      ...table,
      ...ofBlobs(resources, {
        read: ['config', 'quarantine', 'decisions', 'freeze-decisions', 'audit'],
        write: ['quarantine', 'signals', 'freeze-decisions'],
      }),
      ...secrets('http'),
      ...starting,
      ...sendingTo([...signals, people]),
      ...telling,
      ...measuring([...signals, people, ...shown]),
    ],
    // It changes nothing but what it cannot read: what people want is done by others.
    slack: [
      ...ofReading(resources),
      ...ofBlobs(resources, { read: ['config'], write: ['quarantine'] }),
      ...secrets('slack'),
      ...sendingTo([people]),
    ],
    // What people want is done as over HTTP.
    hear: [
      ...table,
      ...ofBlobs(resources, {
        read: ['config', 'decisions', 'freeze-decisions'],
        write: ['quarantine', 'freeze-decisions'],
      }),
      ...secrets('hear'),
      ...starting,
      ...takingFrom([people]),
      ...sendingTo([people]), // who is on call for what somebody declares is found out apart
      ...telling,
    ],
    route: [
      ...table,
      ...ofBlobs(resources, { read: ['config'], write: ['quarantine'] }),
      ...secrets('route'), // where Alertmanager is, for its silences
      ...starting,
      ...takingFrom(signals),
      ...telling,
    ],
    project: [...table, ...config, ...secrets('project'), ...takingFrom(shown), ...telling],
    // What was kept quiet, it takes in as the router does; of deploys that do not end it sends a signal itself.
    // It seals the log, and answers gates that wait.
    sweep: [
      ...table,
      ...ofBlobs(resources, {
        read: ['config', 'audit', 'freeze-decisions'],
        write: ['audit', 'freeze-decisions'],
      }),
      ...secrets('sweep'),
      ...starting,
      ...ofLooking(resources),
      ...sendingTo(signals),
      ...telling,
    ],
    evaluate: [...table, ...config, ...secrets('evaluate')],
    // Whom it could not tell is on the timeline.
    digest: [...table, ...config, ...secrets('digest'), ...telling],
    workflow: [
      ...table,
      ...ofBlobs(resources, { read: ['config', 'decisions', 'runbooks'], write: ['decisions', 'runbooks'] }),
      ...secrets('incident-response'),
      ...starting,
      ...telling,
      ...ofTargets(resources.targets),
    ],
  } satisfies Record<string, Statement[]>;
}

const sendingTo = (feeds: readonly Feed[]): Statement[] => [
  { actions: ['sqs:SendMessage'], resources: feeds.map(({ queue }) => queue.arn) },
];

/** How many messages wait is a part of `/metrics`. */
const measuring = (feeds: readonly Feed[]): Statement[] => [
  { actions: ['sqs:GetQueueAttributes'], resources: feeds.map(({ queue }) => queue.arn) },
];

const takingFrom = (feeds: readonly Feed[]): Statement[] => [
  {
    // Lambda receives and deletes with the function's role; the function itself returns what failed early.
    actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'],
    resources: feeds.map(({ queue }) => queue.arn),
  },
];

/** Leaving its failures to a queue is done by the function's own role. */
export const mayLeaveAt = (deadLetters: sst.aws.Queue): Statement => ({
  actions: ['sqs:SendMessage'],
  resources: [deadLetters.arn],
});

/** A transaction needs the rights of its parts. */
const ofTable = ({ table }: Resources): Statement[] => [
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

/** Reading; and of what could not be read, its entry in quarantine. */
const ofReading = ({ table }: Resources): Statement[] => [
  { actions: ['dynamodb:GetItem'], resources: [table.arn] },
  {
    actions: ['dynamodb:UpdateItem'],
    resources: [table.arn],
    conditions: [{ test: 'ForAllValues:StringEquals', variable: 'dynamodb:LeadingKeys', values: ['QUARANTINE'] }],
  },
  { actions: ['dynamodb:Query'], resources: [$interpolate`${table.arn}/index/*`] },
];

function ofBlobs({ bucket }: Resources, { read, write }: { read: string[]; write: string[] }): Statement[] {
  const below = (folder: string) => $interpolate`${bucket.arn}/${folder}/*`;
  const reading: Statement[] = [
    { actions: ['s3:GetObject'], resources: read.map(below) },
    // Without it S3 answers 403 instead of 404 for what is not there, such as a configuration not yet published.
    { actions: ['s3:ListBucket'], resources: [bucket.arn] },
  ];
  const writing: Statement[] = [{ actions: ['s3:PutObject'], resources: write.map(below) }];
  return [...(read.length > 0 ? reading : []), ...(write.length > 0 ? writing : [])];
}

/** Its groups of secrets and no others, and its own copy of them. The key of SSM is AWS's own, open to the account. */
const ofSecrets = ({ arns, bucket, secretsPath }: Resources, grants: readonly Grant[]): Statement[] => [
  {
    actions: ['ssm:GetParameters'],
    resources: grants.map((grant) => arns.parameter(`${secretsPath}/${grant === 'named' ? 'named/*' : grant}`)),
  },
  { actions: ['s3:GetObject', 's3:PutObject'], resources: [$interpolate`${bucket.arn}/${copyFolder(grants)}/*`] },
];

/** To start a run and to ring one. Callbacks belong to executions, and those to versions, not to an alias. */
const ofStarting = ({ arns, workflowName }: Resources): Statement[] => [
  { actions: ['lambda:InvokeFunction'], resources: [$interpolate`${arns.function(workflowName)}:${WORKFLOW_ALIAS}`] },
  {
    actions: ['lambda:SendDurableExecutionCallbackSuccess'],
    resources: [$interpolate`${arns.function(workflowName)}:*`],
  },
];

/** To see whether a run has died. */
const ofLooking = ({ arns, workflowName }: Resources): Statement[] => [
  {
    actions: ['lambda:GetDurableExecution'],
    resources: [$interpolate`${arns.function(workflowName)}:*`],
  },
];
