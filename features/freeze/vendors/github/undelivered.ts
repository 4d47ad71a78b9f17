import type { DeploymentProtection } from '../../types.ts';
import { type Timestamp, secondsBetween } from '../../../../schemas/time/time.ts';
import { waitingDeploymentOf, ProtectionRuleEvent } from './event.ts';
import { type ProtectionDeps } from './answer.ts';

/** Minimum time between two searches. Each is a call to GitHub, and is only needed after an outage of Firebreak. */
const SEARCH_EVERY_SECONDS = 300;

type Search = { at: Timestamp; known: Set<string> };

/** Searches by this process. A repeated search by another process is harmless. */
const searches = new WeakMap<DeploymentProtection, Search>();

/** Records deployments whose webhooks GitHub could not deliver while Firebreak was down. */
export async function findUndeliveredDeployments(deps: ProtectionDeps): Promise<void> {
  const { deploymentProtection, waitingDeployments, clock, timeScale, log } = deps;
  const now = clock.now();
  const before = searches.get(deploymentProtection);
  if (before !== undefined && secondsBetween(before.at, now) < SEARCH_EVERY_SECONDS / timeScale) return;
  const search: Search = { at: now, known: before?.known ?? new Set() };
  searches.set(deploymentProtection, search);
  for (const { id, at, payload } of await deploymentProtection.undelivered(search.known)) {
    const parsed = ProtectionRuleEvent.safeParse(payload);
    if (parsed.success) {
      // Use the time of the delivery, so that the time limit for waiting counts from then.
      const { gate } = waitingDeploymentOf(parsed.data, at < now ? at : now);
      if ((await waitingDeployments.keep(gate)) !== undefined)
        log.warn('found a waiting deployment whose webhook was not delivered', { delivery: id, gate: gate.id });
    } else
      log.error('an undelivered webhook of GitHub cannot be parsed', { delivery: id, error: parsed.error.message });
    search.known.add(id);
  }
}
