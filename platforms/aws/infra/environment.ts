import type { FunctionName } from '../../../assembly/functions.ts';
import type { Environment } from '../../../assembly/environment.ts';
import { FUNCTION_GRANTS } from '../../../assembly/secret-groups.ts';
import { byQueueVariable } from '../../../schemas/config/queues.ts';
import { WORKFLOW_ALIAS } from './names.ts';
import type { Resources } from './permissions.ts';

/**
 * Returns the environment of a function, with the names that assembly/environment.ts reads. Contains no credentials: the key
 * decrypts only the function's own copy, in the bucket, of the secrets that it last read. Variables for use on one
 * machine are absent.
 */
export const environmentOf = (
  stage: string,
  name: FunctionName,
  { table, bucket, snapshotBucket, queues, workflowName, secretsPath, secretsKey, publicUrl }: Resources,
): Record<Exclude<keyof Environment, 'FIREBREAK_STAND_INS' | 'FIREBREAK_TIME_SCALE'>, $util.Input<string>> => ({
  FIREBREAK_STAGE: stage,
  FIREBREAK_TABLE: table.name,
  FIREBREAK_BUCKET: bucket.name,
  FIREBREAK_SNAPSHOT_BUCKET: snapshotBucket.name,
  ...byQueueVariable((name) => queues[name].queue.url),
  FIREBREAK_WORKFLOW_FUNCTION: workflowName,
  FIREBREAK_WORKFLOW_QUALIFIER: WORKFLOW_ALIAS,
  FIREBREAK_SECRETS_PATH: secretsPath,
  FIREBREAK_SECRETS_GRANTS: FUNCTION_GRANTS[name].join(','),
  FIREBREAK_SECRETS_KEY: secretsKey(FUNCTION_GRANTS[name]),
  FIREBREAK_PUBLIC_URL: publicUrl,
  LOG_LEVEL: 'info',
});
