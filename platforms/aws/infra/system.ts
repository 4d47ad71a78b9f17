import { createAlarms } from './alarms.ts';
import { createAwsChanges } from './aws-changes.ts';
import { functionName } from '../../../functions/assembly/functions.ts';
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
import { deploymentArns, secretsPath } from './names.ts';
import type { Resources } from './permissions.ts';
import { createQueues } from './queues.ts';
import { createSecrets } from './secrets.ts';
import { createSnapshotBucket, createStatusSite } from './status-site.ts';
import { readStage } from './stage.ts';
import { createBucket, createTable } from './storage.ts';

/** Creates all resources in the order of their dependencies. Returns the outputs that `sst deploy` prints. */
export function createSystem() {
  const settings = readStage($app.stage);
  const { name: stage, size, targets } = settings;
  const production = $app.protect === true;
  const { secretsKey } = createSecrets(stage);
  const api = createApi(settings.logRetention);
  const resources: Resources = {
    table: createTable(production),
    bucket: createBucket(production),
    snapshotBucket: createSnapshotBucket(),
    queues: createQueues(size),
    workflowName: functionName(stage, 'incident-response'),
    secretsPath: secretsPath(stage),
    secretsKey,
    publicUrl: settings.publicUrl ?? api.url,
    targets,
    size,
    vpc: settings.vpc,
    logRetention: settings.logRetention,
    arns: deploymentArns(),
  };
  const { workflow, deadLetters: workflowDeadLetters } = createWorkflow(stage, resources);
  const route = createQueueReader('Route', 'route', stage, resources);
  const project = createQueueReader('Project', 'project', stage, resources);
  const { functions: jobs, deadLetters: jobsDeadLetters } = createScheduled(stage, resources);
  const http = createHttp(stage, resources, api);
  const pages = createConsole(stage, resources, api);
  const status = createStatus(stage, resources, api);
  const subscriptions = createSubscriptions(stage, resources, api);
  const slack = createSlack(stage, resources, api);
  const inbound = createQueueReader('Inbound', 'inbound', stage, resources);
  allowRecursion({ project, 'incident-response': workflow });

  const site = createStatusSite(stage, resources.snapshotBucket, settings.statusDomain);

  const awsChanges = settings.awsChanges ? createAwsChanges(stage, resources.publicUrl) : undefined;

  const alarms = createAlarms(
    stage,
    {
      queues: resources.queues,
      workflowDeadLetters,
      jobsDeadLetters,
      awsChangesDeadLetters: awsChanges,
      functions: {
        http,
        console: pages,
        status,
        subscriptions,
        slack,
        inbound,
        route,
        project,
        ...jobs,
      },
      workflow,
      table: resources.table,
      api,
    },
    settings,
  );
  return { url: api.url, status: site.url, bucket: resources.bucket.name, alarms: alarms.critical.arn };
}
