import * as z from 'zod';
import type { ChangeEvents } from '../../domain/pagerduty/change-event.ts';
import { request, withoutSlash } from '../shared/request.ts';
import { truncate } from '../shared/text.ts';
import { ATTEMPT_TIMEOUT_MS, ROUTING_KEY_CHARS, SUMMARY_MAX_CHARS } from './limits.ts';

/** The response to an accepted event, which PagerDuty shows later. Distinguishes it from a proxy's login page. */
const Taken = z.object({ status: z.literal('success') });

/**
 * Creates a client for change events of the Events API v2.
 * @see https://developer.pagerduty.com/docs/send-change-event (read 2026-11)
 */
export function pagerDutyChanges(options: {
  eventsUrl: () => Promise<string>;
  routingKey: () => Promise<string | undefined>;
}): ChangeEvents {
  return {
    async send({ summary, at, links, details }) {
      const routing_key = await options.routingKey();
      if (!routing_key) return { kind: 'off', detail: 'PagerDuty is off: PAGERDUTY_ROUTING_KEY is not set' };
      if (routing_key.length !== ROUTING_KEY_CHARS)
        return {
          kind: 'refused',
          code: 'bad_key',
          detail: `PAGERDUTY_ROUTING_KEY does not have ${ROUTING_KEY_CHARS} characters`,
        };
      const told = await request({
        vendor: 'PagerDuty',
        url: `${withoutSlash(await options.eventsUrl())}/v2/change/enqueue`,
        method: 'POST',
        headers: {},
        body: {
          routing_key,
          payload: {
            summary: truncate(summary, SUMMARY_MAX_CHARS),
            timestamp: at,
            source: 'firebreak',
            custom_details: details,
          },
          links,
        },
        timeoutMs: ATTEMPT_TIMEOUT_MS,
        schema: Taken,
        limited: ({ status }) => (status === 429 ? null : undefined), // the API doesn't document Retry-After
        words: (body) => Refused.safeParse(body).data?.errors?.join('; '),
      });
      if (told.kind === 'done') return { kind: 'done', value: null };
      return told.kind === 'unclear' ? { kind: 'later', detail: told.detail, afterSeconds: null } : told;
    },
  };
}

const Refused = z.object({ errors: z.array(z.string()).nullish() });
