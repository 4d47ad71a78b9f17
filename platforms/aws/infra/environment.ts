import type { FunctionName } from '../../../functions/assembly/functions.ts';
import type { Environment } from '../../../functions/assembly/environment.ts';
import { FUNCTION_GRANTS } from '../../../functions/assembly/secret-groups.ts';
import type { FunctionResources } from '../../../schemas/config/function-resources.ts';
import { byQueue } from '../../../schemas/config/queues.ts';
import { WORKFLOW_ALIAS } from './names.ts';
import type { Resources } from './permissions.ts';

/** With values that exist only once they are deployed. */
type Deployed<T> = T extends readonly (infer Item)[]
  ? readonly Item[]
  : T extends object
    ? { [Field in keyof T]: Deployed<T[Field]> }
    : $util.Input<T>;

/**
 * Returns the environment of a function, with the names that functions/assembly/environment.ts reads. Contains no credentials: the key
 * decrypts only the function's own copy, in the bucket, of the secrets that it last read. Variables for use on one
 * machine are absent.
 */
export const environmentOf = (
  stage: string,
  name: FunctionName,
  { table, bucket, snapshotBucket, queues, workflowName, secretsPath, secretsKey, publicUrl }: Resources,
): Record<Exclude<keyof Environment, 'FIREBREAK_STAND_INS' | 'FIREBREAK_TIME_SCALE'>, $util.Input<string>> => ({
  FIREBREAK_RESOURCES: $util.jsonStringify({
    stage,
    table: table.name,
    bucket: bucket.name,
    snapshotBucket: snapshotBucket.name,
    queues: byQueue((queue) => queues[queue].queue.url),
    workflow: { functionName: workflowName, qualifier: WORKFLOW_ALIAS },
    secrets: { path: secretsPath, grants: FUNCTION_GRANTS[name], key: secretsKey(FUNCTION_GRANTS[name]) },
  } satisfies Deployed<FunctionResources>),
  FIREBREAK_PUBLIC_URL: publicUrl,
  LOG_LEVEL: 'info',
});
