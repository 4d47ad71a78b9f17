import * as z from 'zod';
import { signingSecret } from '../../vendors/connections/signing-secrets.ts';
import { SlashCommand } from '../../schemas/slack/command.ts';
import { Interaction, isInteraction } from '../../schemas/slack/interaction.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { formIn, jsonIn, parseJson, type ParseResult } from './requests/body.ts';
import { Refusals } from '../http/middleware/refusals.ts';
import { declaredBytes, NoRoom } from '../http/middleware/request-body.ts';
import { answerCommand } from './requests/commands.ts';
import type { RequestContext } from './request-context.ts';
import { withDeadline } from './requests/deadline.ts';
import type { SlackDeps } from '../../core/domain/ports/slack.ts';
import { answerEvent } from './requests/events.ts';
import {
  type Answer,
  type Incoming,
  emptyAnswer,
  type Received,
  refused,
  requestIdOf,
  withRequestId,
  ephemeralText,
} from './requests/http.ts';
import { answerInteraction } from './requests/interactions.ts';
import { cachedReads } from './requests/cached-reads.ts';
import { traceOf } from './requests/enqueue.ts';
import { callerPermissions } from './requests/caller-permissions.ts';
import { isSignedBySlack, hasRecentSignature } from './requests/signature.ts';
import { inputProblemText } from '../../schemas/parsing/input-problems.ts';

/** Maximum size of a request body. Requests from Slack have a few kilobytes, with a modal at most 250. */
const BODY_MAX_BYTES = 1024 * 1024;

/** Maximum time in milliseconds to store an unreadable request in quarantine. */
const QUARANTINE_PATIENCE_MS = 1500;

/** Maximum time in milliseconds to read the signing secret, without which no request can be verified. */
const SECRET_PATIENCE_MS = 1500;

const ENDPOINT = /^\/integrations\/slack\/(commands|interactions|events)$/;
type Endpoint = 'commands' | 'interactions' | 'events';

/**
 * Returns the handler for requests from Slack. It processes only signed requests, and responds within three seconds
 * even if Firebreak's own infrastructure is down.
 */
export function slackApp(deps: SlackDeps): (incoming: Incoming) => Promise<Answer> {
  const reads = cachedReads(deps);
  const permissionsOf = callerPermissions(deps, reads);
  const refusals = new Refusals(deps);
  return async (received) => {
    const requestId = requestIdOf(received);
    const trace = traceOf(received.headers['traceparent']);
    try {
      const answered = await respond({ deps, cachedReads: reads, permissionsOf, trace }, received);
      const { status, problem } = answered;
      if (problem !== undefined)
        await refusals.count(deps.log, {
          route: received.path,
          status,
          reason: problem.code,
          // Other refused requests are signed.
          ...(status !== 401 && status !== 413 && { source: 'slack' }),
        });
      return withRequestId(answered, requestId);
    } catch (error) {
      if (!(error instanceof NoRoom))
        deps.log.error('a Slack request failed', { trace, path: received.path, error: stackOf(error) });
      const answered = refused(503, 'unavailable', 'the request could not be processed; try again', {
        'retry-after': '5',
      });
      return withRequestId(answered, requestId);
    }
  };
}

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

/** Verifies a request, and responds to it by its endpoint. */
async function respond(context: RequestContext, incoming: Incoming): Promise<Answer> {
  const { deps } = context;
  const endpoint = ENDPOINT.exec(incoming.path)?.[1] as Endpoint | undefined;
  if (endpoint === undefined) return refused(404, 'not-found', `there is no resource at ${incoming.path}`);
  if (incoming.method !== 'POST')
    return refused(405, 'not-found', 'this resource accepts only POST', { allow: 'POST' });
  const secret = await withDeadline(SECRET_PATIENCE_MS, signingSecret(deps.secrets, 'SLACK_SIGNING_SECRET'));
  const now = millisOf(deps.clock.now()) / 1000;
  if (!secret || !hasRecentSignature(incoming.headers, now)) return unsigned();
  const body = await bodyIn(incoming);
  if (body === undefined) return refused(413, 'body-too-large', `the body is larger than ${BODY_MAX_BYTES} bytes`);
  const received = { ...incoming, body };
  if (!isSignedBySlack(received, secret, now)) return unsigned();
  const answered = await RESPONDERS[endpoint](context, received);
  return 'unreadable' in answered ? quarantine(context, endpoint, received, answered) : answered;
}

