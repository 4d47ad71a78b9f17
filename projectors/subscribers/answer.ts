import type { PageSettings } from '../../domain/status/pages.ts';
import { answerMessage } from '../../domain/status/subscriptions/messages.ts';
import { plusSeconds, secondsBetween } from '../../schemas/time/time.ts';
import { send } from './send.ts';
import type { Visit } from './visit.ts';

/** Seconds until the next attempt for an address that does not accept messages now, and since the request until the last. */
const AGAIN_SECONDS = 300;
const LAST_SECONDS = 900;

/** Answers a request to subscribe: asks the owner of the address to confirm. */
export async function answerRequest(visit: Visit, pages: readonly PageSettings[], name: string): Promise<void> {
  const { deps, session, addresses } = visit;
  const [pageName = '', id = ''] = name.split('/');
  const page = pages.find((one) => one.name === pageName);
  const subscriber = await deps.subscribers.read(pageName, id);
  if (page === undefined || subscriber === undefined || subscriber.answered >= subscriber.requested) return;
  if (!page.subscriptions.includes(subscriber.channel)) return;
  const key = `subscription-${page.name}-${id}-${subscriber.created_at}-${subscriber.requested}`;
  const outcome = await send(visit, { subscriber, message: answerMessage(subscriber, page, addresses), key, lane: 0 });
  switch (outcome.kind) {
    case 'sent':
      return save(visit, { ...subscriber, answered: subscriber.requested });
    case 'later':
      if (secondsBetween(subscriber.requested_at, session.now()) < LAST_SECONDS / deps.timeScale)
        return session.scheduleNext(plusSeconds(session.now(), Math.max(AGAIN_SECONDS / deps.timeScale, 1)));
      return save(visit, { ...subscriber, answered: subscriber.requested });
    case 'refused':
      session.log.info('an address refused the message that asks to confirm its subscription', { page: page.name, id });
      // Kept until it expires, because it counts the requests for this address.
      return save(visit, { ...subscriber, answered: subscriber.requested });
    case 'stopped':
      return;
  }
}

/** A concurrent change of the subscription wins; the next visit repeats the message with the same key. */
async function save({ deps, session }: Visit, subscriber: Parameters<Visit['deps']['subscribers']['write']>[0]) {
  await session.checkLease();
  if (!(await deps.subscribers.write(subscriber))) session.scheduleNext(plusSeconds(session.now(), 1));
}
