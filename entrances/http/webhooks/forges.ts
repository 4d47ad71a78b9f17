import type { Context } from 'hono';
import { recordForgeEvent } from '../../../core/actions/changes/forge-event.ts';
import { FORGES } from '../../../vendors/forges.ts';
import { eventName } from '../../../vendors/github/receive.ts';
import type { Forge } from '../../../vendors/shared/forge.ts';
import type { ApiDeps } from '../deps.ts';
import { loaded } from '../../../core/domain/ports/extensions.ts';
import type { Env } from '../context.ts';
import { type Api, answers, createRoute, endpoint, problems } from '../endpoint.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { type CountIgnored, ignoredEvents } from './ignored-events.ts';
import { refuseUnreadable, signedBody } from './received-body.ts';

/** The limit of GitHub and GitLab for their webhooks. */
const BODY_MAX_BYTES = 25 * 1024 * 1024;

/** Registers the receivers for webhooks of forges, which record changes. Those of GitHub also answer protection rules. */
export function forgeRoutes(app: Api, deps: ApiDeps): void {
  const countIgnored = ignoredEvents(deps);
  for (const forge of FORGES)
    endpoint(
      app,
      deps,
      'receiver',
      createRoute({
        method: 'post',
        path: forge.path,
        tags: ['integrations'],
        summary: forge.summary,
        responses: {
          202: answers('Accepted or ignored', forge.answer),
          400: problems('Not JSON; kept in quarantine'),
          413: problems('Larger than 25 MiB'),
          422: problems('The payload does not match its event type; kept in quarantine'),
        },
      }),
      async (c) => c.json(await receive(c, deps, forge, countIgnored), 202) as never,
    );
}

async function receive(c: Context<Env>, deps: ApiDeps, forge: Forge, countIgnored: CountIgnored): Promise<object> {
  const header = (name: string) => c.req.header(name);
  const type = (forge.typeHeader && header(forge.typeHeader)) ?? 'no event';
  const body = await signedBody(c, deps, forge.signature, BODY_MAX_BYTES);
  const payload = forge.payloadOf(body, header);
  const unreadable = (status: 400 | 422, detail: string) =>
    refuseUnreadable(c, deps, {
      source: forge.source,
      sender: `${forge.source}:signature`,
      // The body does not have what is in a header.
      receiver: forge.typeHeader ? `${forge.path}?event=${encodeURIComponent(type)}` : forge.path,
      body,
      status,
      detail,
    });
  if (payload === undefined) throw await unreadable(400, forge.notJson);
  if (forge.source === 'github' && eventName({ type, payload }) === 'deployment_protection_rule.requested') {
    const [freezes] = await loaded(deps.extensions.freezes);
    if (freezes !== undefined)
      return freezes.answerGithub(payload, { id: header(forge.deliveryHeader), log: c.var.log });
  }
  const event = { type, payload, trace: c.var.trace };
  const answer = await recordForgeEvent(deps, forge, event).catch(async (error: unknown) => {
    if (error instanceof Refusal && error.code === 'invalid') throw await unreadable(422, error.message);
    throw error;
  });
  const logged = { delivery: header(forge.deliveryHeader), ...(forge.typeHeader && { type }) };
  c.var.log.info(`received an event of ${forge.name}`, { ...logged, ...answer });
  await countIgnored(`${forge.source}:signature`, answer);
  return answer;
}
