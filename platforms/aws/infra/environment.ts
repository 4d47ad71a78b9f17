import { WORKFLOW_ALIAS } from './names.ts';
import type { Resources } from './permissions.ts';
import type { FunctionName } from './product.ts';

/**
 * Returns the environment of a function, as functions/assembly/environment.ts reads it. Contains no credentials: the key
 * decrypts only the function's own copy, in the bucket, of the secrets that it last read. Variables for use on one
 * machine are absent.
 */
export function environmentOf(name: FunctionName, resources: Resources): Record<string, $util.Input<string>> {
  const { product, settings, table, bucket, snapshotBucket, queues, workflowName, secretsPath, secretsKey, publicUrl } =
    resources;
  const { grants, copyFolders } = product.secrets;
  return {
    FIREBREAK_RESOURCES: $util.jsonStringify({
      stage: settings.name,
      table: table.name,
      bucket: bucket.name,
      snapshotBucket: snapshotBucket.name,
      queues: Object.fromEntries(Object.keys(product.queues).map((queue) => [queue, queues(queue).queue.url])),
      workflow: { functionName: workflowName, qualifier: WORKFLOW_ALIAS },
      secrets: { path: secretsPath, grants: grants[name], key: secretsKey(copyFolders[name]) },
    }),
    FIREBREAK_PUBLIC_URL: publicUrl,
    LOG_LEVEL: 'info',
  };
}
