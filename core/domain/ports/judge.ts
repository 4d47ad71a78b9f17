import type { Watch, WatchId, WatchOutcome, WatchRecord } from '../../../schemas/judge/watch.ts';
import type { Page, ServiceEnvironment } from './common.ts';

/** Watches of deploys. */
export type Watches = {
  /** Stores a new watch. `false`: the change has one already. */
  begin(watch: WatchRecord): Promise<boolean>;
  /** Reads strongly consistently. */
  get(id: WatchId): Promise<WatchRecord | undefined>;
  /** Reads what the API shows of a watch. Strongly consistent. */
  view(id: WatchId): Promise<Watch | undefined>;
  /** Lists watches, newest first. Eventually consistent. */
  list(
    query: Partial<ServiceEnvironment> & { outcome?: WatchOutcome | 'running'; limit: number; cursor?: string },
  ): Promise<Page<Watch>>;
  /** Returns watches in progress, and those whose alerts still fire. Strongly consistent. */
  unfinished(): Promise<WatchRecord[]>;
  /** Stores the state. `false`: modified since it was read. */
  put(watch: WatchRecord): Promise<boolean>;
};
