import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import { documents } from '../core/exchanges.ts';
import type { Reading } from './request.ts';

const MODES = ['email', 'sms', 'slack', 'webhook', 'teams', 'integration_partner'] as const;
const STATES = ['active', 'unconfirmed', 'quarantined', 'all'] as const;

/** A subscriber that the page has. `components`: IDs; empty for the whole page. */
export const GivenSubscriber = z.strictObject({
  mode: z.enum(MODES).default('email'),
  address: z.string().min(1),
  state: z.enum(['active', 'unconfirmed', 'quarantined']).default('active'),
  components: z.array(z.string()).default([]),
});
type GivenSubscriber = z.infer<typeof GivenSubscriber>;

type Subscriber = GivenSubscriber & { number: number; created_at: number };

type Query = { state: string; type: string | undefined; limit: number; page: number };

/** @see https://developer.statuspage.io/ (Subscribers, "Get a list of subscribers"; read 2026-11) */
const LIMIT_MAX = 100;

export function openSubscribers(db: DatabaseSync) {
  const stored = documents<Subscriber>(db, 'statuspage subscriber');
  return {
    provide(given: readonly GivenSubscriber[], at: number): void {
      for (const one of given) {
        const before = stored.get(one.mode, one.address);
        stored.put({ number: stored.count() + 1, created_at: at, ...before, ...one }, one.mode, one.address);
      }
    },
    /** Returns a page of the list in the order of addresses. Pages count from 0. */
    list: ({ state, type, limit, page }: Query): Subscriber[] =>
      stored
        .all()
        .filter((one) => (state === 'all' || one.state === state) && (type === undefined || one.mode === type))
        .toSorted((one, other) => (one.address < other.address ? -1 : 1))
        .slice(page * limit, (page + 1) * limit),
  };
}

/** Reads the parameters of the list. Only active subscribers are listed by default. */
export function readSubscriberQuery({
  state = 'active',
  type,
  limit,
  page = '0',
}: Record<string, string>): Reading<Query> {
  const errors = [
    ...((STATES as readonly string[]).includes(state) ? [] : [`State must be one of ${STATES.join(', ')}`]),
    ...(type === undefined || (MODES as readonly string[]).includes(type)
      ? []
      : [`Type must be one of ${MODES.join(', ')}`]),
  ];
  if (errors.length > 0) return { status: 400, errors };
  const size = Number(limit);
  const pageSize = Number.isInteger(size) && size >= 1 ? Math.min(size, LIMIT_MAX) : LIMIT_MAX;
  const at = Number(page);
  return { value: { state, type, limit: pageSize, page: Number.isInteger(at) && at >= 0 ? at : 0 } };
}

/** Returns a subscriber in the format of the API. */
export function subscriberJson({ number, mode, address, state, components, created_at }: Subscriber): object {
  const at = new Date(created_at).toISOString();
  return {
    id: `sub${String(number).padStart(9, '0')}`,
    skip_confirmation_notification: false,
    mode,
    ...(mode === 'email' && { email: address }),
    ...(mode === 'webhook' && { endpoint: address, email: null }),
    ...(mode === 'sms' && { phone_number: address, phone_country: 'US', display_phone_number: address }),
    ...((mode === 'slack' || mode === 'teams') && { obfuscated_channel_name: address }),
    quarantined_at: state === 'quarantined' ? at : null,
    purge_at: null,
    components: components,
    page_access_user_id: null,
    created_at: at,
  };
}
