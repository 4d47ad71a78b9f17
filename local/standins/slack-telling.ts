import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { problem } from './problem.ts';
import type { Channel } from './slack-channels.ts';
import { openDeliveries, shownDelivery } from './slack-deliveries.ts';
import type { Answer, Delivery, DeliveryShown, Outgoing } from './slack-deliveries.ts';
import { BOT, type Person } from './slack-directory.ts';
import type { Subscription } from './slack-installation.ts';
import { EVENT_RETRIES_MS } from './slack-limits.ts';
import { eventSent } from './slack-payloads.ts';
import type { Fields } from './slack-refusal.ts';
import { retryReason, send, type Listener } from './slack-sender.ts';
import type { Workspace } from './slack-workspace.ts';
import type { Outside } from './stand-in.ts';

/** A request and what becomes of its answer. Both run inside a unit. */
export type Question = { outgoing: Outgoing; take(answer: Answer): void };

/** What has happened, with the name under which apps subscribe to it. */
export type SlackEvent = Fields & { type: string; subscription: Subscription };

/** How the product is told. */
export type Telling = {
  /**
   * Commands and interactions: sent once, somebody waits for the answer.
   *
   * @param prepare may give `undefined`: there is nothing to send
   * @throws HTTPException 422 when the product does not listen
   */
  ask(prepare: () => Question | undefined): Promise<DeliveryShown | null>;
  /**
   * Events: to be called inside the unit of what has happened.
   *
   * @returns `undefined`: nobody listens, or the app is not in the channel, or has not subscribed to such events
   */
  note(event: SlackEvent, person: Person, channel: Channel, workspace: Workspace): Delivery | undefined;
  /** Sends what was noted once the unit is over. Nobody waits for how that goes. */
  postLater(noted: Delivery | undefined): void;
  /** Sends what was noted, again where that fails; gives how the first try went. */
  post(noted: Delivery | undefined): Promise<DeliveryShown | null>;
  /** Newest first. To be called inside a unit. */
  newest(limit: number): DeliveryShown[];
  resume(): Promise<void>;
};

export function openTelling(outside: Outside): Telling {
  const { unit, now, timeScale, closing } = outside;
  const deliveries = openDeliveries(outside.db);

  const listener = (): Listener | undefined => {
    const { url, slackSigningSecret: signingSecret } = outside.product() ?? {};
    return url === undefined || signingSecret === undefined ? undefined : { url, signingSecret };
  };

  /** One try of an event; those after it are left to the clock. */
  const attempt = async (delivery: Delivery, to: Listener): Promise<Delivery> => {
    const { attempts } = delivery;
    const retry = attempts === 0 ? undefined : { number: attempts, reason: retryReason(delivery) ?? 'unknown_error' };
    const answer = await send(to, delivery, { at: now(), signal: closing, ...(retry && { retry }) });
    const wait = EVENT_RETRIES_MS[attempts];
    const isOver = retryReason(answer) === undefined || answer.noRetry || wait === undefined;
    const dueAt = isOver ? null : Math.ceil(now() + wait / timeScale);
    const ended = await unit(() => deliveries.ended(delivery.seq, answer, dueAt));
    if (dueAt !== null) later(ended, dueAt);
    return ended;
  };

  const later = (delivery: Delivery, dueAt: number): void => {
    const wait = Math.max(0, dueAt - now());
    void delay(wait, undefined, { signal: closing, ref: false })
      .then(() => {
        const to = listener();
        return to && attempt(delivery, to);
      })
      .catch((error: unknown) => {
        if (!closing.aborted) throw error;
      });
  };

  return {
    async ask(prepare) {
      const to = listener();
      if (!to) throw problem(422, 'the product does not listen to this Slack: it has another one, or has not started');
      const begun = await unit(() => {
        const question = prepare();
        return question && { question, delivery: deliveries.begin(question.outgoing, now(), null) };
      });
      if (!begun) return null;
      const { question, delivery } = begun;
      const answer = await send(to, delivery, { at: now(), signal: closing });
      return unit(() => {
        question.take(answer);
        return shownDelivery(deliveries.ended(delivery.seq, answer, null));
      });
    },
    note({ subscription, ...event }, person, channel, { channels, installation }) {
      const isTold = channels.isMember(channel, BOT.id) && installation.events().includes(subscription);
      if (!listener() || !isTold) return undefined;
      const id = `Ev0${randomBytes(6).toString('hex').toUpperCase()}`;
      return deliveries.begin(eventSent(event, person, id, now()), now(), now());
    },
    postLater(noted) {
      if (noted) later(noted, noted.due_at ?? now());
    },
    async post(noted) {
      const to = listener();
      return noted && to ? shownDelivery(await attempt(noted, to)) : null;
    },
    newest: (limit) => deliveries.newest(limit).map(shownDelivery),
    async resume() {
      const pending = await unit(() => deliveries.pending());
      for (const delivery of pending) later(delivery, delivery.due_at ?? now());
    },
  };
}
