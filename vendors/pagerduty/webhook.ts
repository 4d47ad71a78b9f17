import { PagerDutyEvent, PagerDutyPayload, READ_EVENT_TYPES } from '../../schemas/messages/pagerduty.ts';
import { parseJson } from '../shared/json-body.ts';
import { truncate } from '../shared/text.ts';
import { hasHmac, type Header, type WebhookSignature } from '../shared/webhook-signature.ts';
import { inputProblemText } from '../../schemas/parsing/input-problems.ts';

const SIGNATURE = /^v1=([0-9a-f]{64})$/i;

/** How many signatures are checked. PagerDuty sends at most two, while a secret is rotated. */
const SIGNATURES_MAX = 10;

const signaturesIn = (header: Header): Buffer[] =>
  (header('x-pagerduty-signature') ?? '')
    .split(',', SIGNATURES_MAX)
    .flatMap((part) => SIGNATURE.exec(part.trim())?.[1] ?? [])
    .map((hex) => Buffer.from(hex, 'hex'));

/**
 * Proves that PagerDuty sent a webhook. One match between any signature and any of our secrets is enough, because both
 * sides have two while a secret is rotated. The signature has no timestamp: replays are recognized by the webhook's ID.
 *
 * @see https://developer.pagerduty.com/docs/verifying-webhook-signatures (read 2026-11)
 */
export const pagerDutySignature: WebhookSignature = {
  secret: 'PAGERDUTY_WEBHOOK_SECRET',
  headers: 'X-PagerDuty-Signature',
  hasForm: (header) => signaturesIn(header).length > 0,
  isValid: (body, header, setting) => hasHmac(signaturesIn(header), setting, [body]),
};

type Read = { event: PagerDutyEvent } | { ignored: string } | { unreadable: string };

/** Parses a webhook. Returns its event, the type of an ignored event, or why it cannot be parsed. */
export function readEvent(body: Uint8Array): Read {
  const payload = PagerDutyPayload.safeParse(parseJson(body)?.value);
  if (!payload.success) return { unreadable: inputProblemText(payload.error) };
  const type = payload.data.event.event_type;
  if (!READ_EVENT_TYPES.has(type)) return { ignored: truncate(type, 128) };
  const event = PagerDutyEvent.safeParse(payload.data.event);
  return event.success ? { event: event.data } : { unreadable: inputProblemText(event.error) };
}
