import { join } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import type { Executions } from '../executions.ts';
import type { Platform } from '../platform.ts';
import { FolderBlobs } from './blobs.ts';
import { SqliteCommits } from './commits.ts';
import { BLOBS_FOLDER, DATABASE_FILE } from './data-folder.ts';
import { Database } from './database.ts';
import { ExecutionRequests, type ExecutionRequestsOptions } from './execution-requests.ts';
import { FolderPublicFiles } from './public-files.ts';
import { SqliteQueues } from './queues.ts';
import type { OnDamage } from './sql.ts';
import { SqliteStore } from './store.ts';
import { type Secrets, secretIn } from '../secrets.ts';

export type SqliteOptions = {
  dataFolder: string;
  /** Folder of the files that everybody may read. */
  publicFolder: string;
  secret: (name: string) => string | undefined;
  /** All queues by name. */
  queues: Readonly<Record<string, { ordered: boolean }>>;
  executions: Pick<ExecutionRequestsOptions, 'executionTimeoutSeconds' | 'log'>;
  timeScale: number;
  /** Called with errors that the platform answers by itself. `where`: for example `queue urgent` */
  onError: (error: unknown, where: string) => void;
};

/** What the platform's files are opened with: by the first thread, or by another one. */
export type Opened = { database: Database; blobs: FolderBlobs; publicFiles: FolderPublicFiles };

/**
 * The platform of one machine: one process, one SQLite file, and a folder of blobs. What the platform calls runs in another
 * thread (`background.ts`), so that it does not delay who calls the platform here.
 */
export class SqlitePlatform implements Platform {
  readonly store: SqliteStore;
  readonly queues: SqliteQueues;
  readonly blobs: Platform['blobs'];
  readonly publicFiles: Platform['publicFiles'];
  readonly secrets: Platform['secrets'];
  readonly executions: Executions;
  readonly commits: SqliteCommits;
  /** Resolves if nothing can be written any more. */
  readonly failed: Promise<Error>;
  readonly #database: Database;

  protected constructor(options: SqliteOptions, opened: Opened, executions: Executions) {
    const { database, blobs, publicFiles } = opened;
    this.#database = database;
    this.executions = executions;
    this.failed = database.failed;
    this.store = new SqliteStore(database);
    this.commits = new SqliteCommits(database);
    this.queues = new SqliteQueues(database, {
      queues: options.queues,
      clock: database.clock,
      onError: (error, queue) => options.onError(error, `queue ${queue}`),
    });
    this.blobs = blobs;
    this.publicFiles = publicFiles;
    this.secrets = environmentSecrets(options.secret);
  }

  /** @param onDamage called when this thread meets a damaged page */
  static async open(options: SqliteOptions, onDamage?: OnDamage): Promise<SqlitePlatform> {
    const database = await Database.open(join(options.dataFolder, DATABASE_FILE), onDamage);
    const blobs = await FolderBlobs.open(join(options.dataFolder, BLOBS_FOLDER));
    const publicFiles = await FolderPublicFiles.open(options.publicFolder);
    const executions = new ExecutionRequests({
      ...options.executions,
      database,
      timeScale: options.timeScale,
      now: database.clock.now,
    });
    return new SqlitePlatform(options, { database, blobs, publicFiles }, executions);
  }

  /** Resolves once something can be written, if the disk was full at the start. Undefined: it can be. */
  get late(): Promise<void> | undefined {
    return this.#database.late;
  }

  /** Returns a port for the thread in which the platform calls the product. */
  share(): MessagePort {
    return this.#database.share();
  }

  close(): Promise<void> {
    this.commits.close();
    return this.#database.close();
  }
}

/** Reads secrets of the process at each call, such as from its environment: a changed one is seen at once. */
export const environmentSecrets = (read: (name: string) => string | undefined): Secrets => ({
  get: async (name) => secretIn(read(name)),
});
