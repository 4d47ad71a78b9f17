import * as z from 'zod';
import type { ChangeEvents } from '../../core/domain/paging/pagerduty/change-event.ts';
import type { Clock } from '../../core/domain/ports/system.ts';
import { withoutValue, vendorClient } from '../shared/client.ts';
import { truncate } from '../shared/text.ts';
import { ATTEMPT_TIMEOUT_MS, ROUTING_KEY_CHARS, SUMMARY_MAX_CHARS } from './limits.ts';

/** The response to an accepted event, which PagerDuty shows later. Distinguishes it from a proxy's login page. */
const Accepted = z.object({ status: z.literal('success') });

/**
 * Creates a client for change events of the Events API v2.
 * @see https://developer.pagerduty.com/docs/send-change-event (read 2026-11)
 */
export function pagerDutyChanges(options: {
  eventsUrl: () => Promise<string>;
  routingKey: () => Promise<string | undefined>;
  clock: Clock;
}): ChangeEvents {
  const client = vendorClient({
    vendor: 'PagerDuty',
    clock: options.clock,
    access: async () => ({ url: await options.eventsUrl() }),
    timeoutMs: ATTEMPT_TIMEOUT_MS,
    rateLimitSeconds: ({ status }) => (status === 429 ? null : undefined), // the API doesn't document Retry-After
    errorBody: z.object({ errors: z.array(z.string()).nullish() }).transform(({ errors }) => errors?.join('; ')),
  });
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
      const response = await client({
        method: 'POST',
        path: '/v2/change/enqueue',
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
        schema: Accepted,
      });
      return response.kind === 'unclear'
        ? { kind: 'later', detail: response.detail, afterSeconds: null }
        : withoutValue(response);
    },
  };
}
