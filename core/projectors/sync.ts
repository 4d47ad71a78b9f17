import { pruned } from '../domain/rollback/pace.ts';
import type { Clock, Log } from '../domain/ports/system.ts';
import type { Due, Lease, Projections } from '../domain/incidents/projections.ts';
import type { Subject, ProjectionTargetName } from '../../schemas/incidents/projection.ts';
import { millisOf, plusSeconds, secondsBetween, timestamp, type Timestamp } from '../../schemas/time/time.ts';
import { type SyncContext, SyncSession } from './session.ts';

/** Duration of the lease, which blocks other projectors if this process dies; renewed while it runs. */
const LEASE_SECONDS = 15;
const RENEW_AFTER_SECONDS = 4;

/** Maximum duration of one sync. The function times out after a minute; the next sync continues. */
const SYNC_SECONDS = 35;

/** Maximum delay of an SQS message. */
const WAKE_MAX_SECONDS = 900;

/** Delay after an exception for one subject; the other subjects continue. */
const AFTER_EXCEPTION_SECONDS = 60;

/** Projects a subject: compares it with what the target shows, and applies the difference as far as the session allows. */
export type Projector = (subject: Subject, session: SyncSession) => Promise<void>;

type SyncDeps = { clock: Clock; log: Log; projections: Projections; timeScale?: number };

/**
 * `subjects`: maximum number of parallel subjects. `pause`: interval between checks for new subjects; null: check only
 * when one is done.
 */
type Parallelism = {
  subjects: number;
  pause: ((milliseconds: number, signal: AbortSignal) => Promise<unknown>) | null;
};

const SEQUENTIAL: Parallelism = { subjects: 1, pause: null };

class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/**
 * Projects all due subjects to a target, oldest first, each once, within the vendor's rate limits. Then schedules the
 * next wake-up. A lease ensures that only one projector works on a target.
 *
 * @param parallelism parallel subjects, for a target with many vendors, so that a slow one does not block the others
 */
export async function sync(
  target: ProjectionTargetName,
  deps: SyncDeps,
  project: Projector,
  parallelism: Parallelism = SEQUENTIAL,
): Promise<void> {
  const { projections } = deps;
  const requestedAt = deps.clock.now();
  const lease = await projections.lease(target, LEASE_SECONDS);
  if (lease === undefined) {
    // The holder checks for new subjects before it ends, but it may have died.
    if ((await readySubjects(deps, target)).length > 0) await projections.wake(target, LEASE_SECONDS);
    return;
  }
  const context = contextOf(lease, requestedAt, deps);
  try {
    await work(target, deps, { context, project, parallelism });
  } catch (error) {
    if (!(error instanceof LeaseLost)) throw error;
    deps.log.warn('another projector has taken over the lease', { target });
    return;
  }
  const wake = nextWake(lease, await projections.due(target), deps.clock.now());
  await projections.release({ ...lease, pace: pruned(context.pace, millisOf(deps.clock.now())), wakeAt: wake.wakeAt });
  if (wake.afterSeconds !== null) await projections.wake(target, wake.afterSeconds);
  // A projector that found the lease taken may have marked a subject after the last check.
  else if ((await readySubjects(deps, target)).length > 0) await projections.wake(target, 0);
}

type Work = { context: SyncContext; project: Projector; parallelism: Parallelism };

/** Interval in milliseconds between checks for new subjects while others are in progress. */
const CHECK_INTERVAL_MS = 1000;

