import { createAlarms } from './alarms.ts';
import { createAwsChanges } from './aws-changes.ts';
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
import { deploymentArns, functionName, secretsPath } from './names.ts';
import type { Resources } from './permissions.ts';
import type { Product } from './product.ts';
import { createQueues } from './queues.ts';
import { createSecrets } from './secrets.ts';
import { createSnapshotBucket, createStatusSite } from './status-site.ts';
import type { Stage } from './stage.ts';
import { createBucket, createTable } from './storage.ts';

/** Creates all resources in the order of their dependencies. Returns the outputs that `sst deploy` prints. */
export function createSystem(settings: Stage, product: Product) {
  const { name: stage } = settings;
  const production = $app.protect === true;
  const { secretsKey } = createSecrets(stage, product.secrets);
  const api = createApi(settings.logRetention);
  const resources: Resources = {
    product,
    settings,
    table: createTable(product.table, production),
    bucket: createBucket(production),
    snapshotBucket: createSnapshotBucket(),
    queues: createQueues(settings.size, product),
    workflowName: functionName(stage, 'incident-response'),
    secretsPath: secretsPath(stage),
    secretsKey,
    publicUrl: settings.publicUrl ?? api.url,
    arns: deploymentArns(),
  };
  const { workflow, deadLetters: workflowDeadLetters } = createWorkflow(resources);
  const route = createQueueReader('Route', 'route', resources);
  const project = createQueueReader('Project', 'project', resources);
  const { functions: jobs, deadLetters: jobsDeadLetters } = createScheduled(resources);
  const http = createHttp(resources, api);
  const pages = createConsole(resources, api);
  const status = createStatus(resources, api);
  const subscriptions = createSubscriptions(resources, api);
  const slack = createSlack(resources, api);
  const inbound = createQueueReader('Inbound', 'inbound', resources);
  allowRecursion(product.recursive, { project, 'incident-response': workflow });

  const site = createStatusSite(stage, resources.snapshotBucket, settings.statusDomain);

  const awsChanges = settings.awsChanges
    ? createAwsChanges(stage, resources.publicUrl, product.deadLetterDays)
    : undefined;

  const alarms = createAlarms(
    product,
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
