import type { Span } from '../../../core/domain/messages/chat-message.ts';
import type { Clock } from '../../../core/domain/ports/system.ts';
import type { SubscriberWebhooks } from '../types.ts';
import type { Message, MessagePart } from '../decisions/subscriptions/message.ts';
import { outgoing } from '../../../core/domain/redaction/outgoing.ts';
import type { SubscriptionChannel } from '../schemas/subscriber.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { retryAfterSeconds } from '../../../vendors/shared/http.ts';
import { mrkdwn, plainOneLine } from '../../../vendors/slack/mrkdwn.ts';
import { NotPublic, publicPost } from './public-post.ts';
import { signedHeaders } from '../../../vendors/webhook/standard-webhooks.ts';
import { textLine, teamsCard } from '../../../vendors/webhook/teams.ts';

/** Milliseconds for one attempt. */
const ATTEMPT_TIMEOUT_MS = 5_000;

type Options = {
  clock: Clock;
  /** Sends a request. Default: to public addresses only. */
  post?: typeof publicPost;
};

/** Creates a client for the webhooks of subscribers: messages for Slack and Teams, and signed JSON for others. */
export function subscriberWebhooks({ clock, post = publicPost }: Options): SubscriberWebhooks {
  return {
    async send({ channel, url, message, secret, key }) {
      const body = JSON.stringify(bodyOf(channel, outgoing(message)));
      const headers = {
        'content-type': 'application/json',
        'user-agent': 'Firebreak',
        ...(channel === 'webhook' ? signedHeaders(secret, key, millisOf(clock.now()), body) : {}),
      };
      try {
        const response = await post(url, { body, headers, timeoutMs: ATTEMPT_TIMEOUT_MS });
        return resultOf(response, millisOf(clock.now()));
      } catch (error) {
        if (error instanceof NotPublic) return { kind: 'refused', code: 'not_public', detail: error.message };
        return { kind: 'later', detail: error instanceof Error ? error.message : String(error), afterSeconds: null };
      }
    },
  };
}

function bodyOf(channel: Exclude<SubscriptionChannel, 'email'>, message: Message): object {
  switch (channel) {
    case 'slack':
      return {
        text: plainOneLine(message.subject, SLACK_TEXT_MAX_CHARS),
        blocks: [{ type: 'section', text: { type: 'mrkdwn', text: slackText(message), verbatim: true } }],
      };
    case 'teams':
      return teamsCard(
        [
          textLine({ text: message.subject, weight: 'bolder' }),
          ...message.parts
            .map((part) => (typeof part === 'string' ? part : part.words))
            .filter((text) => text !== '')
            .map((text) => textLine({ text })),
        ],
        message.parts.flatMap((part) => (typeof part === 'string' ? [] : [{ title: part.title, url: part.url }])),
      );
    case 'webhook':
      return message.data;
  }
}

/** Limit of a text object: https://docs.slack.dev/reference/block-kit/blocks/section-block (read 2026-11) */
const SLACK_TEXT_MAX_CHARS = 3000;

const slackText = ({ subject, parts }: Message): string =>
  mrkdwn([{ bold: subject }, ...parts.flatMap((part) => ['\n\n', ...slackSpans(part)])], SLACK_TEXT_MAX_CHARS);

const slackSpans = (part: MessagePart): Span[] =>
  typeof part === 'string'
    ? [part]
    : [...(part.words === '' ? [] : [`${part.words}\n`]), { link: part.url, text: part.title }];

function resultOf({ status, headers }: { status: number; headers: Headers }, now: number) {
  if (status >= 200 && status < 300) return { kind: 'done', value: null } as const;
  const detail = `the webhook answered ${status}`;
  return status === 408 || status === 429 || status >= 500
    ? ({ kind: 'later', detail, afterSeconds: retryAfterSeconds(headers, now) } as const)
    : ({ kind: 'refused', code: String(status), detail } as const);
}
