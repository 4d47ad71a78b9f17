import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { problem } from '../../core/problem.ts';
import type { Channel } from '../channels.ts';
import { openDeliveries, shownDelivery } from './deliveries.ts';
import type { ProductResponse, Delivery, DeliveryShown, Outgoing } from './deliveries.ts';
import { BOT, type Person } from '../directory.ts';
import type { Subscription } from '../installation.ts';
import { EVENT_RETRIES_MS } from './limits.ts';
import { eventRequest } from './payloads.ts';
import type { Fields } from './refusal.ts';
import { retryReason, send, type Listener } from './sender.ts';
import type { Workspace } from '../workspace.ts';
import type { UserActionDeps } from '../../core/stand-in.ts';

/** A request, and the handler for its response. Both run within a transaction. */
export type ProductRequest = { outgoing: Outgoing; handleResponse(answer: ProductResponse): void };

/** An event, with the name under which apps subscribe to it. */
export type SlackEvent = Fields & { type: string; subscription: Subscription };

/** The sender of requests to the product. */
export type ProductRequests = {
  /**
   * Sends a command or interaction once, and waits for the response.
   *
   * @param prepare returns `undefined` if there is nothing to send
   * @throws HTTPException 422 if the product has no Slack endpoint
   */
  request(prepare: () => ProductRequest | undefined): Promise<DeliveryShown | null>;
  /**
   * Records an event. Call it within the transaction of the change.
   *
   * @returns `undefined` if the product has no endpoint, or the app is not in the channel or not subscribed to the
   *   event
   */
  recordEvent(event: SlackEvent, person: Person, channel: Channel, workspace: Workspace): Delivery | undefined;
  /** Sends a recorded event after the transaction, without waiting for the result. */
  sendLater(recorded: Delivery | undefined): void;
  /** Sends a recorded event, with retries. Resolves with the result of the first attempt. */
  sendNow(recorded: Delivery | undefined): Promise<DeliveryShown | null>;
  /** Returns deliveries, newest first. Call it within a transaction. */
  newest(limit: number): DeliveryShown[];
  resume(): Promise<void>;
};

export function openProductRequests(deps: UserActionDeps): ProductRequests {
  const { transaction, now, timeScale, closing } = deps;
  const deliveries = openDeliveries(deps.db);

  const listener = (): Listener | undefined => {
    const { url, slackSigningSecret: signingSecret } = deps.product() ?? {};
    return url === undefined || signingSecret === undefined ? undefined : { url, signingSecret };
  };

  /** Makes one attempt to send an event. Timers make the later attempts. */
  const attempt = async (delivery: Delivery, to: Listener): Promise<Delivery> => {
    const { attempts } = delivery;
    const retry = attempts === 0 ? undefined : { number: attempts, reason: retryReason(delivery) ?? 'unknown_error' };
    const answer = await send(to, delivery, { at: now(), signal: closing, ...(retry && { retry }) });
    const wait = EVENT_RETRIES_MS[attempts];
    const isOver = retryReason(answer) === undefined || answer.noRetry || wait === undefined;
    const dueAt = isOver ? null : Math.ceil(now() + wait / timeScale);
    const ended = await transaction(() => deliveries.recordAttempt(delivery.seq, answer, dueAt));
    if (dueAt !== null) schedule(ended, dueAt);
    return ended;
  };

  const schedule = (delivery: Delivery, dueAt: number): void => {
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
    async request(prepare) {
      const to = listener();
      if (!to)
        throw problem(
          422,
          'the product does not receive requests from this Slack: it uses another Slack workspace, or has not started',
        );
      const begun = await transaction(() => {
        const request = prepare();
        return request && { question: request, delivery: deliveries.begin(request.outgoing, now(), null) };
      });
      if (!begun) return null;
      const { question: request, delivery } = begun;
      const answer = await send(to, delivery, { at: now(), signal: closing });
      return transaction(() => {
        request.handleResponse(answer);
        return shownDelivery(deliveries.recordAttempt(delivery.seq, answer, null));
      });
    },
    recordEvent({ subscription, ...event }, person, channel, { channels, installation }) {
      const receivesEvent = channels.isMember(channel, BOT.id) && installation.events().includes(subscription);
      if (!listener() || !receivesEvent) return undefined;
      const id = `Ev0${randomBytes(6).toString('hex').toUpperCase()}`;
      return deliveries.begin(eventRequest(event, person, id, now()), now(), now());
    },
    sendLater(recorded) {
      if (recorded) schedule(recorded, recorded.due_at ?? now());
    },
    async sendNow(recorded) {
      const to = listener();
      return recorded && to ? shownDelivery(await attempt(recorded, to)) : null;
    },
    newest: (limit) => deliveries.newest(limit).map(shownDelivery),
    async resume() {
      const pending = await transaction(() => deliveries.pending());
      for (const delivery of pending) schedule(delivery, delivery.due_at ?? now());
    },
  };
}
