import { flagKeyOf, turnedFlagOff } from '../../domain/changes/flags.ts';
import { mayBeNews } from '../../domain/changes/late-changes.ts';
import { byWhom } from '../../domain/changes/redeploy.ts';
import { rolledBackBy } from '../../domain/changes/rolled-back.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { ROLL_BACK, setsFlag } from '../../domain/rollback/same-act.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import { closeQuestionsDone } from '../../../workflows/steps/close-questions.ts';
import { wake } from '../../../workflows/wake.ts';

type NotifyDeps = Pick<Deps, 'changes' | 'incidents' | 'decisions' | 'engine' | 'config' | 'log'>;

/** Number of changes read, to find the version that a rollback removed. */
const CHANGES_READ = 50;

/**
 * Notifies open incidents of a change that was recorded, or has ended, after their alerts, because their decisions did not
 * consider that. Idempotent: each incident is notified once of a record, and once of each outcome.
 */
export async function notifyIncidents(deps: NotifyDeps, change: Change): Promise<void> {
  const open = await deps.incidents.open();
  if (open.length === 0) return;
  await closeAnswered(deps, change);
  const { services } = await deps.config.current();
  const key = change.status === 'started' ? `change-recorded-${change.id}` : `change-${change.status}-${change.id}`;
  for (const { id } of open.filter((incident) => mayBeNews(services, incident, change))) {
    await deps.incidents.post(id, { kind: 'change_recorded', change: change.id }, {}, key);
    // Only log failures: the sweeper also wakes the workflow, and a pipeline that records a deployment must not fail.
    await wake(deps, id).catch((error: unknown) =>
      deps.log.warn('an incident could not be woken for a change', { incident: id, error: String(error) }),
    );
  }
}

/** Closes the questions that ask for what the change has done: a rollback, or turning a flag off. */
async function closeAnswered(deps: NotifyDeps, change: Change): Promise<void> {
  const { service, environment } = change;
  if (change.status !== 'succeeded' || change.made_for !== null) return;
  try {
    if (change.kind === 'flag' && turnedFlagOff(change)) {
      const flag = flagKeyOf(change);
      const act = { service, environment, does: setsFlag(flag, false) };
      await closeQuestionsDone(deps, { act, because: `feature flag ${flag} was turned off${byWhom(change)}` });
    }
    const from = rolledBackBy(await deps.changes.recent(change, CHANGES_READ), change);
    if (from === null) return;
    const act = { service, environment, does: ROLL_BACK };
    await closeQuestionsDone(deps, {
      act,
      from: from.version,
      because: `${from.version} of ${service} was rolled back to ${change.version}${byWhom(change)}`,
    });
  } catch (error) {
    // The incident judges the change in any case, and a pipeline that records a deployment must not fail.
    deps.log.warn('questions could not be closed for a change', { change: change.id, error: String(error) });
  }
}
