import { pruned } from '../domain/pace.ts';
import type { Clock, Log } from '../domain/ports.ts';
import type { Due, Lease, Projections } from '../domain/projections.ts';
import type { Subject, Target } from '../schemas/projection.ts';
import { millisOf, plusSeconds, secondsBetween, timestamp, type Timestamp } from '../schemas/time.ts';
import { type Desk, Turn } from './turn.ts';

/** So long nobody else works at the target when this process dies; renewed while it lives. */
const LEASE_SECONDS = 15;
const RENEW_AFTER_SECONDS = 4;

/** A function has a minute; what is left then goes on with the next one. */
const PASS_SECONDS = 35;

/** SQS delays a message by at most this. */
const WAKE_MAX_SECONDS = 900;

/** A bug with one subject must not stop the others. */
const AFTER_A_BUG_SECONDS = 60;

/** Shows a subject: compares what is with what is shown, and does what the turn allows of the difference. */
export type Projector = (subject: Subject, turn: Turn) => Promise<void>;

type PassDeps = { clock: Clock; log: Log; projections: Projections; timeScale?: number };

/**
 * `subjects`: how many may be shown at once. `pause`: after which it is looked, beside those, whether there is more to do;
 * null: only once one of them is done.
 */
export type SideBySide = {
  subjects: number;
  pause: ((milliseconds: number, signal: AbortSignal) => Promise<unknown>) | null;
};

const ONE_BY_ONE: SideBySide = { subjects: 1, pause: null };

class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/**
 * Shows everything at a target that is due, oldest first, each once and as far as the vendor's pace allows; then asks to
 * be woken for what is left. Only one at a time works at a target.
 *
 * @param sideBySide for a target of many vendors, of whom one must not keep the others waiting
 */
export async function pass(
  target: Target,
  deps: PassDeps,
  project: Projector,
  sideBySide: SideBySide = ONE_BY_ONE,
): Promise<void> {
  const { projections } = deps;
  const asked = deps.clock.now();
  const lease = await projections.lease(target, LEASE_SECONDS);
  if (lease === undefined) {
    // Whoever has it looks again before it goes; but it may have died.
    if ((await ready(deps, target)).length > 0) await projections.wake(target, LEASE_SECONDS);
    return;
  }
  const desk = deskOf(lease, asked, deps);
  try {
    await work(target, deps, { desk, project, sideBySide });
  } catch (error) {
    if (!(error instanceof LeaseLost)) throw error;
    deps.log.warn('another projector has taken over', { target });
    return;
  }
  const plan = nextWake(lease, await projections.due(target), deps.clock.now());
  await projections.release({ ...lease, pace: pruned(desk.pace, millisOf(deps.clock.now())), wakeAt: plan.wakeAt });
  if (plan.afterSeconds !== null) await projections.wake(target, plan.afterSeconds);
  // What was marked after the last look, by somebody who found the lease taken.
  else if ((await ready(deps, target)).length > 0) await projections.wake(target, 0);
}

type Work = { desk: Desk; project: Projector; sideBySide: SideBySide };

/** Milliseconds. While somebody is waited for, it is looked so often whether there is more to do. */
const LOOK_AGAIN_MS = 1000;

/** @throws what one of them throws, once all have come to their end: who works at a target is done with it by then */
async function work(target: Target, deps: PassDeps, { desk, project, sideBySide }: Work): Promise<void> {
  const underWay = new Map<Subject, Promise<void>>();
  const failures: unknown[] = [];
  let due: Due[] = [];
  while (failures.length === 0) {
    if (due.length === 0) due = (await ready(deps, target)).filter(({ subject }) => !underWay.has(subject));
    const room = isOver(desk) ? 0 : sideBySide.subjects - underWay.size;
    for (const one of due.slice(0, room)) {
      const shown = show(target, deps, one, { desk, project })
        .catch((error: unknown) => void failures.push(error))
        .finally(() => underWay.delete(one.subject));
      underWay.set(one.subject, shown);
    }
    due = due.slice(room);
    if (underWay.size === 0) return;
    await firstOf([...underWay.values()], underWay.size < sideBySide.subjects ? sideBySide.pause : null);
  }
  await Promise.all(underWay.values());
  throw failures[0];
}

const isOver = ({ clock, until }: Desk): boolean => until !== null && clock.now() > until;

async function show(
  target: Target,
  deps: PassDeps,
  one: Due,
  { desk, project }: Pick<Work, 'desk' | 'project'>,
): Promise<void> {
  await desk.stillOurs();
  const again = await turnOf(one, desk, project);
  await desk.stillOurs();
  await deps.projections.settle(target, one, again);
}

/** Until one of them is done, or the time has passed. */
async function firstOf(all: readonly Promise<void>[], pause: SideBySide['pause']): Promise<void> {
  const over = new AbortController();
  const waits = pause === null ? [] : [pause(LOOK_AGAIN_MS, over.signal).catch(() => undefined)];
  await Promise.race([...all, ...waits]);
  over.abort();
}

async function turnOf({ subject }: Due, desk: Desk, project: Projector): Promise<Timestamp | null> {
  const turn = new Turn(desk);
  try {
    await project(subject, turn);
  } catch (error) {
    if (error instanceof LeaseLost) throw error;
    desk.log.error('a projection failed; it is tried again', {
      subject,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    turn.comeAgain(plusSeconds(desk.clock.now(), AFTER_A_BUG_SECONDS));
  }
  return turn.again;
}

/** @param since when the lease was asked for: it holds from then on, not from when the answer came */
function deskOf(lease: Lease, since: Timestamp, { clock, log, projections, timeScale = 1 }: PassDeps): Desk {
  let renewed = since;
  return {
    clock,
    log: log.with({ target: lease.target }),
    pace: lease.pace,
    timeScale,
    underWay: new Map(),
    until: plusSeconds(clock.now(), PASS_SECONDS),
    async stillOurs() {
      for (let now = clock.now(); secondsBetween(renewed, now) >= RENEW_AFTER_SECONDS; now = clock.now()) {
        if (!(await projections.renew(lease, LEASE_SECONDS))) throw new LeaseLost('the lease has run out');
        renewed = now;
      }
    },
  };
}

async function ready({ clock, projections }: PassDeps, target: Target): Promise<Due[]> {
  const now = clock.now();
  return (await projections.due(target)).filter(({ notBefore }) => notBefore === null || notBefore <= now);
}

/** When to be woken next. `afterSeconds` null: no need to ask, somebody has, or nothing is left. */
function nextWake(
  { wakeAt }: Lease,
  due: readonly Due[],
  now: Timestamp,
): { wakeAt: Timestamp | null; afterSeconds: number | null } {
  const asked = wakeAt !== null && wakeAt > now ? wakeAt : null;
  const first = due.map(({ notBefore }) => notBefore ?? now).toSorted()[0];
  if (first === undefined) return { wakeAt: asked, afterSeconds: null };
  const afterSeconds = Math.min(Math.max(Math.ceil(secondsBetween(now, first)), 0), WAKE_MAX_SECONDS);
  const at = timestamp(millisOf(now) + afterSeconds * 1000);
  if (asked !== null && asked <= plusSeconds(at, 1)) return { wakeAt: asked, afterSeconds: null };
  return { wakeAt: at, afterSeconds };
}
