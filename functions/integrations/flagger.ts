import { createRoute, z } from '@hono/zod-openapi';
import { sha256 } from '../../aws/hash.ts';
import { answerOf } from '../../domain/gate.ts';
import type { Deps, Place } from '../../domain/ports.ts';
import { truncate } from '../../integrations/text.ts';
import type { Wish } from '../../schemas/gate.ts';
import { EnvironmentName, IncidentId, ServiceName, Version } from '../../schemas/names.ts';
import { answers, type Api, body, endpoint, problems } from '../api/endpoint.ts';
import { Refusal } from '../api/problem.ts';
import { flaggerGateRoute } from './flagger-gate.ts';
import { canaryOf, Hook, type May, placesOfHook, query } from './flagger-hook.ts';

const RollBack = z.object({
  incident_id: IncidentId,
  service: ServiceName,
  environment: EnvironmentName,
  from_version: Version,
  to_version: Version,
});

const TEXT_MAX_CHARS = 500;

/**
 * What Flagger asks and tells.
 * @see https://docs.flagger.app/usage/webhooks
 */
export function flaggerRoutes(app: Api, deps: Deps): void {
  flaggerGateRoute(app, deps);
  endpoint(
    app,
    deps,
    'flagger:gate',
    createRoute({
      method: 'post',
      path: '/integrations/flagger/rollback',
      tags: ['integrations'],
      summary: 'The rollback gate of a canary: open where Flagger is to take it back, closed in every other case',
      request: { query, ...body(Hook) },
      responses: { 200: answers('Roll it back', RollBack), 403: problems('Closed: go on'), 503: problems('Not found') },
    }),
    async (c) => {
      const hook = c.req.valid('json');
      const wish = await wanted(deps, hook, c.var.may);
      await noteOpened(deps, wish).catch((error: unknown) =>
        c.var.log.warn('an open gate could not be noted', { incident: wish.incident_id, error: String(error) }),
      );
      c.var.log.info('a rollback gate was found open', { canary: wish.canary, incident: wish.incident_id });
      const { incident_id, service, environment, from, to } = wish;
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
      summary: 'What Flagger does with a canary, for the timeline of the open incident of its service',
      request: { query, ...body(Hook) },
      responses: { 202: answers('Taken', z.object({ noted: z.number().int() })) },
    }),
    async (c) => {
      const hook = c.req.valid('json');
      const places = await placesOfHook(deps, hook, c.var.may);
      const noted = await Promise.all(places.map((place) => noteEvent(deps, place, hook)));
      return c.json({ noted: noted.filter(Boolean).length }, 202);
    },
  );
}

const closed = (because: string): Refusal => new Refusal(403, 'gate-closed', because);

/**
 * What the gate is open for. More than one place, or none that the caller may ask for, is no place.
 * @throws Refusal where it is closed
 */
async function wanted(deps: Deps, hook: Hook, may: May): Promise<Wish> {
  const canary = canaryOf(hook);
  const places = await placesOfHook(deps, hook, may);
  const [place] = places;
  if (place === undefined) throw closed(`no deployer of kind flagger names ${canary}, or not for this key`);
  if (places.length > 1)
    throw closed(
      `${canary} is in ${places.map(({ environment }) => environment).join(' and ')}; ` +
        'limit the key to one of these, or name it in the metadata of the webhook',
    );
  const wish = await deps.gates.get(place);
  const { phase, checksum } = hook;
  const answer = answerOf(wish, { canary, phase, checksum }, deps.clock.now());
  if (!answer.open) {
    if (answer.mistaken && wish !== undefined && wish.asked !== checksum)
      await deps.gates.mistaken(place, wish.key, checksum);
    throw closed(answer.because);
  }
  await refuseStopped(deps, answer.wish);
  return answer.wish;
}

/** The wish may be older than what a person has decided since: the kill switch, or an end of the act. */
async function refuseStopped(deps: Pick<Deps, 'automation' | 'effects'>, wish: Wish): Promise<void> {
  const { paused } = await deps.automation.read();
  if (paused) throw closed('the kill switch is on');
  const effect = await deps.effects.get(wish.incident_id, wish.key);
  const isStopped = effect !== undefined && effect.state !== 'intended' && effect.state !== 'accepted';
  if (isStopped) throw closed(`the rollback is over: ${effect.state}`);
}

/** Flagger asks again until it has done it: said once. */
const noteOpened = ({ incidents, clock }: Pick<Deps, 'incidents' | 'clock'>, wish: Wish): Promise<void> =>
  incidents.note(wish.incident_id, `flagger-gate-${wish.key}`, {
    at: clock.now(),
    actor: 'flagger',
    kind: 'flagger.asked',
    text: `Flagger asked whether to roll ${wish.canary} back, and was told to`,
    detail: { canary: wish.canary, checksum: wish.checksum },
  });

/** That a gate was closed is said at every check, which is no news. */
const IS_NO_NEWS = /^Rollback hook .* not signaling a rollback$/;

/** True: there is an open incident, and it is on its timeline. */
async function noteEvent({ incidents, clock }: Deps, place: Place, hook: Hook): Promise<boolean> {
  const { eventMessage = '', eventType = '', timestamp = '' } = hook.metadata;
  if (eventMessage === '' || IS_NO_NEWS.test(eventMessage)) return false;
  const open = (await incidents.open()).find(
    ({ service, environment }) => service === place.service && environment === place.environment,
  );
  if (open === undefined) return false;
  const canary = canaryOf(hook);
  await incidents.note(open.id, `flagger-${sha256(`${canary} ${timestamp} ${eventMessage}`).slice(0, 32)}`, {
    at: clock.now(),
    actor: 'flagger',
    kind: 'flagger.event',
    text: truncate(`Flagger: ${eventMessage}`, TEXT_MAX_CHARS),
    detail: { canary, phase: hook.phase, type: truncate(eventType, 64) },
  });
  return true;
}
