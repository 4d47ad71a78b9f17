import { healthOfIncident } from '../../core/domain/catalogue/health.ts';
import { windowOf } from '../../core/domain/correlation/query.ts';
import { shownUntil } from '../../core/domain/correlation/recovery.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import { VERIFICATION_SECONDS } from '../../core/domain/rollback/verdict.ts';
import { ageText } from '../../core/domain/time/age.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import { wakeGroup } from '../wake.ts';
import { verdictByHealth } from './verify.ts';

/** Seconds between two looks at the health of an incident whose alerts have ended. */
export const HEALTH_LOOK_SECONDS = 60;

/** Longest window in seconds of a query whose health is waited for. A longer one describes mostly the time before the end of the alerts. */
const LONGEST_WINDOW_SECONDS = 3600;

/** Seconds between two samples. */
const STEP_SECONDS = 30;

/**
 * Health of an incident whose alerts have ended. `waits`: it is above its limit, which it can be for as long as the window of its query.
 * `above`: it has stayed so, in words. `recoveredAt`: when it was within its limit again. All absent: the alerts alone count.
 */
export type HealthAtEnd = { waits?: true; above?: string; recoveredAt?: Timestamp };

/** What is known of health whose query, or Prometheus, was removed while an incident waits. */
const UNMEASURED = { outcome: 'inconclusive', text: 'Health is not measured any more' } as const;

/**
 * Looks at health before an incident closes that no mitigation has ended. Safe to repeat.
 *
 * @param consumed the newest message that was read: after another one, the incident does not close
 */
export async function healthAtEnd(deps: Deps, id: IncidentId, consumed: number): Promise<HealthAtEnd> {
  const [incident, config] = await Promise.all([deps.incidents.read(id), deps.config.current()]);
  if (incident?.status !== 'open' || incident.seq !== consumed) return {};
  const health = healthOfIncident(config, incident);
  const measured = health === undefined ? null : await deps.metrics.value(health.promql);
  const { waits_for_health: known } = incident;
  if ((health === undefined || measured === null) && known === undefined) return {};
  const { outcome, text } = health === undefined || measured === null ? UNMEASURED : verdictByHealth(health, measured);
  const now = deps.clock.now();
  if (health !== undefined && outcome === 'passed')
    return known === undefined ? {} : { recoveredAt: await withinSince(deps, health.promql, health.max, known.since) };
  // What is not known changes nothing, except that an incident which waits goes on to do so.
  const window = health === undefined ? null : windowOf(health.promql);
  if (known === undefined && (outcome !== 'failed' || (window ?? 0) > LONGEST_WINDOW_SECONDS)) return {};
  if (known !== undefined && now >= known.until)
    return {
      above: `all alerts have ended, but ${ageText(secondsBetween(known.since, now))} later nothing had shown that the service recovered (${text.charAt(0).toLowerCase()}${text.slice(1)})`,
    };
  if (known === undefined && health !== undefined) {
    const verified = plusSeconds(now, VERIFICATION_SECONDS / deps.timeScale);
    const shown = shownUntil(now, window);
    const until = verified > shown ? verified : shown;
    await deps.incidents.waitForHealth(id, consumed, { since: now, until });
    await wakeGroup(deps, incident); // its page can say that this problem is over
  }
  return { waits: true };
}

/** Returns whether health is known to be within its limit now. */
export async function isWithinLimit(
  deps: Pick<Deps, 'config' | 'metrics'>,
  incident: Parameters<typeof healthOfIncident>[1],
): Promise<boolean> {
  const health = healthOfIncident(await deps.config.current(), incident);
  const measured = health === undefined ? null : await deps.metrics.value(health.promql);
  return health !== undefined && measured !== null && verdictByHealth(health, measured).outcome === 'passed';
}

/** Returns the first sample within the limit after the newest one above it. Without samples: now. */
async function withinSince(deps: Deps, promql: string, max: number, from: Timestamp): Promise<Timestamp> {
  const now = deps.clock.now();
  const stepSeconds = Math.max(1, Math.round(STEP_SECONDS / deps.timeScale));
  const curve = (await deps.metrics.range(promql, from, now, 'max', { stepSeconds })) ?? [];
  const lastAbove = curve.findLastIndex(([, value]) => value > max);
  return curve[lastAbove + 1]?.[0] ?? now;
}
