import { rolledBackBy } from '../../domain/changes/rolled-back.ts';
import { commitOf, isSameVersion } from '../../domain/changes/version-identity.ts';
import { endOf } from '../../domain/changes/versions.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';

type PinDeps = Pick<Deps, 'changes' | 'clock' | 'drills' | 'effects' | 'incidents' | 'pins'>;

/** Number of changes read, to find the version that a rollback removed. */
const CHANGES_READ = 50;

/** How long after a drill a system may still report the drill's rollback. */
const REPORTED_LATE_SECONDS = 10 * 60;

/**
 * Pins the version that a person or another system has rolled back, as if Firebreak had done it: as known bad, until a newer one is
 * deployed or a person lifts the pin. Once for a rollback, also if it is reported again. Firebreak's own rollbacks pin by
 * themselves, and a drill's rollback says nothing about the version.
 */
export async function pinRolledBack(deps: PinDeps, rollback: Change): Promise<void> {
  const { service, environment, version: to } = rollback;
  if (rollback.kind !== 'rollback' || rollback.status !== 'succeeded' || rollback.made_for !== null) return;
  const removed = rolledBackBy(await deps.changes.recent(rollback, CHANGES_READ), rollback);
  if (removed === null || (await isOfDrill(deps, rollback)) || (await isOwn(deps, rollback))) return;
  const { version, artifact } = removed;
  const commit = commitOf(removed);
  const by = rollback.author ?? rollback.reported_by ?? 'another system';
  const incident = (await deps.incidents.openAt(rollback))?.id ?? null;
  const pin = await deps.pins.add(
    {
      service,
      environment,
      version,
      ...(commit !== null && { commit }),
      ...(artifact !== undefined && { artifact }),
      rolled_back_to: to,
      incident_id: incident,
      reason: `rolled back to ${to} by ${by}`,
      pinned_at: endOf(rollback),
    },
    rollback.id,
  );
  if (pin === undefined || incident === null) return;
  await deps.incidents.note(incident, `pinned-${pin.id}`, {
    at: deps.clock.now(),
    actor: 'firebreak',
    kind: 'version.pinned',
    text: `${version} is pinned as known bad, because ${by} rolled it back to ${to}. To allow it again: firebreak pins lift ${pin.id}`,
    detail: { pin: pin.id, version, change: rollback.id },
  });
}

/** Returns whether it can be Firebreak's own rollback in progress, which pins the version at its end. */
async function isOwn({ effects }: Pick<Deps, 'effects'>, { service, environment }: Change): Promise<boolean> {
  const unfinished = await effects.unfinished('roll-back');
  return unfinished.some(
    ({ effect: { service_environment: at } }) => at?.service === service && at.environment === environment,
  );
}

async function isOfDrill({ drills }: Pick<Deps, 'drills'>, rollback: Change): Promise<boolean> {
  const { service, environment, started_at } = rollback;
  const [newest] = (await drills.list({ service, environment, limit: 1 })).items;
  return (
    newest !== undefined &&
    // A report can lack the commit of the version.
    isSameVersion(rollback, { version: newest.to_version }) &&
    (newest.ended_at === null || started_at <= plusSeconds(newest.ended_at, REPORTED_LATE_SECONDS)) &&
    endOf(rollback) >= newest.started_at
  );
}
