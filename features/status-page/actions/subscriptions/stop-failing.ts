import { pagesOf } from '../../decisions/pages.ts';
import { afterBounce } from '../../decisions/subscriptions/subscription.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import type { SubscriptionDeps } from './subscribe.ts';

/** What a mail service has reported about addresses. */
type Report = { kind: 'bounced' | 'complained'; addresses: readonly string[]; at: Timestamp };

const WRITE_TRIES = 5;

/**
 * Sends no more updates to addresses that accept no email, and ends the subscriptions of those whose owners complained.
 * The same report again changes nothing, nor does an old one about an address that was confirmed since.
 *
 * @throws Error if a subscription keeps changing
 */
export async function stopFailing(deps: SubscriptionDeps, { kind, addresses, at }: Report): Promise<void> {
  for (const page of pagesOf(await deps.config.current()).keys())
    for (const address of addresses) {
      const id = deps.subscribers.idOf(page, 'email', address);
      const hasEnded = await stopOne(deps, { page, id, at, kind });
      if (hasEnded) deps.log.info('a subscriber of a status page gets no more email', { page, reason: kind });
    }
}

async function stopOne(
  { subscribers, clock }: SubscriptionDeps,
  { page, id, at, kind }: { page: string; id: string; at: Timestamp; kind: Report['kind'] },
): Promise<boolean> {
  for (let attempt = 1; attempt <= WRITE_TRIES; attempt += 1) {
    const before = await subscribers.read(page, id);
    if (before === undefined || (before.confirmed_at !== null && before.confirmed_at > at)) return false;
    if (kind === 'complained') {
      await subscribers.remove(page, id);
      return true;
    }
    if (before.state === 'suspended') return false;
    if (await subscribers.write(afterBounce(before, clock.now()))) return true;
  }
  throw new Error('the subscription is being changed');
}
