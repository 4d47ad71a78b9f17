import { randomBytes } from 'node:crypto';
import type { Deps } from '../domain/ports.ts';
import type { Change, ChangeKind } from '../schemas/change.ts';
import { type Config, EnvironmentEntry } from '../schemas/config.ts';
import { plusSeconds, type Timestamp } from '../schemas/time.ts';
import { entryOf } from '../workflows/steps/judge.ts';
import { reportOverdueDeploy } from './api/failed-deploy.ts';

const DEFAULTS = EnvironmentEntry.parse({});

/** These go on for as long as people want them to. */
export const HAS_NO_END: ReadonlySet<ChangeKind> = new Set<ChangeKind>(['flag', 'experiment']);

/** Deploys that have begun and have not ended in their time are signals of their services, once each. */
export async function reportOverdue(
  deps: Pick<Deps, 'changes' | 'config' | 'clock' | 'timeScale' | 'log' | 'queue'>,
): Promise<void> {
  const rolling = await deps.changes.rolling();
  if (rolling.length === 0) return;
  const { services } = await deps.config.current();
  const now = deps.clock.now();
  for (const { change, overdueAt } of rolling) {
    if (overdueAt !== null || HAS_NO_END.has(change.kind)) continue;
    const at = deadlineOf(change, services, deps.timeScale);
    if (at > now) continue;
    try {
      // Said first and remembered then: the same signal again is known by its episode.
      await reportOverdueDeploy(deps, change, at, randomBytes(16).toString('hex'));
      await deps.changes.setOverdue(change.id, at);
      deps.log.warn('a deploy has not ended in its time', { change: change.id, service: change.service });
    } catch (error) {
      deps.log.error('a deploy that has not ended could not be reported', { change: change.id, error: String(error) });
    }
  }
}

/** When the time of a deploy is over that has begun. */
export const deadlineOf = (change: Change, services: Config['services'], timeScale: number): Timestamp =>
  plusSeconds(change.started_at, secondsFor(entryOf(services, change)) / timeScale);

const secondsFor = (entry: EnvironmentEntry | undefined): number => (entry ?? DEFAULTS).deployTimeoutSeconds;
