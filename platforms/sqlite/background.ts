import { join } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import type { Consumer } from '../queues.ts';
import type { Job } from '../schedule.ts';
import { FolderBlobs } from './blobs.ts';
import { BLOBS_FOLDER, DATABASE_FILE } from './data-folder.ts';
import { Database } from './database.ts';
import { SqliteExecutions, type SqliteExecutionsOptions } from './executions.ts';
import { SqlitePlatform, type SqliteOptions } from './platform.ts';
import { FolderPublicFiles } from './public-files.ts';
import { TimerSchedule } from './schedule.ts';
import type { OnDamage } from './sql.ts';

/** Settings of a queue. */
export type QueueSettings = {
  /** Each message has a group. */
  ordered: boolean;
  /** Messages in a batch. */
  batchSize: number;
  /** Batches at the same time. */
  concurrency: number;
  /** Deliveries of a message that fails each time; then it is a dead letter. */
  maxDeliveries: number;
  timeoutMs: number;
};

export type BackgroundOptions = Omit<SqliteOptions, 'queues' | 'executions'> & {
  queues: Readonly<Record<string, QueueSettings>>;
  /** Days that dead letters are kept. */
  deadLetterDays: number;
  executions: Omit<SqliteExecutionsOptions, 'database' | 'timeScale'>;
  onDamage: OnDamage;
};

/** What calls the product. */
export type Programs = {
  consumers: Readonly<Record<string, Consumer>>;
  jobs: readonly Job[];
};

/** Pause between deletions of what has expired. */
const EXPIRE_EVERY_SECONDS = 60;
const DAY_MS = 86_400_000;

/** The part of the platform that calls the product: it delivers messages, runs executions, and runs jobs. */
export class BackgroundPlatform extends SqlitePlatform {
  readonly #options: BackgroundOptions;
  readonly #now: () => number;
  readonly #executions: SqliteExecutions;

  private constructor(
    options: BackgroundOptions,
    database: Database,
    files: { blobs: FolderBlobs; publicFiles: FolderPublicFiles },
  ) {
    const { now } = database.clock;
    const executions = new SqliteExecutions({
      ...options.executions,
      database,
      timeScale: options.timeScale,
      now,
      byMachine: (at) => at + Date.now() - now(),
    });
    super(options, { database, ...files }, executions);
    this.#options = options;
    this.#now = now;
    this.#executions = executions;
    database.onNews(({ queues, executions: changed }) => {
      for (const queue of queues) this.queues.deliver(queue);
      for (const execution of changed) executions.continue(execution);
    });
  }

  /** @param port from the platform that has opened the same folders in another thread */
  static async join(options: BackgroundOptions, port: MessagePort): Promise<BackgroundPlatform> {
    const database = await Database.join(join(options.dataFolder, DATABASE_FILE), port, options.onDamage);
    return new BackgroundPlatform(options, database, {
      blobs: FolderBlobs.join(join(options.dataFolder, BLOBS_FOLDER)),
      publicFiles: FolderPublicFiles.join(options.publicFolder),
    });
  }

  /** Continues what was interrupted, and then delivers messages and runs jobs. @returns what ends all of it */
  async run({ consumers, jobs }: Programs): Promise<() => Promise<void>> {
    const { queues, timeScale, onError, deadLetterDays } = this.#options;
    await this.#executions.resume();
    const consumptions = Object.entries(consumers).map(([queue, consumer]) => {
      const settings = queues[queue];
      if (settings === undefined) throw new Error(`unknown queue ${queue}`);
      return this.queues.consume(queue, { ...settings, consumer });
    });
    const expire: Job = {
      name: 'expire',
      everySeconds: EXPIRE_EVERY_SECONDS,
      run: async () => {
        await this.store.deleteExpired(Math.floor(Date.now() / 1000));
        await this.queues.deleteDead(this.#now() - deadLetterDays * DAY_MS);
      },
    };
    const schedule = new TimerSchedule({ timeScale, onFailure: (job, error) => onError(error, `job ${job}`) });
    const stopJobs = schedule.start([...jobs, expire]);
    return async () => {
      await Promise.all([stopJobs(), ...consumptions.map(({ stop }) => stop())]);
      await this.#executions.close();
    };
  }
}
