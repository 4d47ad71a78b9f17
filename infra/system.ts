import { createAlarms } from './alarms.ts';
import {
  allowRecursion,
  createHearing,
  createHttp,
  createProjector,
  createRouter,
  createScheduled,
  createSlack,
  createWorkflow,
} from './functions.ts';
import { checkedStage, deploymentArns, functionName, secretsPath } from './names.ts';
import type { Resources } from './permissions.ts';
import { createQueues } from './queues.ts';
import { createSecrets } from './secrets.ts';
import { createBucket, createTable } from './storage.ts';
import { AWS_TARGETS } from './targets.ts';

/** Creates all resources in the order of their dependencies. Returns the outputs that `sst deploy` prints. */
export function createSystem() {
  const stage = checkedStage($app.stage);
  const production = $app.protect === true;
  const { secretsKey } = createSecrets(stage);
  const resources: Resources = {
    table: createTable(production),
    bucket: createBucket(production),
    queues: createQueues(),
    workflowName: functionName(stage, 'incident-response'),
    secretsPath: secretsPath(stage),
    secretsKey,
    targets: AWS_TARGETS[stage] ?? {},
    arns: deploymentArns(),
  };
  const { workflow, deadLetters: workflowDeadLetters } = createWorkflow(stage, resources);
  const route = createRouter(stage, resources);
  const project = createProjector(stage, resources);
  const { sweep, evaluate, digest } = createScheduled(stage, resources);
  const { http, api } = createHttp(stage, resources);
  const slack = createSlack(stage, resources, api);
  const hear = createHearing(stage, resources);
  allowRecursion({ project, workflow });

  const alarms = createAlarms(
    stage,
    {
      queues: resources.queues,
      otherDeadLetters: {
        workflow: workflowDeadLetters,
        sweep: sweep.deadLetters,
        evaluate: evaluate.deadLetters,
        digest: digest.deadLetters,
      },
      functions: { http, slack, hear, route, project, sweep: sweep.fn, evaluate: evaluate.fn, digest: digest.fn },
      workflow,
      table: resources.table,
      api,
    },
    process.env['FIREBREAK_ALARM_EMAIL'],
  );
  return { url: api.url, bucket: resources.bucket.name, alarms: alarms.arn };
}
