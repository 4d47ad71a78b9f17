import type { PageSettings } from '../../decisions/pages.ts';
import {
  afterFailure,
  afterUpdate,
  firstDelivery,
  type Update,
  updatesOf,
  withoutOld,
} from '../../decisions/subscriptions/deliveries.ts';
import { updateMessage } from '../../decisions/subscriptions/messages.ts';
import type { PageEvent } from '../../types.ts';
import { afterRefusal, wantsUpdates } from '../../decisions/subscriptions/subscription.ts';
import type { EventView } from '../../decisions/view.ts';
import type { Delivery, Subscriber } from '../../schemas/subscriber.ts';
import { secondsBetween } from '../../../../schemas/time/time.ts';
import { CONCURRENT_SENDS, send } from './send.ts';
import type { SubscriberSync } from './sync.ts';

/** Limits of one session, so that other events and requests to subscribe get their turn. */
const SYNC_SECONDS = 20;
const SYNC_MESSAGES = 1000;

/** The updates that one subscriber has not been sent. */
type Job = { subscriber: Subscriber; delivery: Delivery };
/** The updates of one event of a page, oldest first. */
type EventUpdates = { page: PageSettings; event: EventView; updates: readonly Update[]; pageEvent: PageEvent };

/**
 * Sends the updates of an event that subscribers have not been sent, each in order. A sent update is recorded at once: if
 * the process dies in between, the same message is sent again with the same key.
 */
export async function announce(sync: SubscriberSync, page: PageSettings, event: EventView): Promise<void> {
  const { deps, session } = sync;
  const pageEvent: PageEvent = { page: page.name, kind: event.kind, id: event.id };
  const eventUpdates: EventUpdates = { page, event, updates: updatesOf(event), pageEvent };
  const [all, sent] = await Promise.all([deps.subscribers.of(page.name), deps.deliveries.of(pageEvent)]);
  const jobs = all
    .filter(
      (subscriber) => page.subscriptions.includes(subscriber.channel) && wantsUpdates(subscriber, event.components),
    )
    .flatMap((subscriber) => dueJob(sync, eventUpdates, subscriber, sent.get(subscriber.id)) ?? []);
  const started = session.now();
  const budget = { left: SYNC_MESSAGES };
  const isOver = () => budget.left <= 0 || secondsBetween(started, session.now()) >= SYNC_SECONDS;
  const isEmail = ({ subscriber }: Job) => subscriber.channel === 'email';
  // Separate queues, so that webhooks do not wait for a mail server.
  const queues = [jobs.filter(isEmail), jobs.filter((job) => !isEmail(job))].map((subset) => subset.values());
  await Promise.all(
    queues.flatMap((queue) =>
      Array.from({ length: CONCURRENT_SENDS }, async (_, sender) => {
        for (const job of queue) {
          if (isOver()) return session.scheduleNext(session.now());
          if (!(await deliver(sync, eventUpdates, job, { sender, budget }))) return;
        }
      }),
    ),
  );
}

/** Returns what a subscriber has not been sent. Undefined: nothing is due now. */
function dueJob(
  { session }: SubscriberSync,
  { updates }: EventUpdates,
  subscriber: Subscriber,
  before: Delivery | undefined,
): Job | undefined {
  const delivery = withoutOld(firstDelivery(subscriber, updates, before), updates, session.now());
  if (delivery.done >= updates.length) return undefined;
  if (delivery.again_at === null || delivery.again_at <= session.now()) return { subscriber, delivery };
  session.scheduleNext(delivery.again_at);
  return undefined;
}

/** Sends what a subscriber has not been sent. Returns whether this sender can continue with the next subscriber. */
async function deliver(
  sync: SubscriberSync,
  eventUpdates: EventUpdates,
  job: Job,
  { sender, budget }: { sender: number; budget: { left: number } },
): Promise<boolean> {
  const { deps, session, addresses } = sync;
  const { page, event, updates, pageEvent } = eventUpdates;
  let { subscriber, delivery } = job;
  const save = async (next: Delivery): Promise<void> => {
    delivery = next;
    await deps.deliveries.write(pageEvent, subscriber.id, next, session.now());
  };
  for (let update = updates[delivery.done]; update !== undefined; update = updates[delivery.done]) {
    // Subscriptions may have ended while others were sent their messages.
    const current = await deps.subscribers.read(page.name, subscriber.id);
    if (current === undefined || !wantsUpdates(current, event.components)) return true;
    subscriber = current;
    budget.left -= 1;
    const message = updateMessage(subscriber, { page, event, update }, addresses);
    const key = `update-${page.name}-${event.kind}-${event.id}-${delivery.done + 1}-${subscriber.id}`;
    const outcome = await send(sync, { subscriber, message, key, sender });
    switch (outcome.kind) {
      case 'sent':
        await save(afterUpdate(delivery));
        if (subscriber.refusals > 0) await deps.subscribers.write({ ...subscriber, refusals: 0 });
        break;
      case 'refused':
      case 'later': {
        const afterSeconds = outcome.kind === 'later' ? outcome.afterSeconds : null;
        const timing = { now: session.now(), timeScale: deps.timeScale, afterSeconds };
        const failed = outcome.kind === 'later' ? afterFailure(delivery, timing) : undefined;
        if (failed !== undefined) {
          await save(failed);
          session.scheduleNext(failed.again_at);
          return true;
        }
        session.log.warn('a subscriber refused an update', { page: page.name, subscriber: subscriber.id });
        await save(afterUpdate(delivery));
        await deps.subscribers.write(afterRefusal(subscriber, session.now()));
        break;
      }
      case 'stopped':
        return false;
    }
  }
  return true;
}
