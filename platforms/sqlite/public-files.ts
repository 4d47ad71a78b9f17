import type { PublicFiles } from '../blobs.ts';
import { DurableFolder } from './durable-folder.ts';

/**
 * Stores files in a folder that a web server can serve, also one that runs as another user. Types are not stored: a web
 * server derives them from the names.
 */
export class FolderPublicFiles implements PublicFiles {
  readonly #files: DurableFolder;

  private constructor(files: DurableFolder) {
    this.#files = files;
  }

  /** Opens a folder. A folder that is not available now, such as a network drive, does not prevent the start. */
  static async open(folder: string): Promise<FolderPublicFiles> {
    const files = FolderPublicFiles.join(folder);
    await files.#files.clean().catch(() => undefined); // `put` says why
    return files;
  }

  /** Opens a folder that another thread of this process has opened. */
  static join(folder: string): FolderPublicFiles {
    return new FolderPublicFiles(new DurableFolder(folder, { file: 0o644, folder: 0o755 }));
  }

  async read(path: string): Promise<string | undefined> {
    return (await this.#files.read(path))?.toString();
  }

  async put({ path, body }: { path: string; body: string }): Promise<void> {
    await this.#files.write(path, body, { onlyIfNew: false });
  }

  remove(path: string): Promise<void> {
    return this.#files.remove(path);
  }
}
