import { createAlarms } from './alarms.ts';
import { createAwsChanges, wantsAwsChanges } from './aws-changes.ts';
import { functionName } from '../../../assembly/functions.ts';
import {
  allowRecursion,
  createApi,
  createConsole,
  createHttp,
  createQueueReader,
  createScheduled,
  createSlack,
  createStatus,
  createSubscriptions,
  createWorkflow,
} from './functions.ts';
import { checkedStage, deploymentArns, secretsPath } from './names.ts';
import type { Resources } from './permissions.ts';
import { createQueues } from './queues.ts';
import { createSecrets } from './secrets.ts';
import { createSnapshotBucket, createStatusSite } from './status-site.ts';
import { createBucket, createTable } from './storage.ts';
import { AWS_TARGETS } from './targets.ts';

/** Creates all resources in the order of their dependencies. Returns the outputs that `sst deploy` prints. */
export function createSystem() {
  const stage = checkedStage($app.stage);
  const production = $app.protect === true;
  const { secretsKey } = createSecrets(stage);
  const api = createApi();
  const resources: Resources = {
    table: createTable(production),
    bucket: createBucket(production),
    snapshotBucket: createSnapshotBucket(),
    queues: createQueues(),
    workflowName: functionName(stage, 'incident-response'),
    secretsPath: secretsPath(stage),
    secretsKey,
    publicUrl: process.env['FIREBREAK_PUBLIC_URL'] || api.url,
    targets: AWS_TARGETS[stage] ?? {},
    arns: deploymentArns(),
  };
  const { workflow, deadLetters: workflowDeadLetters } = createWorkflow(stage, resources);
  const route = createQueueReader('Route', 'route', stage, resources);
  const project = createQueueReader('Project', 'project', stage, resources);
  const { sweep, evaluate, digest, snapshot } = createScheduled(stage, resources);
  const http = createHttp(stage, resources, api);
  const pages = createConsole(stage, resources, api);
  const status = createStatus(stage, resources, api);
  const subscriptions = createSubscriptions(stage, resources, api);
  const slack = createSlack(stage, resources, api);
  const inbound = createQueueReader('Inbound', 'inbound', stage, resources);
  allowRecursion({ project, 'incident-response': workflow });

  const site = createStatusSite(stage, resources.snapshotBucket, process.env['FIREBREAK_STATUS_DOMAIN']);

  const awsChanges = wantsAwsChanges(process.env['FIREBREAK_AWS_CHANGES'])
    ? createAwsChanges(stage, resources.publicUrl)
    : undefined;

  const alarms = createAlarms(
    stage,
    {
      queues: resources.queues,
      otherDeadLetters: {
        workflow: workflowDeadLetters,
        sweep: sweep.deadLetters,
        evaluate: evaluate.deadLetters,
        digest: digest.deadLetters,
        snapshot: snapshot.deadLetters,
        ...(awsChanges && { 'aws-changes': awsChanges }),
      },
      functions: {
        http,
        console: pages,
        status,
        subscriptions,
        slack,
        inbound,
        route,
        project,
        sweep: sweep.fn,
        evaluate: evaluate.fn,
        digest: digest.fn,
        snapshot: snapshot.fn,
      },
      workflow,
      table: resources.table,
      api,
    },
    process.env['FIREBREAK_ALARM_EMAIL'],
  );
  return { url: api.url, status: site.url, bucket: resources.bucket.name, alarms: alarms.arn };
}
