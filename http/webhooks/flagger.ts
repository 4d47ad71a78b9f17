import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { reportReadChanges } from '../../actions/changes/receive-webhook.ts';
import { sha256 } from '../../stores/core/hash.ts';
import { EVERYWHERE, type Scope } from '../../domain/access/access.ts';
import { rollbackGateAnswer, environmentsOfCanary } from '../../domain/rollback/rollback-gate.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { readFlaggerEvent } from '../../integrations/flagger/event.ts';
import { canaryName, Hook, serviceEnvironmentInMetadata } from '../../integrations/flagger/hook.ts';
import { truncate } from '../../integrations/shared/text.ts';
import type { RollbackGateRequest } from '../../schemas/rollback/gate-request.ts';
import { EnvironmentName, IncidentId, ServiceName, Version } from '../../schemas/config/names.ts';
import { answers, type Api, body, endpoint, problems } from '../endpoint.ts';
import { Refusal } from '../../actions/refusal.ts';
import type { Env } from '../context.ts';
import { ChangesAnswer, changesAnswer } from './changes-answer.ts';
import { flaggerGateRoute, flaggerQuery } from './flagger-gate.ts';
import { flaggerJudgeRoutes } from './flagger-judge.ts';

const OpenGate = z.object({
  incident_id: IncidentId,
  service: ServiceName,
  environment: EnvironmentName,
  from_version: Version,
  to_version: Version,
});

const TEXT_MAX_CHARS = 500;

/**
 * Registers the webhooks for Flagger.
 *
 * @see https://docs.flagger.app/usage/webhooks
 */
export function flaggerRoutes(app: Api, deps: Deps): void {
  flaggerGateRoute(app, deps);
  flaggerJudgeRoutes(app, deps);
  endpoint(
    app,
    deps,
    'flagger:gate',
    createRoute({
      method: 'post',
      path: '/integrations/flagger/rollback',
      tags: ['integrations'],
      summary: 'Check the rollback gate of a canary, which is open only if Flagger should roll the canary back',
      request: { query: flaggerQuery, ...body(Hook) },
      responses: {
        200: answers('Open: Flagger rolls the canary back', OpenGate),
        403: problems('Closed: the canary continues'),
        503: problems('The state of the gate is unknown; the canary continues'),
      },
    }),
    async (c) => {
      const hook = c.req.valid('json');
      const gateRequest = await gateRequestFor(deps, hook, c.var.may);
      await noteOpened(deps, gateRequest).catch((error: unknown) =>
        c.var.log.warn('the timeline entry about an open rollback gate could not be written', {
          incident: gateRequest.incident_id,
          error: String(error),
        }),
      );
      c.var.log.info('requested a rollback of a canary from Flagger', {
        canary: gateRequest.canary,
        incident: gateRequest.incident_id,
      });
      const { incident_id, service, environment, from, to } = gateRequest;
      return c.json({ incident_id, service, environment, from_version: from, to_version: to }, 200);
    },
  );

  endpoint(
    app,
    deps,
    'flagger:gate',
    createRoute({
      method: 'post',
      path: '/integrations/flagger/event',
      tags: ['integrations'],
      summary: "Record the rollout of a canary as a change, and add the event to its service's open incident",
      request: { query: flaggerQuery, ...body(Hook) },
      responses: { 202: answers('Accepted', EventAnswer) },
    }),
    async (c) => {
      const hook = c.req.valid('json');
      const serviceEnvironments = await serviceEnvironmentsOfHook(deps, hook, c.var.may);
      const changes = await reportEvent(c, deps, hook, serviceEnvironments);
      const noted = await Promise.all(
        serviceEnvironments.map((serviceEnvironment) => noteEvent(deps, serviceEnvironment, hook)),
      );
      return c.json({ noted: noted.filter(Boolean).length, ...changes }, 202);
    },
  );
}

const EventAnswer = ChangesAnswer.extend({ noted: z.number().int() });

/** Records the rollout of a canary as a change of the service that the key allows. */
async function reportEvent(
  c: Context<Env>,
  deps: Deps,
  hook: Hook,
  serviceEnvironments: readonly ServiceEnvironment[],
): Promise<z.infer<typeof ChangesAnswer>> {
  const { allow, may, trace, log } = c.var;
  const [serviceEnvironment, another] = serviceEnvironments;
  if (serviceEnvironment === undefined && !namesService(hook) && !may(EVERYWHERE))
    return { ignored: 'no deployer of kind flagger has the canary, or the key does not allow its service' };
  const read = readFlaggerEvent(hook, another === undefined ? serviceEnvironment : undefined);
  const result = await reportReadChanges(deps, read, { allow, trace });
  if (result.kind === 'unreadable') throw new Refusal(422, 'invalid', result.detail);
  log.info('received an event of a canary', { canary: canaryName(hook), phase: hook.phase, ...changesAnswer(result) });
  return changesAnswer(result);
}

const namesService = (hook: Hook): boolean => serviceEnvironmentInMetadata(hook).service !== undefined;

type May = (scope: Scope) => boolean;

/**
 * Returns the services and environments of a canary that the caller may access. The webhook's metadata can select one.
 */
async function serviceEnvironmentsOfHook(
  { config }: Pick<Deps, 'config'>,
  hook: Hook,
  may: May,
): Promise<ServiceEnvironment[]> {
  const { services } = await config.current();
  const { service, environment } = serviceEnvironmentInMetadata(hook);
  return environmentsOfCanary(services, canaryName(hook)).filter(
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
async function gateRequestFor(deps: Deps, hook: Hook, may: May): Promise<RollbackGateRequest> {
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
const noteOpened = (
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
async function noteEvent(
  { incidents, clock }: Deps,
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
  await incidents.note(open.id, `flagger-${sha256(`${canary} ${timestamp} ${eventMessage}`).slice(0, 32)}`, {
    at: clock.now(),
    actor: 'flagger',
    kind: 'flagger.event',
    text: truncate(`Flagger: ${eventMessage}`, TEXT_MAX_CHARS),
    detail: { canary, phase: hook.phase, type: truncate(eventType, 64) },
  });
  return true;
}
