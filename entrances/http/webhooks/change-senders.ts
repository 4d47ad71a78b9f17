import type { Context } from 'hono';
import { receiveWebhook } from './receive-webhook.ts';
import type { Scope } from '../../../core/domain/access/access.ts';
import type { ApiDeps } from '../deps.ts';
import { CHANGE_SENDERS } from '../../../vendors/change-senders.ts';
import type { ChangeSender } from '../../../vendors/shared/change-webhook.ts';
import { type CountIgnored, ignoredEvents } from './ignored-events.ts';
import { readBody } from '../middleware/body.ts';
import type { Env } from '../context.ts';
import { ChangesAnswer, changesAnswer } from './changes-answer.ts';
import { refuseUnreadable, signedBody } from './received-body.ts';
import { type Api, allowFor, answers, createRoute, endpoint, problems, requirePrincipal } from '../endpoint.ts';

/** Far above the size of these webhooks. */
const BODY_MAX_BYTES = 1024 * 1024;

const Answer = ChangesAnswer.meta({ id: 'ChangeWebhook' });

/** Registers the receivers for systems that report changes. */
export function changeSenderRoutes(app: Api, deps: ApiDeps): void {
  const countIgnored = ignoredEvents(deps);
  for (const sender of CHANGE_SENDERS)
    endpoint(
      app,
      deps,
      'receiver',
      createRoute({
        method: 'post',
        path: sender.path,
        tags: ['integrations'],
        summary: `Record changes from ${sender.sends}, ${proofOf(sender)}`,
        responses: {
          202: answers('Accepted or ignored', Answer),
          400: problems('Not JSON; kept in quarantine'),
          413: problems('Larger than 1 MiB'),
          422: problems('Unknown format; kept in quarantine'),
        },
      }),
      (c) => receive(c, deps, sender, countIgnored),
    );
}

const proofOf = ({ signature }: ChangeSender): string =>
  signature === undefined ? 'sent with a token that allows deployments:write' : `signed with ${signature.secret}`;

async function receive(
  c: Context<Env>,
  deps: ApiDeps,
  sender: ChangeSender,
  countIgnored: CountIgnored,
): Promise<never> {
  const { allow, name } = await authenticate(c, deps, sender);
  const body = await readBody(c, BODY_MAX_BYTES);
  const sent = { body, header: (header: string) => c.req.header(header) };
  const result = await receiveWebhook(deps, sender, sent, { allow, trace: c.var.trace });
  const { source, path: receiver } = sender;
  if (result.kind === 'unreadable') {
    const { isJson, detail } = result;
    throw await refuseUnreadable(c, deps, { source, sender: name, receiver, body, status: isJson ? 422 : 400, detail });
  }
  c.var.log.info('received a report of changes', { source, ...changesAnswer(result) });
  await countIgnored(name, changesAnswer(result));
  return c.json(changesAnswer(result), 202) as never;
}

type Sender = { name: string; allow: (scope: Scope) => void };

/** @throws Refusal 401 without a valid token or signature, 403 if the token does not allow to record changes */
async function authenticate(c: Context<Env>, deps: ApiDeps, { source, signature }: ChangeSender): Promise<Sender> {
  if (signature === undefined) {
    const principal = await requirePrincipal(c);
    const allow = allowFor(deps, principal, 'deployments:write');
    allow({});
    return { name: `${source}:${principal.name}`, allow };
  }
  await signedBody(c, deps, signature, BODY_MAX_BYTES);
  return { name: `${source}:signature`, allow: () => undefined };
}