/** @throws the first error, after all subjects have ended, so that no work continues afterwards */
async function work(
  target: ProjectionTargetName,
  deps: SyncDeps,
  { context, project, parallelism }: Work,
): Promise<void> {
  const inProgress = new Map<Subject, Promise<void>>();
  const failures: unknown[] = [];
  let due: Due[] = [];
  while (failures.length === 0) {
    if (due.length === 0) due = (await readySubjects(deps, target)).filter(({ subject }) => !inProgress.has(subject));
    const room = isOver(context) ? 0 : parallelism.subjects - inProgress.size;
    for (const dueSubject of due.slice(0, room)) {
      const projection = projectSubject(target, deps, dueSubject, { context, project })
        .catch((error: unknown) => void failures.push(error))
        .finally(() => inProgress.delete(dueSubject.subject));
      inProgress.set(dueSubject.subject, projection);
    }
    due = due.slice(room);
    if (inProgress.size === 0) return;
    await waitForFirst([...inProgress.values()], inProgress.size < parallelism.subjects ? parallelism.pause : null);
  }
  await Promise.all(inProgress.values());
  throw failures[0];
}

const isOver = ({ clock, until }: SyncContext): boolean => until !== null && clock.now() > until;

async function projectSubject(
  target: ProjectionTargetName,
  deps: SyncDeps,
  dueSubject: Due,
  { context, project }: Pick<Work, 'context' | 'project'>,
): Promise<void> {
  await context.renewLease();
  const nextAt = await runProjector(dueSubject, context, project);
  await context.renewLease();
  await deps.projections.settle(target, dueSubject, nextAt);
}

/** Waits until one is done or the interval has passed. */
async function waitForFirst(all: readonly Promise<void>[], pause: Parallelism['pause']): Promise<void> {
  const over = new AbortController();
  const waits = pause === null ? [] : [pause(CHECK_INTERVAL_MS, over.signal).catch(() => undefined)];
  await Promise.race([...all, ...waits]);
  over.abort();
}

async function runProjector({ subject }: Due, context: SyncContext, project: Projector): Promise<Timestamp | null> {
  const session = new SyncSession(context, subject);
  try {
    await project(subject, session);
  } catch (error) {
    if (error instanceof LeaseLost) throw error;
    context.log.error('a projection failed; retrying', {
      subject,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    session.scheduleNext(plusSeconds(context.clock.now(), AFTER_EXCEPTION_SECONDS));
  }
  return session.nextAt;
}

/** @param since time of the lease request, from which the lease counts, not from its response */
function contextOf(lease: Lease, since: Timestamp, { clock, log, projections, timeScale = 1 }: SyncDeps): SyncContext {
  let renewed = since;
  return {
    clock,
    log: log.with({ target: lease.target }),
    pace: lease.pace,
    timeScale,
    inProgress: new Map(),
    turns: new Map(),
    until: plusSeconds(clock.now(), SYNC_SECONDS),
    async renewLease() {
      for (let now = clock.now(); secondsBetween(renewed, now) >= RENEW_AFTER_SECONDS; now = clock.now()) {
        if (!(await projections.renew(lease, LEASE_SECONDS))) throw new LeaseLost('the lease has expired');
        renewed = now;
      }
    },
  };
}

async function readySubjects({ clock, projections }: SyncDeps, target: ProjectionTargetName): Promise<Due[]> {
  const now = clock.now();
  return (await projections.due(target)).filter(({ notBefore }) => notBefore === null || notBefore <= now);
}

/** Returns the next wake-up. `afterSeconds` null: one is already scheduled, or nothing is left. */
function nextWake(
  { wakeAt }: Lease,
  due: readonly Due[],
  now: Timestamp,
): { wakeAt: Timestamp | null; afterSeconds: number | null } {
  const scheduledAt = wakeAt !== null && wakeAt > now ? wakeAt : null;
  const first = due.map(({ notBefore }) => notBefore ?? now).toSorted()[0];
  if (first === undefined) return { wakeAt: scheduledAt, afterSeconds: null };
  const afterSeconds = Math.min(Math.max(Math.ceil(secondsBetween(now, first)), 0), WAKE_MAX_SECONDS);
  const at = timestamp(millisOf(now) + afterSeconds * 1000);
  if (scheduledAt !== null && scheduledAt <= plusSeconds(at, 1)) return { wakeAt: scheduledAt, afterSeconds: null };
  return { wakeAt: at, afterSeconds };
}
