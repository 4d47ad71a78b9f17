import { hash } from 'node:crypto';
import type { Scope } from '../../core/domain/access/access.ts';
import { inConfiguredSpelling } from '../../core/domain/catalogue/known-names.ts';
import { rollbackGateAnswer, environmentsOfCanary } from '../../core/domain/rollback/rollback-gate.ts';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { RollbackGates } from '../../core/domain/ports/rollback.ts';
import type { RollbackGateRequest } from '../../schemas/rollback/gate-request.ts';
import { Refusal } from '../../core/domain/refusal.ts';
import { truncate } from '../shared/text.ts';
import { canaryName, type Hook, serviceEnvironmentInMetadata } from './hook.ts';

const TEXT_MAX_CHARS = 500;

type May = (scope: Scope) => boolean;

/**
 * Returns the services and environments of a canary that the caller may access. The webhook's metadata can select one.
 */
export async function serviceEnvironmentsOfHook(
  { config }: Pick<Deps, 'config'>,
  hook: Hook,
  may: May,
): Promise<ServiceEnvironment[]> {
  const current = await config.current();
  const { service, environment } = inConfiguredSpelling(current, serviceEnvironmentInMetadata(hook));
  return environmentsOfCanary(current.services, canaryName(hook)).filter(
    (serviceEnvironment) =>
      may(serviceEnvironment) &&
      (service === undefined || service === serviceEnvironment.service) &&
      (environment === undefined || environment === serviceEnvironment.environment),
  );
}

const gateClosed = (because: string): Refusal => new Refusal(403, 'gate-closed', because);

/**
 * Returns the rollback for which the gate is open. The canary must match exactly one service and environment that the
 * caller may access.
 *
 * @throws Refusal 403 if the gate is closed
 */
export async function gateRequestFor(
  deps: Pick<Deps, 'automation' | 'clock' | 'config' | 'effects'> & { rollbackGates: RollbackGates },
  hook: Hook,
  may: May,
): Promise<RollbackGateRequest> {
  const canary = canaryName(hook);
  const serviceEnvironments = await serviceEnvironmentsOfHook(deps, hook, may);
  const [serviceEnvironment] = serviceEnvironments;
  if (serviceEnvironment === undefined)
    throw gateClosed(`no deployer of kind flagger has the canary ${canary}, or the key does not allow its service`);
  if (serviceEnvironments.length > 1)
    throw gateClosed(
      `the canary ${canary} is in ${serviceEnvironments.map(({ environment }) => environment).join(' and ')}; ` +
        'limit the key to one of them, or set the environment in the metadata of the webhook',
    );
  const gateRequest = await deps.rollbackGates.get(serviceEnvironment);
  const { phase, checksum } = hook;
  const answer = rollbackGateAnswer(gateRequest, { canary, phase, checksum }, deps.clock.now());
  if (!answer.open) {
    if (answer.isMismatch && gateRequest !== undefined && gateRequest.other_checksum !== checksum)
      await deps.rollbackGates.recordMismatch(serviceEnvironment, gateRequest.key, checksum);
    throw gateClosed(answer.because);
  }
  await refuseStopped(deps, answer.request);
  return answer.request;
}

/**
 * Refuses a rollback that was stopped after it was requested, by the kill switch or because the action has ended.
 *
 * @throws Refusal 403
 */
async function refuseStopped(
  deps: Pick<Deps, 'automation' | 'effects'>,
  gateRequest: RollbackGateRequest,
): Promise<void> {
  const { paused } = await deps.automation.read();
  if (paused) throw gateClosed('the kill switch is on');
  const effect = await deps.effects.get(gateRequest.incident_id, gateRequest.key);
  const isStopped = effect !== undefined && effect.state !== 'intended' && effect.state !== 'accepted';
  if (isStopped) throw gateClosed(`the rollback has ended: ${effect.state}`);
}

/** Adds a timeline entry, once: Flagger repeats its request until the canary is rolled back. */
export const noteOpened = (
  { incidents, clock }: Pick<Deps, 'incidents' | 'clock'>,
  gateRequest: RollbackGateRequest,
): Promise<void> =>
  incidents.note(gateRequest.incident_id, `flagger-gate-${gateRequest.key}`, {
    at: clock.now(),
    actor: 'flagger',
    kind: 'flagger.gate_opened',
    text: `Firebreak requested a rollback of the canary ${gateRequest.canary} from Flagger`,
    detail: { canary: gateRequest.canary, checksum: gateRequest.checksum },
  });

/** Flagger's message at every check with a closed gate. It is no news, and is left out of the timeline. */
const CLOSED_GATE_MESSAGE = /^Rollback hook .* not signaling a rollback$/;

/**
 * Adds an event to the timeline of the open incident. Returns false if there is none, or if the event is not relevant.
 */
export async function noteEvent(
  { incidents, clock }: Pick<Deps, 'incidents' | 'clock'>,
  serviceEnvironment: ServiceEnvironment,
  hook: Hook,
): Promise<boolean> {
  const { eventMessage = '', eventType = '', timestamp = '' } = hook.metadata;
  if (eventMessage === '' || CLOSED_GATE_MESSAGE.test(eventMessage)) return false;
  const open = (await incidents.open()).find(
    ({ service, environment }) =>
      service === serviceEnvironment.service && environment === serviceEnvironment.environment,
  );
  if (open === undefined) return false;
  const canary = canaryName(hook);
  await incidents.note(open.id, `flagger-${hash('sha256', `${canary} ${timestamp} ${eventMessage}`).slice(0, 32)}`, {
    at: clock.now(),
    actor: 'flagger',
    kind: 'flagger.event',
    text: truncate(`Flagger: ${eventMessage}`, TEXT_MAX_CHARS),
    detail: { canary, phase: hook.phase, type: truncate(eventType, 64) },
  });
  return true;
}
