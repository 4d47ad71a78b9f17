import * as z from 'zod';
import { SlashCommand } from '../../schemas/slack/command.ts';
import { Interaction, isInteraction } from '../../schemas/slack/interaction.ts';
import { millisOf } from '../../schemas/time.ts';
import { formIn, jsonIn, parsed, type Read } from './body.ts';
import { declaredBytes } from '../request-body.ts';
import { answerCommand, type Waiting } from './commands.ts';
import { within } from './deadline.ts';
import type { SlackDeps } from '../../domain/slack-ports.ts';
import { answerEvent } from './events.ts';
import { type Answer, type Incoming, nothing, type Received, refused, requestIdOf, stamped, word } from './http.ts';
import { answerInteraction } from './interactions.ts';
import { knowledge } from './known.ts';
import { traceOf } from './queue.ts';
import { readers } from './reader.ts';
import { isSignedBySlack, maySign } from './signature.ts';

/** Slack's own are a few kilobytes, a modal at most 250. */
const BODY_MAX_BYTES = 1024 * 1024;

/** Milliseconds that keeping what could not be read may take. */
const KEEP_PATIENCE_MS = 1500;

/** Milliseconds. Without the secret nobody can be believed, so nothing can be said in time. */
const SECRET_PATIENCE_MS = 1500;

const PLACE = /^\/integrations\/slack\/(commands|interactions|events)$/;
type Place = 'commands' | 'interactions' | 'events';

/** What Slack sends. Signed, or nothing is looked at; answered within three seconds, whatever of ours is down. */
export function slackApp(deps: SlackDeps): (incoming: Incoming) => Promise<Answer> {
  const known = knowledge(deps);
  const readerOf = readers(deps, known);
  return async (received) => {
    const requestId = requestIdOf(received);
    const trace = traceOf(received.headers['traceparent']);
    try {
      return stamped(await answer({ deps, known, readerOf, trace }, received), requestId);
    } catch (error) {
      deps.log.error('a request of Slack failed', { trace, path: received.path, error: stackOf(error) });
      const answered = refused(503, 'unavailable', 'this could not be done now; try again', { 'retry-after': '5' });
      return stamped(answered, requestId);
    }
  };
}

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

async function answer(waiting: Waiting, incoming: Incoming): Promise<Answer> {
  const { deps } = waiting;
  const place = PLACE.exec(incoming.path)?.[1] as Place | undefined;
  if (place === undefined) return refused(404, 'not-found', `there is nothing at ${incoming.path}`);
  if (incoming.method !== 'POST') return refused(405, 'not-found', 'this is posted to', { allow: 'POST' });
  const secret = await within(SECRET_PATIENCE_MS, deps.secrets.get('SLACK_SIGNING_SECRET'));
  const now = millisOf(deps.clock.now()) / 1000;
  if (!secret || !maySign(incoming.headers, now)) return unsigned();
  const body = await bodyIn(incoming);
  if (body === undefined) return refused(413, 'body-too-large', `at most ${BODY_MAX_BYTES} bytes`);
  const received = { ...incoming, body };
  if (!isSignedBySlack(received, secret, now)) return unsigned();
  const answered = await ANSWERS[place](waiting, received);
  return 'unreadable' in answered ? unreadable(waiting, place, received, answered) : answered;
}

const unsigned = (): Answer =>
  refused(
    401,
    'unauthorized',
    'X-Slack-Signature is missing, late or does not fit, or SLACK_SIGNING_SECRET is not set here',
    { 'www-authenticate': 'Slack-Signature' },
  );

/** Undefined: it is too large, and then no more of it is read. */
async function bodyIn({ headers, body }: Incoming): Promise<Uint8Array | undefined> {
  const declared = declaredBytes(headers['content-length']);
  if (declared !== undefined && declared > BODY_MAX_BYTES) return undefined;
  const read = typeof body === 'function' ? await body(BODY_MAX_BYTES) : body;
  return read === undefined || read.byteLength > BODY_MAX_BYTES ? undefined : read;
}

type Unreadable = { unreadable: string; status?: 400 | 415 };

const ANSWERS: Record<Place, (waiting: Waiting, received: Received) => Promise<Answer | Unreadable>> = {
  async commands(waiting, received) {
    const form = formIn(received);
    if (!form.ok) return asUnreadable(form);
    if (form.value['ssl_check'] === '1') return nothing(); // Slack looks at the certificate
    const command = SlashCommand.safeParse(form.value);
    if (!command.success) return { unreadable: z.prettifyError(command.error) };
    return answerCommand(waiting, command.data).catch((error: unknown) => {
      waiting.deps.log.error('a command failed', { trace: waiting.trace, error: stackOf(error) });
      return word('This failed here, and what was done is not known: look before you try again.');
    });
  },

  async interactions(waiting, received) {
    const form = formIn(received);
    if (!form.ok) return asUnreadable(form);
    const payload = parsed(form.value['payload'] ?? '');
    if (!payload.ok) return asUnreadable(payload);
    const type = z.object({ type: z.string() }).safeParse(payload.value).data?.type;
    if (type === undefined) return { unreadable: 'the payload has no type' };
    if (!isInteraction(type)) {
      waiting.deps.log.info('Slack sends what is not known here', { type: type.slice(0, 64) });
      return nothing();
    }
    const interaction = Interaction.safeParse(payload.value);
    return interaction.success
      ? answerInteraction(waiting, interaction.data)
      : { unreadable: z.prettifyError(interaction.error) };
  },

  async events(waiting, received) {
    const { 'x-slack-retry-num': retry, 'x-slack-retry-reason': reason } = received.headers;
    if (retry !== undefined) waiting.deps.log.warn('Slack sends an event again', { retry, reason });
    const payload = jsonIn(received);
    return payload.ok ? answerEvent(waiting, payload.value) : asUnreadable(payload);
  },
};

const asUnreadable = ({ because, status }: Extract<Read<unknown>, { ok: false }>): Unreadable => ({
  unreadable: because,
  status,
});

/** Kept whole: it came from Slack, so it is we who do not understand it. The same again would not be understood either. */
async function unreadable(
  { deps }: Waiting,
  place: Place,
  { body, headers }: Received,
  { unreadable: detail, status = 400 }: Unreadable,
): Promise<Answer> {
  const contentType = headers['content-type'] ?? '';
  const kept = { source: 'slack', sender: 'slack', receiver: `slack-${place}`, body, contentType, status, detail };
  try {
    const id = await within(KEEP_PATIENCE_MS, deps.quarantine.keep(kept));
    deps.log.warn('what Slack has sent could not be read', { place, quarantine: id, detail });
  } catch (error) {
    deps.log.error('what Slack has sent could neither be read nor kept', { place, detail, error: String(error) });
  }
  return refused(status, status === 415 ? 'not-json-content-type' : 'wrong-shape', detail, { 'x-slack-no-retry': '1' });
}
