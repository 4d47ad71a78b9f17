import { isExpired } from '../../domain/freeze/gate.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Gates } from '../../domain/ports/freeze.ts';
import type { ActAnswer, RollbackRequest } from '../../domain/rollback/targets.ts';
import type { GateRequest } from '../../schemas/freeze/gate.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { putOff } from '../shared/refusals.ts';
import { checksumOf } from './checksum.ts';
import type { CanaryStatus } from './canary.ts';

/**
 * The stored rollback requests of one target, for one attempt. A storage error ends the attempt; the next attempt reads
 * the state first.
 */
export type GateRequests = {
  /** Returns the request of this action, in any state. */
  own(request: RollbackRequest): Promise<GateRequest | undefined>;
  put(wish: GateRequest): Promise<void>;
  end(wish: GateRequest): Promise<void>;
};

export function wishesAt(gates: Gates, place: ServiceEnvironment): GateRequests {
  return {
    own: async ({ key }) => {
      const wish = await kept(() => gates.get(place));
      return wish?.key === key ? wish : undefined;
    },
    put: (wish) => kept(() => gates.ask(wish)),
    end: (wish) => kept(() => (wish.state === 'over' ? Promise.resolve() : gates.clear(place, wish.key))),
  };
}

/** @throws Ended */
async function kept<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw putOff(`the request for Flagger's gate could not be stored: ${String(error)}`);
  }
}

const IN_PROGRESS: ActAnswer = { kind: 'in_progress', id: null, handle: null };

/** Requests the rollback of a running rollout: once, for that rollout only, and valid for one hour. */
export async function wishBack(
  wishes: GateRequests,
  request: RollbackRequest,
  {
    wish,
    canary,
    status,
    now,
  }: { wish: GateRequest | undefined; canary: string; status: CanaryStatus; now: Timestamp },
): Promise<ActAnswer> {
  const rollout = checksumOf(status);
  if (wish === undefined) {
    await wishes.put(newWish(request, { canary, rollout, at: now }));
    return IN_PROGRESS;
  }
  const { from, to } = request;
  if (wish.state === 'over' || wish.rollout !== rollout)
    return {
      kind: 'failed',
      detail: `another rollout of ${from} has started since, which this rollback does not concern`,
    };
  if (isExpired(wish, now))
    return {
      kind: 'failed',
      detail: `Flagger did not roll back ${from} within an hour: it can't reach the rollback gate, or is not running`,
    };
  if (wish.other_checksum === '')
    return { kind: 'failed', detail: `Flagger does not send the checksum of the rollout; ${to} needs Flagger 1.34` };
  // The rollout is still the same, so the checksum in the webhook call is its checksum.
  if (wish.other_checksum !== null) await wishes.put({ ...wish, checksum: wish.other_checksum, other_checksum: null });
  return IN_PROGRESS;
}

const newWish = (
  { service, environment, incident, key, from, to }: RollbackRequest,
  { canary, rollout, at }: { canary: string; rollout: string; at: Timestamp },
): GateRequest => ({
  service,
  environment,
  canary,
  incident_id: incident,
  key,
  from,
  to,
  rollout,
  checksum: rollout,
  other_checksum: null,
  at,
  state: 'open',
});
