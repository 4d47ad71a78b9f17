import type { Blobs } from '../blobs.ts';
import { DurableFolder } from './durable-folder.ts';

/** Stores each blob as a file in a folder, by its key. Content types are not stored: no reader needs them. */
export class FolderBlobs implements Blobs {
  readonly #files: DurableFolder;
  readonly #writes = new Gate();

  private constructor(files: DurableFolder) {
    this.#files = files;
  }

  /** Opens a folder. Only one process may use it. */
  static async open(folder: string): Promise<FolderBlobs> {
    const blobs = FolderBlobs.join(folder);
    await blobs.#files.clean();
    return blobs;
  }

  /** Opens a folder that another thread of this process has opened. */
  static join(folder: string): FolderBlobs {
    return new FolderBlobs(new DurableFolder(folder, { file: 0o600, folder: 0o700 }));
  }

  async put(key: string, body: Uint8Array | string): Promise<void> {
    await this.#writes.pass(() => this.#files.write(key, body, { onlyIfNew: false }));
  }

  async putNew(key: string, body: Uint8Array | string): Promise<boolean> {
    return this.#writes.pass(() => this.#files.write(key, body, { onlyIfNew: true }));
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#files.read(key);
  }

  /** Runs `work` while no blob changes. Changes wait until `work` ends. Files are replaced, so hard links keep them. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    return this.#writes.runAlone(work);
  }
}

/** A readers-writer lock: work passes concurrently, except while work that must run alone holds the gate. */
class Gate {
  #passing = 0;
  #exclusive: Promise<unknown> | undefined;
  #idle = Promise.withResolvers<void>();

  /** Runs `work` concurrently with other passing work. Waits while the gate is held. */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    while (this.#exclusive) await this.#exclusive;
    this.#passing += 1;
    try {
      return await work();
    } finally {
      this.#passing -= 1;
      if (this.#passing === 0) this.#idle.resolve();
    }
  }

  /** Runs `work` alone: waits for all passing work to end, and lets nothing pass until `work` ends. */
  async runAlone<T>(work: () => Promise<T>): Promise<T> {
    while (this.#exclusive) await this.#exclusive;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exclusive = promise;
    try {
      if (this.#passing > 0) {
        this.#idle = Promise.withResolvers();
        await this.#idle.promise;
      }
      return await work();
    } finally {
      this.#exclusive = undefined;
      resolve();
    }
  }
}
