import { lstat, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { CONFIG_KEY, type PublishedConfig, readPublished } from '../../core/stores/config/config-source.ts';
import type { Blobs } from '../../core/domain/ports/system.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { CONFIG_FILES } from './catalogue-files.ts';
import { type ConfigFolders, type LoadedSet, loadSet } from './config-set.ts';
import { objectiveFiles } from './objective-files.ts';
import { runbookFiles } from './runbook-files.ts';

const CHECK_EVERY_MS = 1000;

/**
 * Publishes a configuration to where the functions read it. If it is invalid, the last valid one stays in force and its
 * problems are published. Warnings are published too.
 */
export async function publish(blobs: Blobs, loaded: LoadedSet, at: Timestamp): Promise<void> {
  const before = await published(blobs);
  const loads = before?.loads ?? { at: null, succeeded: 0, failed: 0 };
  const set: PublishedConfig | undefined = loaded.ok
    ? {
        config: loaded.config,
        problems: loaded.warnings,
        loads: { ...loads, at, succeeded: loads.succeeded + 1 },
      }
    : before && { ...before, problems: loaded.problems, loads: { ...loads, failed: loads.failed + 1 } };
  if (set !== undefined) await blobs.put(CONFIG_KEY, JSON.stringify(set), 'application/json');
}

/** Returns the published configuration, or undefined if there is none or this version cannot read it. */
export async function published(blobs: Blobs): Promise<PublishedConfig | undefined> {
  const body = await blobs.get(CONFIG_KEY);
  if (body === undefined) return undefined;
  try {
    return readPublished(Buffer.from(body).toString()).published;
  } catch (error) {
    if (error instanceof z.ZodError) return undefined;
    throw error;
  }
}

/**
 * Applies changes on disk. Polls the files every second, which works on every file system and with editors that rename
 * files.
 *
 * @param applied fingerprint of the files that are in force
 */
export function watchConfig(
  folders: ConfigFolders,
  onChange: (loaded: LoadedSet) => Promise<void>,
  onError: (error: unknown) => void,
  applied: string,
): { stop(): void } {
  let busy = false;
  const look = lookForChanges(folders, onChange, applied);
  const check = (): void => {
    if (busy) return;
    busy = true;
    look()
      .catch(onError)
      .finally(() => (busy = false));
  };
  const timer = setInterval(check, CHECK_EVERY_MS);
  check();
  return { stop: () => clearInterval(timer) };
}

/**
 * Returns a function that looks for changes. It applies them only if two looks in a row find the same files: an editor can
 * empty a file before it writes it. If they can't be applied, the next look tries again.
 */
export function lookForChanges(
  folders: ConfigFolders,
  onChange: (loaded: LoadedSet) => Promise<void>,
  applied: string,
): () => Promise<void> {
  let [inForce, last] = [applied, applied];
  return async () => {
    const now = await fingerprint(folders);
    const isSettled = now === last;
    last = now;
    if (now === inForce || !isSettled) return;
    const loaded = await loadSet(folders);
    if ((await fingerprint(folders)) !== now) return;
    await onChange(loaded);
    inForce = now;
  };
}

/** No files, so that those on disk count as changed. */
export const NOTHING_APPLIED = '';

/** Identifies the files as they are now. */
export async function fingerprint({ configDir, runbooksDir }: ConfigFolders): Promise<string> {
  const [objectives, runbooks] = await Promise.all(
    [objectiveFiles(configDir), runbookFiles(runbooksDir)].map((names) =>
      names.catch((error: NodeJS.ErrnoException) => [`${error.code}`]),
    ),
  );
  const files = [
    ...CONFIG_FILES.map((name) => join(configDir, name)),
    ...(objectives ?? []),
    ...(runbooks ?? []).map((name) => join(runbooksDir, name)),
  ];
  const parts = files.map(async (file) => {
    // Of a link without a target, the link counts: it is no missing file.
    const stats = await stat(file)
      .catch(() => lstat(file))
      .catch(() => undefined);
    // Permissions change only the time of the status.
    return `${file}:${stats === undefined ? '-' : `${stats.ino}:${stats.size}:${stats.mtimeMs}:${stats.ctimeMs}`}`;
  });
  return (await Promise.all(parts)).join(' ');
}
