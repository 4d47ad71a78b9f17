import { type LinkPurpose, readLink } from '../../decisions/subscriptions/links.ts';
import { CONFIRM_SECONDS, afterConfirmation } from '../../decisions/subscriptions/subscription.ts';
import type { Subscriber } from '../../schemas/subscriber.ts';
import { secondsBetween } from '../../../../schemas/time/time.ts';
import { Refusal } from '../../../../core/domain/refusal.ts';
import type { SubscriptionDeps } from './subscribe.ts';

/** A link as received. */
export type ReceivedLink = { page: string; purpose: LinkPurpose; text: string };

/** Returns the subscription that a link names. Undefined: the link is wrong or has expired, or the subscription has ended. */
export async function subscriptionOf(
  { clock, subscribers }: Pick<SubscriptionDeps, 'clock' | 'subscribers'>,
  { page, purpose, text }: ReceivedLink,
): Promise<Subscriber | undefined> {
  const link = readLink(text);
  const found = link && (await subscribers.read(page, link.id));
  if (found === undefined || link === undefined || !subscribers.isCode(found, purpose, link.code)) return undefined;
  const hasExpired = purpose === 'confirm' && secondsBetween(found.requested_at, clock.now()) >= CONFIRM_SECONDS;
  return hasExpired ? undefined : found;
}

const WRITE_TRIES = 5;

/** Changes a subscription that may change at the same time. Undefined: as for `subscriptionOf`. */
async function change(
  deps: SubscriptionDeps,
  link: ReceivedLink,
  next: (before: Subscriber) => Subscriber,
): Promise<Subscriber | undefined> {
  for (let attempt = 1; attempt <= WRITE_TRIES; attempt += 1) {
    const before = await subscriptionOf(deps, link);
    if (before === undefined) return undefined;
    const after = next(before);
    if (await deps.subscribers.write(after)) return after;
  }
  throw new Refusal(503, 'unavailable', 'the subscription is being changed; try again', { 'retry-after': '5' });
}

/** Confirms a subscription. */
export const confirm = (deps: SubscriptionDeps, link: ReceivedLink): Promise<Subscriber | undefined> =>
  change(deps, link, (before) => afterConfirmation(before, deps.clock.now()));

/**
 * Chooses the components whose updates a subscriber gets.
 *
 * @param components null: all of the page
 */
export const chooseComponents = (
  deps: SubscriptionDeps,
  link: ReceivedLink,
  components: string[] | null,
): Promise<Subscriber | undefined> => change(deps, link, (before) => ({ ...before, components }));

/** Ends a subscription and deletes its address. No effect for a link that is wrong or was used before. */
export async function unsubscribe(deps: SubscriptionDeps, link: ReceivedLink): Promise<void> {
  const found = await subscriptionOf(deps, link);
  if (found === undefined) return;
  await deps.subscribers.remove(found.page, found.id);
  deps.log.info('a subscription to a status page has ended', { page: found.page, channel: found.channel });
}