const unsigned = (): Answer =>
  refused(
    401,
    'unauthorized',
    'X-Slack-Signature is missing, expired, or invalid, or SLACK_SIGNING_SECRET is not set',
    { 'www-authenticate': 'Slack-Signature' },
  );

/** Returns the body. Undefined: it is too large; reading stops at the limit. */
async function bodyIn({ headers, body }: Incoming): Promise<Uint8Array | undefined> {
  const declared = declaredBytes(headers['content-length']);
  if (declared !== undefined && declared > BODY_MAX_BYTES) return undefined;
  const read = typeof body === 'function' ? await body(BODY_MAX_BYTES) : body;
  return read === undefined || read.byteLength > BODY_MAX_BYTES ? undefined : read;
}

/** Why a request cannot be parsed. */
type Unreadable = { unreadable: string; status?: 400 | 415 };

/** Parses and answers the requests of each endpoint. */
const RESPONDERS: Record<Endpoint, (context: RequestContext, received: Received) => Promise<Answer | Unreadable>> = {
  async commands(context, received) {
    const form = formIn(received);
    if (!form.ok) return unreadableBecause(form);
    if (form.value['ssl_check'] === '1') return emptyAnswer(); // Slack checks the certificate
    const command = SlashCommand.safeParse(form.value);
    if (!command.success) return { unreadable: inputProblemText(command.error) };
    return answerCommand(context, command.data).catch((error: unknown) => {
      context.deps.log.error('a Slack command failed', { trace: context.trace, error: stackOf(error) });
      return ephemeralText(
        'Firebreak failed to process this command. Check whether it was executed before you try again.',
      );
    });
  },

  async interactions(context, received) {
    const form = formIn(received);
    if (!form.ok) return unreadableBecause(form);
    const text = form.value['payload'];
    if (text === undefined) return { unreadable: 'the field "payload" is missing' };
    const payload = parseJson(text);
    if (!payload.ok) return unreadableBecause(payload);
    const type = z.object({ type: z.string().max(64) }).safeParse(payload.value).data?.type;
    if (type === undefined) return { unreadable: 'the payload has no type' };
    if (!isInteraction(type)) {
      context.deps.log.info('ignored a Slack interaction of an unknown type', { type: type.slice(0, 64) });
      return emptyAnswer();
    }
    const interaction = Interaction.safeParse(payload.value);
    return interaction.success
      ? answerInteraction(context, interaction.data)
      : { unreadable: inputProblemText(interaction.error) };
  },

  async events(context, received) {
    const { 'x-slack-retry-num': retry, 'x-slack-retry-reason': reason } = received.headers;
    if (retry !== undefined) context.deps.log.warn('Slack repeats an event', { retry, reason });
    const payload = jsonIn(received);
    return payload.ok ? answerEvent(context, payload.value) : unreadableBecause(payload);
  },
};

const unreadableBecause = ({ because, status }: Extract<ParseResult<unknown>, { ok: false }>): Unreadable => ({
  unreadable: because,
  status,
});

/**
 * Stores an unreadable request in quarantine and refuses it. The request is signed, so Firebreak lacks support for its
 * format, and a repetition would fail as well.
 */
async function quarantine(
  { deps }: RequestContext,
  endpoint: Endpoint,
  { body, headers }: Received,
  { unreadable: detail, status = 400 }: Unreadable,
): Promise<Answer> {
  const contentType = headers['content-type'] ?? '';
  const rejected = {
    source: 'slack',
    sender: 'slack',
    receiver: `slack-${endpoint}`,
    body,
    contentType,
    status,
    detail,
  };
  try {
    const id = await withDeadline(QUARANTINE_PATIENCE_MS, deps.quarantine.keep(rejected));
    deps.log.warn('a Slack request could not be parsed; it is in quarantine', {
      endpoint,
      quarantine: id,
      detail,
    });
  } catch (error) {
    deps.log.error('a Slack request could not be parsed, and could not be stored in quarantine', {
      endpoint,
      detail,
      error: String(error),
    });
  }
  return refused(status, status === 415 ? 'not-json-content-type' : 'wrong-shape', detail, { 'x-slack-no-retry': '1' });
}
