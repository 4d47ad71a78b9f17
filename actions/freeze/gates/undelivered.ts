import type { GateKeeper } from '../../../domain/freeze/ports.ts';
import { type Timestamp, secondsBetween } from '../../../schemas/time/time.ts';
import { gateOf, ProtectionRuleEvent } from '../../../integrations/github/webhook.ts';
import { type GateDeps } from './answer.ts';

/** Minimum time between two searches. Each is a call to GitHub, and is only needed after an outage of Firebreak. */
const SEARCH_EVERY_SECONDS = 300;

type Search = { at: Timestamp; known: Set<string> };

/** Searches by this process. A repeated search by another process is harmless. */
const searches = new WeakMap<GateKeeper, Search>();

/** Records deployments whose webhooks GitHub could not deliver while Firebreak was down. */
export async function findUndeliveredGates(deps: GateDeps): Promise<void> {
  const { gateKeeper, waitingGates, clock, timeScale, log } = deps;
  const now = clock.now();
  const before = searches.get(gateKeeper);
  if (before !== undefined && secondsBetween(before.at, now) < SEARCH_EVERY_SECONDS / timeScale) return;
  const search: Search = { at: now, known: before?.known ?? new Set() };
  searches.set(gateKeeper, search);
  for (const { id, at, payload } of await gateKeeper.undelivered(search.known)) {
    const parsed = ProtectionRuleEvent.safeParse(payload);
    if (parsed.success) {
      // Use the time of the delivery, so that the time limit for waiting counts from then.
      const { gate } = gateOf(parsed.data, at < now ? at : now);
      if ((await waitingGates.keep(gate)) !== undefined)
        log.warn('found a waiting deployment whose webhook was not delivered', { delivery: id, gate: gate.id });
    } else
      log.error('an undelivered webhook of GitHub cannot be parsed', { delivery: id, error: parsed.error.message });
    search.known.add(id);
  }
}
