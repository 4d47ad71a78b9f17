import { setTimeout as sleep } from 'node:timers/promises';
import { sha256 } from '../../../core/stores/hash.ts';
import { snapshotFiles } from '../pages/snapshot/files.ts';
import type { Deps } from '../ports.ts';
import { cachedMonths } from './cached-months.ts';
import { planSnapshot, type SnapshotFile, type SnapshotStore } from '../decisions/snapshot.ts';
import { MANIFEST_PATH, SnapshotEvent, SnapshotManifest } from '../schemas/snapshot-manifest.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { pooled } from '../../../core/domain/concurrency.ts';

type TakeSnapshotDeps = Pick<
  Deps,
  'clock' | 'config' | 'log' | 'publicIncidents' | 'publicUrl' | 'snapshots' | 'timeScale'
>;

/** Snapshots in one run, because a schedule cannot invoke a function more often than each minute. */
const SNAPSHOTS_PER_RUN = 2;
/** Milliseconds from the start of a snapshot to the start of the next one. */
const INTERVAL_MS = 30_000;
/**
 * With runs a minute apart, a snapshot without changes is replaced after at most four minutes: after five, pages tell
 * readers that they are old.
 */
const RENEWED_AFTER_MS = 210_000;
/** Files written in parallel. */
const AT_ONCE = 8;

export type SnapshotDeps = Pick<Deps, 'clock' | 'log' | 'timeScale' | 'snapshots'>;

/** What a run needs besides the dependencies. */
export type SnapshotRun = {
  /** Returns the files of a snapshot. */
  files: (at: Timestamp) => Promise<SnapshotFile[]>;
  hashOf: (body: string) => string;
  pause: (milliseconds: number) => Promise<void>;
  elapsed: () => number;
};

/**
 * Writes the snapshot of the public status pages, twice. If one fails, the last one stays, with its age; the next one
 * follows all the same.
 *
 * @throws AggregateError if one failed, so that the run counts as failed
 */
export async function takeSnapshots(deps: SnapshotDeps, run: SnapshotRun): Promise<{ written: number }> {
  const errors: unknown[] = [];
  let written = 0;
  for (let number = 1; number <= SNAPSHOTS_PER_RUN; number += 1) {
    const startedAt = run.elapsed();
    try {
      written += await takeSnapshot(deps, run);
    } catch (error) {
      errors.push(error);
      deps.log.error('the snapshot of the status pages could not be written; the last one stays', {
        error: String(error),
      });
    }
    const restMs = INTERVAL_MS / deps.timeScale - (run.elapsed() - startedAt);
    if (number < SNAPSHOTS_PER_RUN && restMs > 0) await run.pause(restMs);
  }
  if (errors.length > 0) throw new AggregateError(errors, 'the snapshot of the status pages could not be written');
  return { written };
}

/**
 * Writes the snapshot if something else than its age has changed, or the page would soon tell its readers that it is old.
 *
 * @throws Error if it could not be written, so that the run counts as failed
 */
export async function takeSnapshotOnChange(deps: SnapshotDeps, run: SnapshotRun): Promise<{ written: number }> {
  const last = await manifestOf(deps.snapshots, deps.log);
  const isRecent = last !== undefined && Date.parse(deps.clock.now()) - Date.parse(last.at) < RENEWED_AFTER_MS;
  // Files of the same content, with the time of the last snapshot on them.
  if (isRecent && planSnapshot(last, await run.files(last.at), { at: last.at, hashOf: run.hashOf }).isSame)
    return { written: 0 };
  return { written: await takeSnapshot(deps, run) };
}

/** Returns the job that writes the public status pages for a static host. It caches past months. */
export function snapshotJob(deps: TakeSnapshotDeps): (event?: unknown) => Promise<{ written: number }> {
  const { config, publicIncidents, publicUrl } = deps;
  const readersOf = cachedMonths(publicIncidents);
  const run: SnapshotRun = {
    files: (at) => snapshotFiles({ config, publicIncidents: readersOf(at), publicUrl }, at),
    hashOf: (body) => sha256(body).slice(0, 16),
    pause: async (milliseconds) => sleep(milliseconds),
    elapsed: () => performance.now(),
  };
  return (event = {}) =>
    SnapshotEvent.parse(event).onChange ? takeSnapshotOnChange(deps, run) : takeSnapshots(deps, run);
}

/** Writes one snapshot. @returns the number of files that were written */
async function takeSnapshot(
  { clock, log, snapshots }: SnapshotDeps,
  { files, hashOf }: Pick<SnapshotRun, 'files' | 'hashOf'>,
): Promise<number> {
  const at = clock.now();
  const all = await files(at);
  const plan = planSnapshot(await manifestOf(snapshots, log), all, { at, hashOf });
  if (plan.announced) await snapshots.put(fileOf(plan.announced));
  // Pages that link to others come last, so that their links work as soon as they are written.
  for (const batch of [plan.put.filter((file) => !isHome(file)), plan.put.filter(isHome)])
    await pooled(batch, AT_ONCE, (file) => snapshots.put(file));
  await pooled(plan.remove, AT_ONCE, (path) => snapshots.remove(path));
  await snapshots.put(fileOf(plan.manifest));
  return plan.put.length;
}

const isHome = ({ path }: SnapshotFile): boolean => /(^|\/)index\.html$/.test(path);

const fileOf = (manifest: SnapshotManifest): SnapshotFile => ({
  path: MANIFEST_PATH,
  type: 'application/json; charset=utf-8',
  body: JSON.stringify(manifest),
});

/** Reads the manifest. Undefined: there is none, or not one of this version, so all files are written again. */
async function manifestOf(snapshots: SnapshotStore, log: SnapshotDeps['log']): Promise<SnapshotManifest | undefined> {
  const text = await snapshots.read(MANIFEST_PATH);
  if (text === undefined) return undefined;
  try {
    return SnapshotManifest.parse(JSON.parse(text));
  } catch (error) {
    log.warn('the manifest of the snapshot cannot be read; all files are written again', { error: String(error) });
    return undefined;
  }
}
