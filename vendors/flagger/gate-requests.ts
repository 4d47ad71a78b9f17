import { isExpired } from '../../core/domain/rollback/rollback-gate.ts';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { RollbackGates } from '../../core/domain/ports/rollback.ts';
import type { TargetResponse, RollbackCall } from '../../core/domain/rollback/targets.ts';
import type { RollbackGateRequest } from '../../schemas/rollback/gate-request.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { retryLater } from '../shared/refusals.ts';
import { checksumOf } from './checksum.ts';
import type { CanaryStatus } from './canary.ts';

/**
 * The stored rollback requests of one target, for one attempt. A storage error ends the attempt; the next attempt reads
 * the state first.
 */
export type GateRequests = {
  /** Returns the request of this action, in any state. */
  ofAction(request: RollbackCall): Promise<RollbackGateRequest | undefined>;
  put(gateRequest: RollbackGateRequest): Promise<void>;
  /** Removes an open request. One that is `over` stays, because it states what ended the rollout. */
  end(gateRequest: RollbackGateRequest): Promise<void>;
};

export function gateRequestsOf(rollbackGates: RollbackGates, serviceEnvironment: ServiceEnvironment): GateRequests {
  return {
    ofAction: async ({ key }) => {
      const gateRequest = await orRetryLater(() => rollbackGates.get(serviceEnvironment));
      return gateRequest?.key === key ? gateRequest : undefined;
    },
    put: (gateRequest) => orRetryLater(() => rollbackGates.store(gateRequest)),
    end: (gateRequest) =>
      orRetryLater(() =>
        gateRequest.state === 'over' ? Promise.resolve() : rollbackGates.clear(serviceEnvironment, gateRequest.key),
      ),
  };
}

/** Runs a call of the storage. @throws Ended if it fails, so that the attempt is repeated later */
async function orRetryLater<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw retryLater(`the request for Flagger's gate could not be stored: ${String(error)}`);
  }
}

const IN_PROGRESS: TargetResponse = { kind: 'in_progress', id: null, handle: null };

/** Requests the rollback of a running rollout: once, for that rollout only, and valid for one hour. */
export async function requestRollback(
  gateRequests: GateRequests,
  request: RollbackCall,
  {
    gateRequest,
    canary,
    status,
    now,
  }: { gateRequest: RollbackGateRequest | undefined; canary: string; status: CanaryStatus; now: Timestamp },
): Promise<TargetResponse> {
  const rollout = checksumOf(status);
  if (gateRequest === undefined) {
    await gateRequests.put(newGateRequest(request, { canary, rollout, at: now }));
    return IN_PROGRESS;
  }
  const { from, to } = request;
  if (gateRequest.state === 'over' || gateRequest.rollout !== rollout)
    return {
      kind: 'failed',
      detail: `another rollout of ${from} has started since, which this rollback does not concern`,
    };
  if (isExpired(gateRequest, now))
    return {
      kind: 'failed',
      detail: `Flagger did not roll back ${from} within an hour: it can't reach the rollback gate, or is not running`,
    };
  if (gateRequest.other_checksum === '')
    return { kind: 'failed', detail: `Flagger does not send the checksum of the rollout; ${to} needs Flagger 1.34` };
  // Flagger's webhook sent another checksum than the cluster shows. The rollout is still the same, so both name it.
  if (gateRequest.other_checksum !== null)
    await gateRequests.put({ ...gateRequest, checksum: gateRequest.other_checksum, other_checksum: null });
  return IN_PROGRESS;
}

const newGateRequest = (
  { service, environment, incident, key, from, to }: RollbackCall,
  { canary, rollout, at }: { canary: string; rollout: string; at: Timestamp },
): RollbackGateRequest => ({
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
