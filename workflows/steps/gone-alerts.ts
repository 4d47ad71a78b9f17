import { REPETITION_RECORDED_SECONDS } from '../../core/domain/alerts/admission.ts';
import { hasEnded } from '../../core/domain/alerts/alert-states.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import type { Run } from '../run.ts';
import { wake } from '../wake.ts';

type AlertDeps = Pick<Deps, 'alerts' | 'clock' | 'decisions' | 'engine' | 'incidents' | 'timeScale'>;

/**
 * Pause between the two checks. A restarted Alertmanager lists no alerts until Prometheus sends them again, which
 * happens every minute.
 */
const SECOND_CHECK_SECONDS = 150;

/**
 * Records which of the incident's alerts Alertmanager lists. The absence of an alert proves its end only if it was
 * listed before.
 */
export async function confirmAlerts(
  run: Run,
  { incidentId }: { incidentId: IncidentId },
  deps: AlertDeps,
): Promise<void> {
  await run.step('confirm-alerts', async () => {
    if (await deps.alerts.areListed()) await recordListedAlerts(deps, incidentId);
    return null;
  });
}

/**
 * Ends alerts whose end is never sent (`send_resolved: false`, a silence), if two checks show that they have certainly
 * ended. Assumes nothing if no source of alert states is connected.
 */
export async function endGoneAlerts(
  run: Run,
  { incidentId }: { incidentId: IncidentId },
  deps: AlertDeps,
): Promise<void> {
  const missing = await run.step('find-gone-alerts', () => missingAlerts(deps, incidentId));
  if (missing.length === 0) return;
  await run.wait('before-second-check', { seconds: SECOND_CHECK_SECONDS });
  await run.step('end-gone-alerts', () => endMissing(deps, incidentId, missing));
}

/** Maximum number of alerts per check, because a step's result is checkpointed. The next check finds the rest. */
const EPISODES_MAX = 50;

type ListDeps = Pick<Deps, 'incidents' | 'alerts' | 'clock' | 'timeScale'>;

const missingAlerts = async (deps: ListDeps, id: IncidentId): Promise<string[]> =>
  (await recordListedAlerts(deps, id)).slice(0, EPISODES_MAX);

/** Returns the alerts that have certainly ended, and records those that are listed. */
async function recordListedAlerts(
  { incidents, alerts, clock, timeScale }: ListDeps,
  id: IncidentId,
): Promise<string[]> {
  const firing = (await incidents.firingEpisodes(id)).filter(({ source }) => source === 'alertmanager');
  const states = firing.length === 0 ? null : await alerts.of(firing);
  if (states === null) return [];
  const found = firing.filter(({ seen }, n) => states[n] === 'listed' && !seen);
  await incidents.confirmEpisodes(
    id,
    found.map(({ episode }) => episode),
  );
  const recorded = plusSeconds(clock.now(), -REPETITION_RECORDED_SECONDS / timeScale);
  const repeated = firing.filter(({ notifiedAt }, n) => states[n] === 'listed' && notifiedAt < recorded);
  await incidents.repeatEpisodes(
    id,
    repeated.map(({ episode }) => episode),
  );
  return firing.filter((one, n) => hasEnded(states[n], one)).map(({ episode }) => episode);
}

async function endMissing(
  deps: ListDeps & Pick<Deps, 'decisions' | 'engine'>,
  id: IncidentId,
  before: readonly string[],
): Promise<{ ended: number }> {
  const gone = (await missingAlerts(deps, id)).filter((episode) => before.includes(episode));
  if (gone.length === 0) return { ended: 0 };
  await deps.incidents.endEpisodes(
    id,
    gone,
    'The alert is no longer listed at its source, which never sent a resolved notification',
  );
  await wake(deps, id);
  return { ended: gone.length };
}
