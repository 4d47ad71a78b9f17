import { createHmac, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import { PagerDutyEvent, PagerDutyPayload, READ_EVENT_TYPES } from '../../schemas/messages/pagerduty.ts';
import { truncate } from '../shared/text.ts';

const SIGNATURE = /^v1=([0-9a-f]{64})$/i;

/** How many signatures are checked. PagerDuty sends at most two, while a secret is rotated. */
const SIGNATURES_MAX = 10;

/** Returns the well-formed signatures of a header. */
export const signaturesIn = (header: string | undefined): Buffer[] =>
  (header ?? '')
    .split(',', SIGNATURES_MAX)
    .flatMap((part) => SIGNATURE.exec(part.trim())?.[1] ?? [])
    .map((hex) => Buffer.from(hex, 'hex'));

/**
 * Returns whether PagerDuty signed these bytes. One match between any signature and any of our secrets is enough,
 * because both sides have two while a secret is rotated. The signature has no timestamp: replays are recognized by the
 * webhook's ID.
 *
 * @param secrets separated by commas; without a secret, no signature is valid
 * @see https://developer.pagerduty.com/docs/verifying-webhook-signatures (read 2026-11)
 */
export function isSignedByPagerDuty(
  body: Uint8Array,
  header: string | undefined,
  secrets: string | undefined,
): boolean {
  const signatures = signaturesIn(header);
  const expected = (secrets ?? '')
    .split(',')
    .map((secret) => secret.trim())
    .filter((secret) => secret !== '')
    .map((secret) => createHmac('sha256', secret).update(body).digest());
  return expected.some((ours) => signatures.some((theirs) => timingSafeEqual(ours, theirs)));
}

type Read = { event: PagerDutyEvent } | { ignored: string } | { unreadable: string };

/** Parses a webhook. Returns its event, the type of an ignored event, or why it cannot be parsed. */
export function readEvent(body: Uint8Array): Read {
  const payload = PagerDutyPayload.safeParse(json(body));
  if (!payload.success) return { unreadable: z.prettifyError(payload.error) };
  const type = payload.data.event.event_type;
  if (!READ_EVENT_TYPES.has(type)) return { ignored: truncate(type, 128) };
  const event = PagerDutyEvent.safeParse(payload.data.event);
  return event.success ? { event: event.data } : { unreadable: z.prettifyError(event.error) };
}

function json(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch {
    return undefined;
  }
}
