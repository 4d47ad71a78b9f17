import { byWhom } from '../../core/domain/changes/redeploy.ts';
import { commitOf, isSameVersion } from '../../core/domain/changes/version-identity.ts';
import { endOf } from '../../core/domain/changes/versions.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { Change } from '../../schemas/changes/change.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { plusSeconds } from '../../schemas/time/time.ts';

/** How long after a drill a system may still report the drill's rollback. */
const REPORTED_LATE_SECONDS = 10 * 60;

/**
 * Pins the version that a person or another system has replaced by an earlier one, as if Firebreak had done it: as known bad, until
 * a person lifts the pin. Once for a change, also if it is reported again.
 *
 * @param change put the earlier version live
 * @param incident the open one that it concerns. Null: none
 */
export async function pinRemoved(
  deps: Pick<Deps, 'clock' | 'incidents' | 'pins'>,
  change: Change,
  removed: Change,
  incident: IncidentId | null,
): Promise<void> {
  const { service, environment, version: to } = change;
  const { version, artifact } = removed;
  const commit = commitOf(removed);
  const pin = await deps.pins.add(
    {
      service,
      environment,
      version,
      ...(commit !== null && { commit }),
      ...(artifact !== undefined && { artifact }),
      rolled_back_to: to,
      incident_id: incident,
      reason: `rolled back to ${to}${byWhom(change)}`,
      pinned_at: endOf(change),
    },
    change.id,
  );
  // A repeated report notes nothing in another incident.
  if (pin === undefined || pin.incident_id === null) return;
  await deps.incidents.note(pin.incident_id, `pinned-${pin.id}`, {
    at: deps.clock.now(),
    actor: 'firebreak',
    kind: 'version.pinned',
    text: `${version} is pinned as known bad, because it was rolled back to ${to}${byWhom(change)}. To allow it again: firebreak pins lift ${pin.id}`,
    detail: { pin: pin.id, version, change: change.id },
  });
}

/** Returns whether a change can be Firebreak's own rollback in progress, which pins the version at its end. */
export async function isOwnInProgress(
  { effects }: Pick<Deps, 'effects'>,
  { service, environment }: Change,
): Promise<boolean> {
  const unfinished = await effects.unfinished('roll-back');
  return unfinished.some(
    ({ effect: { service_environment: at } }) => at?.service === service && at.environment === environment,
  );
}

/** Returns whether a change can be the rollback of a drill, which says nothing about the version. */
export async function isOfDrill({ drills }: Pick<Deps, 'drills'>, change: Change): Promise<boolean> {
  const { service, environment, started_at } = change;
  const [newest] = (await drills.list({ service, environment, limit: 1 })).items;
  return (
    newest !== undefined &&
    // A report can lack the commit of the version.
    isSameVersion(change, { version: newest.to_version }) &&
    (newest.ended_at === null || started_at <= plusSeconds(newest.ended_at, REPORTED_LATE_SECONDS)) &&
    endOf(change) >= newest.started_at
  );
}
