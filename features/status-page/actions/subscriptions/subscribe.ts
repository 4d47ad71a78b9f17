import type { Deps } from '../../ports.ts';
import {
  type SubscriptionRequest,
  afterRequest,
  mailboxOf,
  REQUESTS_PER_MAILBOX,
} from '../../decisions/subscriptions/subscription.ts';
import { Refusal } from '../../../../core/domain/refusal.ts';

export type SubscriptionDeps = Pick<Deps, 'clock' | 'config' | 'log' | 'projections' | 'publicUrl' | 'subscribers'>;

/** Requests of one client in an hour. An office or a mobile network can share an address. */
const REQUESTS_PER_CLIENT = 20;

/** Requests to one page in an hour, so that many clients together cannot use Firebreak to send unwanted email. */
const REQUESTS_PER_PAGE = 500;

const WRITE_TRIES = 5;

/**
 * Requests a subscription. The owner of the address gets a message with a link that confirms it. The caller learns
 * nothing about the address: neither whether it is subscribed nor whether a message is sent.
 *
 * @param client network address
 * @throws Refusal 429, 503
 */
export async function subscribe(deps: SubscriptionDeps, request: SubscriptionRequest, client: string): Promise<void> {
  const { clock, subscribers } = deps;
  const now = clock.now();
  if ((await subscribers.count(`client ${client}`, now)) > REQUESTS_PER_CLIENT) throw tooMany('from your network');
  if ((await subscribers.count(`page ${request.page}`, now)) > REQUESTS_PER_PAGE) throw tooMany('to this page');
  const mailbox = `mailbox ${request.page} ${request.channel} ${mailboxOf(request.channel, request.to)}`;
  if ((await subscribers.count(mailbox, now, 'day')) > REQUESTS_PER_MAILBOX) return;
  const id = subscribers.idOf(request.page, request.channel, request.to);
  for (let attempt = 1; attempt <= WRITE_TRIES; attempt += 1) {
    const before = await subscribers.read(request.page, id);
    const after = afterRequest(before, request, { fresh: { id, key: subscribers.newKey() }, now });
    if (await subscribers.write(after, true)) return wake(deps);
  }
  throw new Refusal(503, 'unavailable', 'the subscription is being changed; try again', { 'retry-after': '5' });
}

const tooMany = (where: string): Refusal =>
  new Refusal(429, 'too-many-requests', `too many requests ${where}; try again in an hour`, { 'retry-after': '3600' });

async function wake({ projections, log }: SubscriptionDeps): Promise<void> {
  try {
    await projections.wake('subscribers', 0);
  } catch (error) {
    log.warn('cannot wake a projector; the sweeper will wake it', { target: 'subscribers', error: String(error) });
  }
}
