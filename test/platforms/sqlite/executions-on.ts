import { type DurableContext, withDurableExecution } from '@aws/durable-execution-sdk-js';
import type { Database } from '../../../platforms/sqlite/database.ts';
import { SqliteExecutions, type SqliteExecutionsOptions } from '../../../platforms/sqlite/executions.ts';
import type { Workflow } from '../executions-conformance.ts';

/** Creates executions of a workflow, with settings as in production. */
export const executionsOn = (
  database: Database,
  workflow: Workflow,
  options: Partial<SqliteExecutionsOptions> = {},
): SqliteExecutions =>
  new SqliteExecutions({
    database,
    handler: (client, plugin) =>
      withDurableExecution(workflow as (input: unknown, context: DurableContext) => Promise<unknown>, {
        durableExecutionClient: client,
        plugins: [plugin],
      }),
    timeScale: 1,
    executionTimeoutSeconds: 14 * 86_400,
    retentionDays: 30,
    maxConcurrent: 10,
    log: () => undefined,
    ...options,
  });
