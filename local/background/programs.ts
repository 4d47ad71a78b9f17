import { withDurableExecution } from '@aws/durable-execution-sdk-js';
import { loadedOnce } from '../../core/domain/concurrency.ts';
import { refusalOf, whileInProgress } from '../../core/actions/input-in-progress.ts';
import { routeConsumer } from '../../functions/assembly/consumers/route.ts';
import { featureJob } from '../../functions/assembly/features.ts';
import { FUNCTIONS, type FunctionName, SCHEDULED } from '../../functions/assembly/functions.ts';
import { digestJob, sweepJob } from '../../functions/assembly/jobs.ts';
import { READERS, type ReaderName } from '../../functions/assembly/resources.ts';
import { workflow } from '../../functions/assembly/workflow.ts';
import type { Product } from '../../functions/assembly/product.ts';
import type { BackgroundOptions } from '../../platforms/sqlite/background.ts';
import type { Consumer } from '../../platforms/queues.ts';
import type { Job } from '../../platforms/schedule.ts';
import { byQueue, type QueueName } from '../../schemas/config/queues.ts';

/** Returns what processes the messages of each queue. Of queues that stay empty without Slack and PagerDuty, it is loaded with the first message. */
export function consumersOf(deps: Product): Record<QueueName, Consumer> {
  const readers: Record<ReaderName, Consumer> = {
    route: routeConsumer(deps),
    inbound: whenUsed(async () =>
      (await import('../../functions/assembly/consumers/inbound.ts')).inboundConsumer(deps),
    ),
    project: whenUsed(async () =>
      (await import('../../functions/assembly/consumers/project.ts')).projectConsumer(deps),
    ),
  };
  return byQueue((name) => readers[READERS[name].reader]);
}

/** Returns a consumer that is loaded with its first batch. If that fails, the batch is delivered again. */
function whenUsed(load: () => Promise<Consumer>): Consumer {
  const loaded = loadedOnce(load);
  return async (batch) => (await loaded())(batch);
}

type ScheduledName = (typeof SCHEDULED)[number];

/** Returns all jobs. A stall names the job that runs. */
export function jobsOf(deps: Product): Job[] {
  const jobs: Record<ScheduledName, Job['run']> = {
    sweep: sweepJob(deps),
    evaluate: featureJob('evaluate', deps),
    digest: digestJob(deps),
    snapshot: featureJob('snapshot', deps),
  };
  return SCHEDULED.map((name) => ({
    name,
    everySeconds: FUNCTIONS[name].everySeconds,
    run: () => whileInProgress(() => ({ kind: 'job', name }), jobs[name]),
  }));
}

const WORKFLOW = 'incident-response' satisfies FunctionName;

/** Workflows that run at the same time. */
const WORKFLOWS_AT_ONCE = 100;

/** Returns how the workflow of all executions runs. A run that stalled the process before is not continued: it fails, and the sweeper decides about the next one. */
export function executionsOf(
  deps: () => Product,
): Pick<BackgroundOptions['executions'], 'handler' | 'retentionDays' | 'maxConcurrent'> {
  return {
    retentionDays: FUNCTIONS[WORKFLOW].durable.retentionDays,
    maxConcurrent: WORKFLOWS_AT_ONCE,
    handler: (durableExecutionClient, plugin) => {
      const run = withDurableExecution(workflow(deps), { durableExecutionClient, plugins: [plugin] });
      return async (event, context) => {
        const input = { kind: 'execution', arn: event.DurableExecutionArn } as const;
        const reason = refusalOf(input);
        if (reason !== undefined)
          return { Status: 'FAILED', Error: { ErrorType: 'StalledBefore', ErrorMessage: reason } } as never;
        return whileInProgress(
          () => input,
          () => run(event, context),
        );
      };
    },
  };
}
