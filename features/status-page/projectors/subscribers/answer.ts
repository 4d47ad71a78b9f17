import type { PageSettings } from '../../decisions/pages.ts';
import { answerMessage } from '../../decisions/subscriptions/messages.ts';
import { plusSeconds, secondsBetween } from '../../../../schemas/time/time.ts';
import { send } from './send.ts';
import type { SubscriberSync } from './sync.ts';

/** Seconds until the next attempt for an address that does not accept messages now. */
const RETRY_SECONDS = 300;

/** Seconds after the request until attempts end. */
const GIVE_UP_SECONDS = 900;

/**
 * Answers a request to subscribe by asking the owner of the address to confirm.
 *
 * @param name page name and subscription id, separated by a slash
 */
export async function answerRequest(sync: SubscriberSync, pages: readonly PageSettings[], name: string): Promise<void> {
  const { deps, session, addresses } = sync;
  const [pageName = '', id = ''] = name.split('/');
  const page = pages.find((candidate) => candidate.name === pageName);
  const subscriber = await deps.subscribers.read(pageName, id);
  if (page === undefined || subscriber === undefined || subscriber.answered >= subscriber.requested) return;
  if (!page.subscriptions.includes(subscriber.channel)) return;
  const key = `subscription-${page.name}-${id}-${subscriber.created_at}-${subscriber.requested}`;
  const outcome = await send(sync, { subscriber, message: answerMessage(subscriber, page, addresses), key, sender: 0 });
  switch (outcome.kind) {
    case 'sent':
      return save(sync, { ...subscriber, answered: subscriber.requested });
    case 'later':
      if (secondsBetween(subscriber.requested_at, session.now()) < GIVE_UP_SECONDS / deps.timeScale)
        return session.scheduleNext(plusSeconds(session.now(), Math.max(RETRY_SECONDS / deps.timeScale, 1)));
      return save(sync, { ...subscriber, answered: subscriber.requested });
    case 'refused':
      session.log.info('an address refused the message that asks to confirm its subscription', { page: page.name, id });
      // Kept until it expires, because it counts the requests for this address.
      return save(sync, { ...subscriber, answered: subscriber.requested });
    case 'stopped':
      return;
  }
}

/** A concurrent change of the subscription wins; the next session repeats the message with the same key. */
async function save(
  { deps, session }: SubscriberSync,
  subscriber: Parameters<SubscriberSync['deps']['subscribers']['write']>[0],
) {
  await session.checkLease();
  if (!(await deps.subscribers.write(subscriber))) session.scheduleNext(plusSeconds(session.now(), 1));
}
