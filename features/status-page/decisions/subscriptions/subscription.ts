import type { ImportOutcome } from '../../schemas/subscriber-import.ts';
import type { Subscriber, SubscriptionChannel } from '../../schemas/subscriber.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import type { PageSettings } from '../pages.ts';

/** Seconds for which the link that confirms a subscription works. Then the address is deleted. */
export const CONFIRM_SECONDS = 48 * 3600;

/** Limit of messages to one mailbox, about one page, on one day (UTC). */
export const REQUESTS_PER_MAILBOX = 3;

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
 * Returns the name by which requests for an address are counted. Addresses that differ only in case, or in a `+tag`, are
 * one mailbox at almost all mail providers. Where they are not, each is still a subscription of its own.
 */
export function mailboxOf(channel: SubscriptionChannel, to: string): string {
  if (channel !== 'email') return to;
  const at = to.lastIndexOf('@');
  const tag = to.indexOf('+');
  return (tag > 0 && tag < at ? to.slice(0, tag) + to.slice(at) : to).toLowerCase();
}

/**
 * Returns a subscription after a request that is answered with a message. The form does not change a confirmed
 * subscription: instead, its address gets a link to the page that does.
 *
 * @param fresh the ID and key of a new subscription
 */
export function afterRequest(
  before: Subscriber | undefined,
  { page, channel, to, components }: SubscriptionRequest,
  { fresh, now }: { fresh: { id: string; key: string }; now: Timestamp },
): Subscriber {
  const known = before ?? blank({ page, channel, to, components }, fresh, now);
  return {
    ...known,
    requested: known.requested + 1,
    requested_at: now,
    ...(known.state === 'pending' && { components, delete_at: plusSeconds(now, CONFIRM_SECONDS) }),
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
