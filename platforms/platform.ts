import type { Blobs, PublicFiles } from './blobs.ts';
import type { Executions } from './executions.ts';
import type { Queues } from './queues.ts';
import type { Secrets } from './secrets.ts';
import type { Store } from './store.ts';

/**
 * What Firebreak runs on. The product uses these ports only, and never asks which platform it is.
 *
 * A platform also calls the product: consumers of queues (`queues.ts`), the workflow of executions (`executions.ts`), and
 * jobs at intervals (`schedule.ts`). On AWS, the resources in `platforms/aws/infra/` do that.
 */
export interface Platform {
  readonly store: Store;
  readonly queues: Queues;
  readonly executions: Executions;
  readonly blobs: Blobs;
  readonly publicFiles: PublicFiles;
  readonly secrets: Secrets;
}
