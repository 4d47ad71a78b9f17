import { randomBytes } from 'node:crypto';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Change, ChangeKind } from '../../schemas/changes/change.ts';
import { type Config, EnvironmentEntry } from '../../schemas/config/config.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time/time.ts';
import { environmentEntry } from '../../domain/catalogue/catalogue.ts';
import { endOverdueDeploy, reportOverdueDeploy } from './report-failed-deploy.ts';

type OverdueDeps = Pick<Deps, 'canaries' | 'changes' | 'config' | 'clock' | 'timeScale' | 'log' | 'queue'>;

const DEFAULTS = EnvironmentEntry.parse({});

/** Kinds of changes without an expected end: people end them when they decide to. */
export const KINDS_WITHOUT_END: ReadonlySet<ChangeKind> = new Set<ChangeKind>(['flag', 'experiment']);

/** How long Firebreak waits for the end of a deployment, or for a success after a failure. */
export const GIVE_UP_SECONDS = 30 * 24 * 3600;

/**
 * Reports deployments that exceed their time-out as signals of their services, once each. To keep the list small, drops
 * changes without an expected end, and deployments without a reported end after 30 days.
 */
export async function reportOverdue(deps: OverdueDeps): Promise<void> {
  const rolling = await deps.changes.rolling();
  if (rolling.length === 0) return;
  const { services } = await deps.config.current();
  const now = deps.clock.now();
  const canaries = new Set((await deps.canaries.running()).map(({ change_id }) => change_id));
  for (const { change, overdueAt } of rolling) {
    try {
      // The canary alerts people itself when it makes no progress.
      if (canaries.has(change.id)) continue;
      if (KINDS_WITHOUT_END.has(change.kind)) await deps.changes.forgetRolling(change.id);
      else if (overdueAt === null) await reportIfOverdue(deps, change, deadlineOf(change, services, deps.timeScale));
      else if (plusSeconds(overdueAt, GIVE_UP_SECONDS) <= now) await giveUp(deps, change, overdueAt);
    } catch (error) {
      deps.log.error('an overdue deployment could not be reported', { change: change.id, error: String(error) });
    }
  }
}

/** Sends the signal before recording it. A repeated signal is recognized by its episode. */
async function reportIfOverdue(deps: OverdueDeps, change: Change, at: Timestamp): Promise<void> {
  if (at > deps.clock.now()) return;
  await reportOverdueDeploy(deps, change, at, randomBytes(16).toString('hex'));
  await deps.changes.setOverdue(change.id, at);
  deps.log.warn('a deployment is overdue', { change: change.id, service: change.service });
}

/** Sends the resolved signal before deleting the record, for the same reason. */
async function giveUp(deps: OverdueDeps, change: Change, overdueAt: Timestamp): Promise<void> {
  const summary = `The end of the ${change.kind} of ${change.version} was not reported for 30 days`;
  await endOverdueDeploy(deps, change, overdueAt, randomBytes(16).toString('hex'), summary);
  await deps.changes.forgetRolling(change.id);
}

/** Returns when a started deployment becomes overdue. */
export const deadlineOf = (change: Change, services: Config['services'], timeScale: number): Timestamp =>
  plusSeconds(change.started_at, secondsFor(environmentEntry(services, change)) / timeScale);

const secondsFor = (entry: EnvironmentEntry | undefined): number => (entry ?? DEFAULTS).deployTimeoutSeconds;
