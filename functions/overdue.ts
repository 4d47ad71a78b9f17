import { randomBytes } from 'node:crypto';
import type { Deps } from '../domain/ports.ts';
import type { Change, ChangeKind } from '../schemas/change.ts';
import { type Config, EnvironmentEntry } from '../schemas/config.ts';
import { plusSeconds, type Timestamp } from '../schemas/time.ts';
import { entryOf } from '../workflows/steps/judge.ts';
import { endOverdueDeploy, reportOverdueDeploy } from './api/failed-deploy.ts';

type OverdueDeps = Pick<Deps, 'changes' | 'config' | 'clock' | 'timeScale' | 'log' | 'queue'>;

const DEFAULTS = EnvironmentEntry.parse({});

/** These go on for as long as people want them to. */
export const HAS_NO_END: ReadonlySet<ChangeKind> = new Set<ChangeKind>(['flag', 'experiment']);

/** After this long nobody tells any more how a deploy ended, or deploys what has failed. */
export const OLD_NEWS_SECONDS = 30 * 24 * 3600;

/**
 * Deploys that have begun and have not ended in their time are signals of their services, once each. What is read each
 * minute stays small: what has no end is not waited for, and what has not been told to end for a month neither.
 */
export async function reportOverdue(deps: OverdueDeps): Promise<void> {
  const rolling = await deps.changes.rolling();
  if (rolling.length === 0) return;
  const { services } = await deps.config.current();
  const now = deps.clock.now();
  for (const { change, overdueAt } of rolling) {
    try {
      if (HAS_NO_END.has(change.kind)) await deps.changes.forgetRolling(change.id);
      else if (overdueAt === null) await reportIfOverdue(deps, change, deadlineOf(change, services, deps.timeScale));
      else if (plusSeconds(overdueAt, OLD_NEWS_SECONDS) <= now) await giveUp(deps, change, overdueAt);
    } catch (error) {
      deps.log.error('a deploy that has not ended could not be reported', { change: change.id, error: String(error) });
    }
  }
}

/** Said first and remembered then: the same signal again is known by its episode. */
async function reportIfOverdue(deps: OverdueDeps, change: Change, at: Timestamp): Promise<void> {
  if (at > deps.clock.now()) return;
  await reportOverdueDeploy(deps, change, at, randomBytes(16).toString('hex'));
  await deps.changes.setOverdue(change.id, at);
  deps.log.warn('a deploy has not ended in its time', { change: change.id, service: change.service });
}

/** Said first and forgotten then, in the same way. */
async function giveUp(deps: OverdueDeps, change: Change, overdueAt: Timestamp): Promise<void> {
  const summary = `The ${change.kind} of ${change.version} was not said to have ended for 30 days`;
  await endOverdueDeploy(deps, change, overdueAt, randomBytes(16).toString('hex'), summary);
  await deps.changes.forgetRolling(change.id);
}

/** When the time of a deploy is over that has begun. */
export const deadlineOf = (change: Change, services: Config['services'], timeScale: number): Timestamp =>
  plusSeconds(change.started_at, secondsFor(entryOf(services, change)) / timeScale);

const secondsFor = (entry: EnvironmentEntry | undefined): number => (entry ?? DEFAULTS).deployTimeoutSeconds;
