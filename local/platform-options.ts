import { FUNCTIONS } from '../functions/assembly/functions.ts';
import { isWakeQueue, QUEUE, READERS } from '../functions/assembly/resources.ts';
import type { Log } from '../core/domain/ports/system.ts';
import type { QueueSettings } from '../platforms/sqlite/background.ts';
import type { SqliteOptions } from '../platforms/sqlite/platform.ts';
import { byQueue, type QueueName } from '../schemas/config/queues.ts';
import type { Settings } from './settings.ts';

/** Batches of a queue that are processed at the same time. */
const CONCURRENT_BATCHES: Readonly<Record<QueueName, number>> = {
  // Only one sync of a projector runs at a time: the second invocation finds the lease taken and ends.
  ...byQueue(() => 2),
  urgent: 4,
  ordinary: 4,
  people: 4,
};

const QUEUE_SETTINGS: Readonly<Record<QueueName, QueueSettings>> = byQueue((name) => ({
  ordered: !isWakeQueue(name),
  batchSize: READERS[name].batchSize,
  concurrency: CONCURRENT_BATCHES[name],
  maxDeliveries: QUEUE.maxReceives,
  timeoutMs: FUNCTIONS[READERS[name].reader].timeoutSeconds * 1000,
}));

export type PlatformSettings = Pick<Settings, 'dataDir' | 'snapshotDir' | 'timeScale'>;

/** Returns how a thread uses the platform: all of them use it in the same way. */
export const platformOptions = (
  { dataDir, snapshotDir, timeScale }: PlatformSettings,
  log: Log,
  secret: SqliteOptions['secret'],
): Omit<SqliteOptions, 'queues'> & { queues: typeof QUEUE_SETTINGS } => ({
  dataFolder: dataDir,
  publicFolder: snapshotDir,
  secret,
  queues: QUEUE_SETTINGS,
  executions: {
    executionTimeoutSeconds: FUNCTIONS['incident-response'].durable.executionTimeoutSeconds,
    log: (entry) => log.debug('execution', { ...entry }),
  },
  timeScale,
  onError: (error, where) => log.warn('the platform continues after an error', { where, error: String(error) }),
});
