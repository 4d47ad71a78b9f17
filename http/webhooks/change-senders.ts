import { createRoute } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { receiveWebhook } from '../../actions/changes/receive-webhook.ts';
import { signingSecret } from '../../actions/connections/signing-secrets.ts';
import { Refusal } from '../../actions/refusal.ts';
import type { Scope } from '../../domain/access/access.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { CHANGE_SENDERS, type ChangeSender } from '../../integrations/change-senders.ts';
import { readBody, readUnverifiedBody } from '../middleware/body.ts';
import type { Env } from '../context.ts';
import { ChangesAnswer, changesAnswer } from './changes-answer.ts';
import { refuseUnreadable } from './refuse-unreadable.ts';
import { allowFor, answers, type Api, endpoint, problems } from '../endpoint.ts';

/** Far above the size of these webhooks. */
const BODY_MAX_BYTES = 1024 * 1024;

const Answer = ChangesAnswer.meta({ id: 'ChangeWebhook' });

/** Registers the receivers for systems that report changes. */
export function changeSenderRoutes(app: Api, deps: Deps): void {
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
      (c) => receive(c, deps, sender),
    );
}

const proofOf = ({ proof }: ChangeSender): string =>
  proof.kind === 'token' ? 'sent with a token that allows deployments:write' : `signed with ${proof.secret}`;

async function receive(c: Context<Env>, deps: Deps, sender: ChangeSender): Promise<never> {
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
  return c.json(changesAnswer(result), 202) as never;
}

type Sender = { name: string; allow: (scope: Scope) => void };

/** @throws Refusal 401 without a valid token or signature, 403 if the token does not allow to record changes */
async function authenticate(c: Context<Env>, deps: Deps, { source, proof }: ChangeSender): Promise<Sender> {
  if (proof.kind === 'token') {
    const principal = await c.var.principalOf(c.req.header('authorization'));
    if (principal === undefined)
      throw new Refusal(
        401,
        'unauthorized',
        'the token is missing, unknown, or expired; send a valid one in Authorization: Bearer',
      );
    const allow = allowFor(deps, principal, 'deployments:write');
    allow({});
    return { name: `${source}:${principal.name}`, allow };
  }
  const secrets = await signingSecret(deps.secrets, proof.secret);
  const signature = c.req.header(proof.header);
  const body = secrets && proof.form.test(signature ?? '') ? await readUnverifiedBody(c, BODY_MAX_BYTES) : undefined; // the signature covers the bytes
  if (body === undefined || !proof.isSigned(body, signature ?? '', secrets ?? ''))
    throw new Refusal(
      401,
      'unauthorized',
      `${proof.header} is missing or invalid, or ${proof.secret} is not set in Firebreak`,
    );
  return { name: `${source}:signature`, allow: () => undefined };
}
