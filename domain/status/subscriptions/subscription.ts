import type { ImportOutcome } from '../../../schemas/status/subscriber-import.ts';
import type { Subscriber, SubscriptionChannel } from '../../../schemas/status/subscriber.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import type { PageSettings } from '../pages.ts';

/** Seconds for which the link that confirms a subscription works. Then the address is deleted. */
export const CONFIRM_SECONDS = 48 * 3600;

/** Limit of confirmation messages to one address on one day (UTC). */
export const REQUESTS_PER_ADDRESS = 3;

/** Refused updates in a row after which an address gets no more updates. */
export const REFUSALS_MAX = 3;

/** Seconds after which a suspended address is deleted. */
export const SUSPENDED_SECONDS = 30 * 24 * 3600;

/** A request to subscribe, as entered in the form. */
export type SubscriptionRequest = {
  page: string;
  channel: SubscriptionChannel;
  to: string;
  /** Null: all. */
  components: string[] | null;
};

/**
 * Returns a subscription after a request, and whether a message is due. The form does not change a confirmed
 * subscription: instead, its address gets a link to the page that does.
 *
 * @param fresh the ID and key of a new subscription
 */
export function afterRequest(
  before: Subscriber | undefined,
  { page, channel, to, components }: SubscriptionRequest,
  { fresh, now }: { fresh: { id: string; key: string }; now: Timestamp },
): { subscriber: Subscriber; isMessageDue: boolean } {
  const known = before ?? blank({ page, channel, to, components }, fresh, now);
  const day = now.slice(0, 10);
  const count = (known.requests_of.day === day ? known.requests_of.count : 0) + 1;
  const isMessageDue = count <= REQUESTS_PER_ADDRESS;
  return {
    isMessageDue,
    subscriber: {
      ...known,
      requests_of: { day, count },
      ...(isMessageDue && { requested: known.requested + 1, requested_at: now }),
      ...(known.state === 'pending' && isMessageDue && { components, delete_at: plusSeconds(now, CONFIRM_SECONDS) }),
    },
  };
}

const blank = (request: SubscriptionRequest, fresh: { id: string; key: string }, now: Timestamp): Subscriber => ({
  ...fresh,
  ...request,
  state: 'pending',
  created_at: now,
  confirmed_at: null,
  requested: 0,
  requested_at: now,
  answered: 0,
  requests_of: { day: '', count: 0 },
  refusals: 0,
  delete_at: null,
  rev: 0,
});

type ImportedSubscriber = { page: PageSettings; email: string; components: readonly string[] | null; hasLeft: boolean };

/**
 * Decides what happens to an imported subscriber whose address another status page has confirmed. If the subscriber has
 * unsubscribed here, or changed the subscription here, that later choice stays.
 *
 * @param subscriber undefined: nothing is stored
 */
export function planImport(
  before: Subscriber | undefined,
  { page, email, components, hasLeft }: ImportedSubscriber,
  make: () => { fresh: { id: string; key: string }; now: Timestamp },
): { outcome: ImportOutcome; subscriber: Subscriber | undefined } {
  const names = components === null ? null : chosenComponents(components, page);
  if (names === undefined) return { outcome: 'no_component', subscriber: undefined };
  if (before !== undefined && before.state !== 'pending') return { outcome: 'known', subscriber: undefined };
  const { fresh, now } = make();
  if (before !== undefined) return { outcome: 'confirmed', subscriber: afterConfirmation(before, now) };
  if (hasLeft) return { outcome: 'left', subscriber: undefined };
  const request: SubscriptionRequest = { page: page.name, channel: 'email', to: email, components: names };
  return { outcome: 'imported', subscriber: afterConfirmation(blank(request, fresh, now), now) };
}

/** Returns a subscription after its link was confirmed. */
export const afterConfirmation = (subscriber: Subscriber, now: Timestamp): Subscriber => ({
  ...subscriber,
  state: 'confirmed',
  confirmed_at: subscriber.state === 'confirmed' ? subscriber.confirmed_at : now,
  refusals: 0,
  delete_at: null,
});

/** Returns a subscription after its address refused an update. */
export function afterRefusal(subscriber: Subscriber, now: Timestamp): Subscriber {
  const refusals = subscriber.refusals + 1;
  return refusals < REFUSALS_MAX
    ? { ...subscriber, refusals }
    : { ...subscriber, refusals, state: 'suspended', delete_at: plusSeconds(now, SUSPENDED_SECONDS) };
}

/** Returns a subscription whose address accepts no email at all. */
export const afterBounce = (subscriber: Subscriber, now: Timestamp): Subscriber => ({
  ...subscriber,
  refusals: REFUSALS_MAX,
  state: 'suspended',
  delete_at: plusSeconds(now, SUSPENDED_SECONDS),
});

/**
 * Returns the chosen components in the order of the page. Null: all, including later ones. Undefined: none of them is on
 * the page.
 */
export function chosenComponents(names: readonly string[], { components }: PageSettings): string[] | null | undefined {
  const known = components.map(({ name }) => name).filter((name) => names.includes(name));
  if (known.length === 0) return undefined;
  return known.length === components.length ? null : known;
}

/** Returns whether a subscriber gets updates about these components. */
export const wantsUpdates = ({ state, components }: Subscriber, names: readonly string[]): boolean =>
  state === 'confirmed' && (components === null || components.some((name) => names.includes(name)));
