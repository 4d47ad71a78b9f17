import * as z from 'zod';
import type { ChatChannel } from '../../../core/domain/ports/chat.ts';
import { valueIfRefused } from '../failures.ts';
import type { CallSlack } from '../client.ts';
import type { AppIdentity } from '../identity.ts';
import { CHANNELS_PER_PAGE } from '../limits.ts';
import { unescaped } from '../mrkdwn.ts';
import { pageFields, pages } from '../pages.ts';

const Channel = z.object({
  id: z.string(),
  name: z.string(),
  is_archived: z.boolean().optional(),
  /** The user ID of the creator; for an app, of its bot. */
  creator: z.string().optional(),
  purpose: z.object({ value: z.string() }).optional(),
});
type Channel = z.infer<typeof Channel>;

const Listed = z.object({ channels: z.array(Channel).default([]), ...pageFields });

/** Reads all public channels of the token's workspace, including archived ones. */
async function* channels(callSlack: CallSlack): AsyncGenerator<Channel> {
  const args = { types: 'public_channel', exclude_archived: false, limit: CHANNELS_PER_PAGE };
  for await (const page of pages(callSlack, 'conversations.list', args, Listed)) yield* page.channels;
}

/** Returns whether the app created the channel; also true if the creator or the app's own user is unknown. */
async function isOwnChannel({ creator }: Channel, me: () => Promise<AppIdentity>): Promise<boolean> {
  const identity = await valueIfRefused(me(), null);
  return creator === undefined || identity?.user == null || creator === identity.user;
}

/**
 * Finds a channel. Slack has no search by name, so this reads channels until the name is found.
 * @throws CallFailed
 */
export async function findChannel(
  callSlack: CallSlack,
  me: () => Promise<AppIdentity>,
  name: string,
): Promise<ChatChannel | null> {
  for await (const channel of channels(callSlack)) {
    if (channel.name !== name) continue;
    return {
      id: channel.id,
      name,
      purpose: unescaped(channel.purpose?.value ?? ''),
      archived: channel.is_archived ?? false,
      isOwn: await isOwnChannel(channel, me),
    };
  }
  return null;
}

/**
 * Returns the names of all public channels that begin with a prefix.
 * @throws CallFailed
 */
export async function channelNamesWithPrefix(callSlack: CallSlack, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of channels(callSlack)) if (name.startsWith(prefix)) names.push(name);
  return names;
}
