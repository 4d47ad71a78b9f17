import type { Deps } from '../../domain/ports/deps.ts';
import type { Due, Projections } from '../../domain/incidents/projections.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Subject, ProjectionTargetName } from '../../../schemas/incidents/projection.ts';
import { millisOf, secondsBetween } from '../../../schemas/time/time.ts';

/** After this time, a due projection has evidently missed its wake-up. */
const OVERDUE_SECONDS = 45;

/** How often each open incident is synced without a change, in case a mark was lost. */
const RECHECK_MINUTES = 5;

type WakeStaleDeps = Pick<Deps, 'clock' | 'log'> & { projections: Projections; timeScale?: number };

/** Wakes projectors that missed their wake-up, and syncs all open incidents periodically. */
export async function wakeStale(deps: WakeStaleDeps, open: readonly IncidentRecord[]): Promise<void> {
  for (const [target, due] of await deps.projections.dueAnywhere()) await wakeOverdue(deps, target, due);
  // Each sweep syncs the incidents of one slot. A time scale multiplies the number of sweeps in the period.
  const slots = RECHECK_MINUTES * (deps.timeScale ?? 1);
  const slot = Math.floor((millisOf(deps.clock.now()) / 60_000 / RECHECK_MINUTES) * slots) % Math.ceil(slots);
  const toSync = open.filter(({ id }) => slotOf(id, Math.ceil(slots)) === slot);
  if (toSync.length > 0) await deps.projections.changed(...toSync.map(({ id }): Subject => `incident:${id}`));
}

async function wakeOverdue(
  { projections, clock, log }: WakeStaleDeps,
  target: ProjectionTargetName,
  due: readonly Due[],
): Promise<void> {
  const now = clock.now();
  const overdue = due.filter(({ notBefore, since }) => secondsBetween(notBefore ?? since, now) > OVERDUE_SECONDS);
  if (overdue.length === 0) return;
  // Changes do not wake a target that is off, so it has missed nothing. It settles what is due for it.
  if (await projections.isOn(target))
    log.info('the sweeper woke a projector that had missed its wake-up', { target, waiting: overdue.length });
  await projections.wake(target, 0);
}

/** Returns the sweep in which an incident is synced: a hash, which distributes incidents evenly. */
const slotOf = (id: string, slots: number): number =>
  [...id].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 1_000_003, 7) % slots;
