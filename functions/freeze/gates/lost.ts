import type { GateKeeper } from '../../../domain/freeze/ports.ts';
import { type Timestamp, secondsBetween } from '../../../schemas/time.ts';
import { gateOf, Requested } from '../../integrations/github-gate.ts';
import { type GateDeps } from './answer.ts';

/** It costs a call at GitHub, and is for the time after an outage of ours. */
const LOOK_EVERY_SECONDS = 300;

type Looked = { at: Timestamp; known: Set<string> };

/** Remembered by this process; another one looks at the same once more, which does no harm. */
const looks = new WeakMap<GateKeeper, Looked>();

/** Puts deployments on record that GitHub asked about while nobody was here to hear it. */
export async function findLostGates(deps: GateDeps): Promise<void> {
  const { gateKeeper, waitingGates, clock, timeScale, log } = deps;
  const now = clock.now();
  const before = looks.get(gateKeeper);
  if (before !== undefined && secondsBetween(before.at, now) < LOOK_EVERY_SECONDS / timeScale) return;
  const looked: Looked = { at: now, known: before?.known ?? new Set() };
  looks.set(gateKeeper, looked);
  for (const { id, at, payload } of await gateKeeper.undelivered(looked.known)) {
    const parsed = Requested.safeParse(payload);
    if (parsed.success) {
      // It has waited since then, also for whoever rejects what has waited for too long.
      const { gate } = gateOf(parsed.data, at < now ? at : now);
      if ((await waitingGates.keep(gate)) !== undefined)
        log.warn('a deployment asks whose webhook did not get through', { delivery: id, gate: gate.id });
    } else
      log.error('a webhook that did not get through cannot be read', { delivery: id, error: parsed.error.message });
    looked.known.add(id);
  }
}
