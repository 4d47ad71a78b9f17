/** The time between two beats of a thread's heart, and between two checks for one. */
export const BEAT_EVERY_MS = 500;
export const CHECK_EVERY_MS = 1_000;

/** Without a beat for this time, a thread is stalled. Shorter times are usual under load and harm nobody. */
export const STALL_MS = 2_000;

/** The part of the watchdog's time after which the input in progress is stored, and after which systemd is notified. */
const STORE_AFTER = 1 / 2;
const NOTIFY_EVERY = 1 / 3;

/** What the checks have seen. */
export type Watched = {
  /** The time without a beat, of each thread. */
  stalledMs: readonly number[];
  /** Place of the thread that has stalled for the longest time, or the last one. */
  longest: number;
  reported: boolean;
  stored: boolean;
  /** The time since the last notification of systemd. */
  notifiedMs: number;
};

export const HEALTHY: Watched = { stalledMs: [], longest: 0, reported: false, stored: false, notifiedMs: 0 };

/** What a check leads to. `store`: systemd may soon restart the process. `over`: all threads beat again. */
export type Consequence = 'report' | 'store' | 'notify' | 'over' | End;

/** The end of the stall of one thread, given by its place, also while another one does not beat. */
type End = { ended: number; stalledMs: number };

/**
 * Judges one check. Stalls of two threads that overlap are reported as one, and measured each.
 *
 * @param haveBeaten whether each thread has beaten since the previous check
 * @param elapsedMs since the previous check. A machine that was suspended delays the check itself, which is no stall of
 *   the main thread, so only twice the usual time counts
 * @param watchdogMs after which systemd restarts a process that does not notify it. Undefined: nobody restarts it
 */
export function judge(
  before: Watched,
  { haveBeaten, elapsedMs }: { haveBeaten: readonly boolean[]; elapsedMs: number },
  watchdogMs: number | undefined,
): { watched: Watched; consequences: Consequence[] } {
  const counted = Math.min(elapsedMs, 2 * CHECK_EVERY_MS);
  const stalledMs = haveBeaten.map((hasBeaten, thread) => (hasBeaten ? 0 : (before.stalledMs[thread] ?? 0) + counted));
  const longestMs = Math.max(...stalledMs);
  const haveAllBeaten = longestMs === 0;
  const ends = haveBeaten.flatMap((hasBeaten, thread): End[] => {
    const lasted = before.stalledMs[thread] ?? 0;
    return hasBeaten && lasted >= STALL_MS ? [{ ended: thread, stalledMs: lasted + counted }] : [];
  });
  const longest = haveAllBeaten ? before.longest : stalledMs.indexOf(longestMs);
  const reports = !before.reported && longestMs >= STALL_MS;
  const stores =
    watchdogMs !== undefined && !before.stored && longestMs >= Math.max(STALL_MS, watchdogMs * STORE_AFTER);
  const notifiedMs = before.notifiedMs + elapsedMs;
  const notifies = watchdogMs !== undefined && longestMs < STALL_MS && notifiedMs >= watchdogMs * NOTIFY_EVERY;
  return {
    watched: {
      stalledMs,
      longest,
      reported: !haveAllBeaten && (before.reported || reports),
      stored: !haveAllBeaten && (before.stored || stores),
      notifiedMs: notifies ? 0 : notifiedMs,
    },
    consequences: [
      ...ends,
      ...(haveAllBeaten && before.reported ? (['over'] as const) : []),
      ...(reports ? (['report'] as const) : []),
      ...(stores ? (['store'] as const) : []),
      ...(notifies ? (['notify'] as const) : []),
    ],
  };
}
