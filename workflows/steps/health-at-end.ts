import { windowOf } from '../../core/domain/correlation/query.ts';
import { overSince, shownUntil } from '../../core/domain/correlation/recovery.ts';
import { RECOVERY_SECONDS } from '../../core/domain/incidents/new-onset.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import { VERIFICATION_SECONDS } from '../../core/domain/rollback/verdict.ts';
import { ageText } from '../../core/domain/time/age.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import { wakeGroup } from '../wake.ts';
import { type Health, healthNow, healthSamples } from './health-now.ts';

/** Seconds between two looks at the health of an incident whose alerts have ended. */
export const HEALTH_LOOK_SECONDS = 60;

/** Longest window in seconds of a query whose health is waited for. A longer one describes mostly the time before the end of the alerts. */
const LONGEST_WINDOW_SECONDS = 3600;

/**
 * Health of an incident whose alerts have ended. `waits`: it is above its limit, which it can be for as long as the window of its query.
 * `above`: it has stayed so, in words. `recoveredAt`: when it was within its limit again. All absent: the alerts alone count.
 */
export type HealthAtEnd = { waits?: true; above?: string; recoveredAt?: Timestamp };

/** What is known of health whose query, or Prometheus, was removed while an incident waits. */
const UNMEASURED = 'Health is not measured any more';

/**
 * Looks at health before an incident closes that no mitigation has ended. Safe to repeat.
 *
 * @param incident as it is now
 * @param more.consumed the newest message that was read: after another one, the incident does not close
 * @param more.by who resolves it. Null: its alerts have ended
 * @param more.endedAt when its problem ended with its alerts. Undefined: it did not
 */
export async function healthAtEnd(
  deps: Deps,
  incident: IncidentRecord,
  { consumed, by, endedAt }: { consumed: number; by: string | null; endedAt: Timestamp | undefined },
): Promise<HealthAtEnd> {
  if (incident.status !== 'open' || incident.seq !== consumed) return {};
  // A person also resolves what fires, or waits; one that closes because it is quiet has no known end.
  if (by !== null && endedAt === undefined) return {};
  const { waits_for_health: known } = incident;
  // Each member of a group has its own health.
  const health = incident.group_reason === undefined ? await healthNow(deps, incident) : null;
  const window = health && windowOf(health.query.promql);
  if (known === undefined && (window ?? 0) > LONGEST_WINDOW_SECONDS) return {};
  const now = deps.clock.now();
  if (health !== null && (await isWithinLimit(deps, health))) {
    // Alerts that flap have ended before.
    const from = known?.since ?? endedAt;
    if (from === undefined) return {};
    const measured = await healthSamples(deps, health.query, from, 'if_above');
    const over = overSince(measured, from, RECOVERY_SECONDS / deps.timeScale);
    // Health is known to have been above its limit when the wait began.
    return known === undefined && over?.wasAbove !== true ? {} : { recoveredAt: over?.at ?? now };
  }
  if (known !== undefined && now < known.until) return { waits: true };
  if (known !== undefined) {
    const text = health?.verdict.text ?? UNMEASURED;
    const waited = ageText(secondsBetween(known.since, now));
    return {
      above: `all alerts have ended, but ${waited} later nothing had shown that the service recovered (${text.charAt(0).toLowerCase()}${text.slice(1)})`,
    };
  }
  // What is not known is no reason to begin to wait.
  if (health?.verdict.outcome !== 'failed') return {};
  const verified = plusSeconds(now, VERIFICATION_SECONDS / deps.timeScale);
  const shown = shownUntil(now, window);
  await deps.incidents.waitForHealth(incident.id, consumed, { since: now, until: verified > shown ? verified : shown });
  await wakeGroup(deps, incident); // its page can say that this problem is over
  return { waits: true };
}

/** Returns whether health is within its limit now, or above it by no more than chance explains, such as a failed request of few. */
async function isWithinLimit(deps: Deps, { query, verdict: { outcome } }: Health): Promise<boolean> {
  if (outcome !== 'failed' || query.traffic === undefined) return outcome === 'passed';
  const now = deps.clock.now();
  return overSince(await healthSamples(deps, query, now), now, 0)?.wasAbove === false;
}
