import * as z from 'zod';
import type { Context } from 'hono';
import { reportReadChanges } from '../../../core/actions/changes/report-read-changes.ts';
import { EVERYWHERE } from '../../../core/domain/access/access.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { ApiDeps } from '../deps.ts';
import { readFlaggerEvent } from '../../../vendors/flagger/event.ts';
import { canaryName, Hook, serviceEnvironmentInMetadata } from '../../../vendors/flagger/hook.ts';
import { gateRequestFor, noteEvent, noteOpened, serviceEnvironmentsOfHook } from '../../../vendors/flagger/receive.ts';
import { EnvironmentName, IncidentId, ServiceName, Version } from '../../../schemas/config/names.ts';
import { type Api, answers, body, createRoute, endpoint, problems } from '../endpoint.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import type { Env } from '../context.ts';
import { ChangesAnswer, changesAnswer } from './changes-answer.ts';
import { ignoredEvents } from './ignored-events.ts';
import { flaggerQuery } from './flagger-gate.ts';
import { flaggerJudgeRoutes } from './flagger-judge.ts';

const OpenGate = z.object({
  incident_id: IncidentId,
  service: ServiceName,
  environment: EnvironmentName,
  from_version: Version,
  to_version: Version,
});

/**
 * Registers the webhooks for Flagger.
 *
 * @see https://docs.flagger.app/usage/webhooks
 */
export function flaggerRoutes(app: Api, deps: ApiDeps): void {
  flaggerJudgeRoutes(app, deps);
  const countIgnored = ignoredEvents(deps);
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
      await countIgnored(`flagger:${c.var.principal.name}`, changes);
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
  deps: ApiDeps,
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
