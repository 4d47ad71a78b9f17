import * as z from 'zod';
import { millisOf, type Timestamp } from '../../../schemas/time/time.ts';
import type { CallSlack } from '../client.ts';
import type { AppIdentity } from '../identity.ts';
import { CLOCK_SKEW_SECONDS, MESSAGES_PER_PAGE } from '../limits.ts';
import { pageFields, pages } from '../pages.ts';

const EVENT_TYPE = 'firebreak_message';

/** Returns the metadata by which a message is found again. Users don't see it; every app in the channel can read it. */
export const metadataOf = (key: string): object => ({ event_type: EVENT_TYPE, event_payload: { key } });

const Metadata = z.object({ event_type: z.literal(EVENT_TYPE), event_payload: z.object({ key: z.string() }) });

const Message = z.object({
  ts: z.string(),
  user: z.string().optional(),
  bot_id: z.string().optional(),
  /** Metadata of other apps can have any format. */
  metadata: Metadata.optional().catch(undefined),
});
type Message = z.infer<typeof Message>;

const History = z.object({ messages: z.array(Message), ...pageFields });

/**
 * Finds the app's newest message with this key. Checks the author, because other apps can post the same metadata.
 * @throws CallFailed
 */
export async function findPost(
  callSlack: CallSlack,
  me: AppIdentity,
  channel: string,
  key: string,
  since: Timestamp,
): Promise<{ id: string } | null> {
  const oldest = (millisOf(since) / 1000 - CLOCK_SKEW_SECONDS).toFixed(6);
  const args = { channel, oldest, inclusive: true, include_all_metadata: true, limit: MESSAGES_PER_PAGE };
  for await (const { messages } of pages(callSlack, 'conversations.history', args, History)) {
    const found = messages.find((message) => message.metadata?.event_payload.key === key && isFrom(me, message));
    if (found !== undefined) return { id: found.ts };
  }
  return null;
}

const isFrom = ({ user, bot }: AppIdentity, message: Message): boolean =>
  (user !== null && message.user === user) || (bot !== null && message.bot_id === bot);
