import type { Blobs, PublicFiles } from './blobs.ts';
import type { Executions } from './executions.ts';
import type { Queues } from './queues.ts';
import type { Secrets } from './secrets.ts';
import type { Store } from './store.ts';

/** Reports that something was stored, by any part of Firebreak. */
export interface Commits {
  /** Calls the listener soon after commits, once for several. @returns what ends that */
  onCommit(listener: () => void): () => void;
}

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
  /** Null: the platform does not report commits, so code that waits for changes must poll. */
  readonly commits: Commits | null;
}
