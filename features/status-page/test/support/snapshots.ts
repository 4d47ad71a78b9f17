import type { SnapshotFile, SnapshotStore } from '../../decisions/snapshot.ts';

/** An in-memory store of snapshots. */
export class MemorySnapshots implements SnapshotStore {
  readonly files = new Map<string, SnapshotFile>();
  /** Paths in the order in which they were written, and removed. */
  readonly written: string[] = [];
  readonly removed: string[] = [];
  /** Refuses to write these paths. */
  broken: RegExp | undefined;

  async read(path: string): Promise<string | undefined> {
    return this.files.get(path)?.body;
  }

  async put(file: SnapshotFile): Promise<void> {
    if (this.broken?.test(file.path)) throw new Error(`cannot write ${file.path}`);
    this.written.push(file.path);
    this.files.set(file.path, file);
  }

  async remove(path: string): Promise<void> {
    this.removed.push(path);
    this.files.delete(path);
  }
}
