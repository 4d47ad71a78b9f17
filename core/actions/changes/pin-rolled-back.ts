import { rolledBackBy } from '../../domain/changes/rolled-back.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import { isOfDrill, isOwnInProgress, pinRemoved } from '../../../workflows/steps/pin-removed.ts';

type PinDeps = Pick<Deps, 'changes' | 'clock' | 'drills' | 'effects' | 'incidents' | 'pins'>;

/** Number of changes read, to find the version that a rollback removed. */
const CHANGES_READ = 50;

/**
 * Pins the version that a person or another system has rolled back. Firebreak's own rollbacks pin by themselves, and a drill's
 * rollback says nothing about the version.
 */
export async function pinRolledBack(deps: PinDeps, rollback: Change): Promise<void> {
  if (rollback.kind !== 'rollback' || rollback.status !== 'succeeded' || rollback.made_for !== null) return;
  const removed = rolledBackBy(await deps.changes.recent(rollback, CHANGES_READ), rollback);
  if (removed === null || (await isOfDrill(deps, rollback)) || (await isOwnInProgress(deps, rollback))) return;
  await pinRemoved(deps, rollback, removed, (await deps.incidents.openAt(rollback))?.id ?? null);
}
