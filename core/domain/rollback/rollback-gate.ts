import type { Config } from '../../../schemas/config/config.ts';
import type { RollbackGateRequest } from '../../../schemas/rollback/gate-request.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import type { ServiceEnvironment } from '../ports/common.ts';

/** Lifetime in seconds of a rollback request: after this time, its reason may no longer apply. */
export const ROLLBACK_REQUEST_SECONDS = 3600;

/** Request from Flagger's webhook. */
export type RollbackGateCheck = { canary: string; phase: string; checksum: string };

/**
 * Answer to Flagger. `isMismatch`: Flagger asks about another rollout than the one whose rollback was requested.
 */
export type RollbackGateAnswer =
  | { open: true; request: RollbackGateRequest }
  | { open: false; because: string; isMismatch: boolean };

/** Phases in which Flagger calls the rollback webhook. */
const ROLLBACK_PHASES: readonly string[] = ['Progressing', 'Waiting', 'WaitingPromotion'];

/** Decides whether to roll back this roll-out now. Any uncertainty keeps the gate closed. */
export function rollbackGateAnswer(
  gateRequest: RollbackGateRequest | undefined,
  { canary, phase, checksum }: RollbackGateCheck,
  now: Timestamp,
): RollbackGateAnswer {
  if (gateRequest === undefined || gateRequest.state === 'over') return closed('no rollback is requested here');
  if (gateRequest.canary !== canary)
    return closed(`the requested rollback is of ${gateRequest.canary}, not of ${canary}`);
  if (isExpired(gateRequest, now)) return closed(`the rollback was requested at ${gateRequest.at} and has expired`);
  if (!ROLLBACK_PHASES.includes(phase)) return closed(`no rollback happens in phase ${phase}`);
  if (gateRequest.checksum !== checksum)
    return {
      open: false,
      because: `the requested rollback is of the rollout ${gateRequest.checksum}, but this is ${checksum || 'a rollout without a checksum'}`,
      isMismatch: true,
    };
  return gateRequest.other_checksum === null
    ? { open: true, request: gateRequest }
    : closed(`another rollout (${gateRequest.other_checksum}) has requested one since`);
}

const closed = (because: string): RollbackGateAnswer => ({ open: false, because, isMismatch: false });

export const isExpired = ({ at }: RollbackGateRequest, now: Timestamp): boolean =>
  plusSeconds(at, ROLLBACK_REQUEST_SECONDS) <= now;

/**
 * Returns the services and environments of a canary, by the deployers in the catalogue. There can be several, in
 * different clusters.
 */
export function environmentsOfCanary(services: Config['services'], canary: string): ServiceEnvironment[] {
  return Object.entries(services).flatMap(([service, entry]) =>
    Object.entries(entry.environments).flatMap(([environment, { deployer }]) =>
      deployer?.kind === 'flagger' && `${deployer.namespace}/${deployer.canary ?? service}` === canary
        ? [{ service: ServiceName.parse(service), environment: EnvironmentName.parse(environment) }]
        : [],
    ),
  );
}
