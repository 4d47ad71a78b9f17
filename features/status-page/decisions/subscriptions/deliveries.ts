import type { Delivery, Subscriber } from '../../schemas/subscriber.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../../../schemas/time/time.ts';
import type { EventView, MaintenanceStatus } from '../view.ts';
import type { PublicStatus } from '../../schemas/states.ts';

/** Seconds after which an update is no longer news, and is not sent any more. */
export const NEWS_SECONDS = 24 * 3600;

/**
 * Pauses in seconds after failed attempts for one address; then it counts as refused. Long enough for greylisting, and
 * shorter than the time after which late projections cause an alert: anybody can subscribe an address that never accepts.
 */
const PAUSES_SECONDS = [60, 300, 600] as const;

/** An update of an event. */
export type Update = { at: Timestamp; status: PublicStatus | MaintenanceStatus; text: string };

/** Returns the updates of an event, oldest first. */
export const updatesOf = ({ updates }: EventView): Update[] => updates.toReversed();

/**
 * Returns what a subscriber has been sent. A new subscriber gets only updates that were published after the
 * confirmation.
 */
export function firstDelivery(
  { confirmed_at }: Pick<Subscriber, 'confirmed_at'>,
  updates: readonly Update[],
  before: Delivery | undefined,
): Delivery {
  const earlier = confirmed_at === null ? updates.length : updates.filter(({ at }) => at <= confirmed_at).length;
  return before !== undefined && before.done >= earlier ? before : { done: earlier, tries: 0, again_at: null };
}

/** Returns the deliveries after updates that are too old to send. */
export function withoutOld(delivery: Delivery, updates: readonly Update[], now: Timestamp): Delivery {
  let { done } = delivery;
  for (let next = updates[done]; next !== undefined; next = updates[done]) {
    if (secondsBetween(next.at, now) <= NEWS_SECONDS) break;
    done += 1;
  }
  return done === delivery.done ? delivery : { done, tries: 0, again_at: null };
}

/** Returns a delivery after its next update was sent, or was refused for good. */
export const afterUpdate = ({ done }: Delivery): Delivery => ({ done: done + 1, tries: 0, again_at: null });

/** Returns a delivery after a failed attempt. Undefined: no more attempts. */
export function afterFailure(
  delivery: Delivery,
  { now, timeScale, afterSeconds }: { now: Timestamp; timeScale: number; afterSeconds: number | null },
): (Delivery & { again_at: Timestamp }) | undefined {
  const pause = PAUSES_SECONDS[delivery.tries];
  if (pause === undefined) return undefined;
  const seconds = Math.max(Math.min(afterSeconds ?? 0, pause), pause / timeScale, 1);
  return { ...delivery, tries: delivery.tries + 1, again_at: plusSeconds(now, seconds) };
}
