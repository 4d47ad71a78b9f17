import { ofVersion } from '../../domain/changes/change-words.ts';
import { randomBytes } from 'node:crypto';
import type { Deps } from '../../domain/ports/deps.ts';
import { loaded } from '../../domain/ports/extensions.ts';
import type { Change, ChangeKind } from '../../../schemas/changes/change.ts';
import { type Config, EnvironmentEntry } from '../../../schemas/config/config.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { environmentEntry } from '../../domain/catalogue/catalogue.ts';
import { putsVersionLive, succeededSince } from '../../domain/changes/versions.ts';
import { endOverdueDeploy, reportOverdueDeploy } from './report-failed-deploy.ts';

type OverdueDeps = Pick<Deps, 'extensions' | 'changes' | 'config' | 'clock' | 'timeScale' | 'log' | 'queue'>;

const DEFAULTS = EnvironmentEntry.parse({});

/** Kinds of changes without an expected end: people end them when they decide to. */
export const KINDS_WITHOUT_END: ReadonlySet<ChangeKind> = new Set<ChangeKind>(['flag', 'experiment']);

/** How long Firebreak waits for the end of a deployment, or for a success after a failure. */
export const GIVE_UP_SECONDS = 30 * 24 * 3600;

/** How many recent changes are searched for a later success, which usually follows soon after. */
export const CHANGES_READ = 50;

/**
 * Reports deployments that exceed their time-out as signals of their services, once each. The signal ends when another
 * version has been put live since, for example by a rollback: the CD system may never report an end then, and the signal
 * would keep the incident open. To keep the list small, drops those, changes without an expected end, and deployments
 * without a reported end after 30 days.
 */
export async function reportOverdue(deps: OverdueDeps): Promise<void> {
  const rolling = await deps.changes.inProgress();
  if (rolling.length === 0) return;
  const { services } = await deps.config.current();
  const now = deps.clock.now();
  const drivers = await loaded(deps.extensions.drivenDeploys);
  const driven = new Set((await Promise.all(drivers.map((one) => one.inProgress()))).flat());
  for (const { change, overdueAt } of rolling) {
    try {
      // What drives it alerts people itself when it makes no progress.
      if (driven.has(change.id)) continue;
      if (KINDS_WITHOUT_END.has(change.kind)) await deps.changes.forgetInProgress(change.id);
      else if (deadlineOf(change, services, deps.timeScale) > now) continue;
      else if (await isReplaced(deps, change)) await drop(deps, change, overdueAt, 'was replaced by a later one');
      else if (overdueAt === null) await report(deps, change, deadlineOf(change, services, deps.timeScale));
      else if (plusSeconds(overdueAt, GIVE_UP_SECONDS) <= now)
        await drop(deps, change, overdueAt, 'has had no reported end for 30 days');
    } catch (error) {
      deps.log.error('an overdue deployment could not be reported', { change: change.id, error: String(error) });
    }
  }
}

const isReplaced = async ({ changes }: OverdueDeps, change: Change): Promise<boolean> =>
  putsVersionLive(change) && succeededSince(change, await changes.recent(change, CHANGES_READ));

/** Sends the signal before recording it. A repeated signal is recognized by its episode. */
async function report(deps: OverdueDeps, change: Change, at: Timestamp): Promise<void> {
  await reportOverdueDeploy(deps, change, at, randomBytes(16).toString('hex'));
  await deps.changes.setOverdue(change.id, at);
  deps.log.warn('a deployment is overdue', { change: change.id, service: change.service });
}

/** Sends the resolved signal before deleting the record, for the same reason. */
async function drop(deps: OverdueDeps, change: Change, overdueAt: Timestamp | null, why: string): Promise<void> {
  const summary = `The ${change.kind} ${ofVersion(change)} ${why}`;
  if (overdueAt !== null) await endOverdueDeploy(deps, change, overdueAt, randomBytes(16).toString('hex'), summary);
  await deps.changes.forgetInProgress(change.id);
}

/** Returns when a started deployment becomes overdue. */
export const deadlineOf = (change: Change, services: Config['services'], timeScale: number): Timestamp =>
  plusSeconds(change.started_at, secondsFor(environmentEntry(services, change)) / timeScale);

const secondsFor = (entry: EnvironmentEntry | undefined): number => (entry ?? DEFAULTS).deployTimeoutSeconds;
