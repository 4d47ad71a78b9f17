import * as z from 'zod';
import type { ChatChannel } from '../../domain/outlets.ts';
import { orRefused } from './answers.ts';
import type { Ask } from './client.ts';
import type { Me } from './identity.ts';
import { CHANNELS_PER_PAGE } from './limits.ts';
import { unescaped } from './mrkdwn.ts';
import { paged, pages } from './pages.ts';

const Channel = z.object({
  id: z.string(),
  name: z.string(),
  is_archived: z.boolean().optional(),
  /** The user who made it; of an app, its bot's. */
  creator: z.string().optional(),
  purpose: z.object({ value: z.string() }).optional(),
});
type Channel = z.infer<typeof Channel>;

const Listed = z.object({ channels: z.array(Channel).default([]), ...paged });

/** All public channels, archived ones too, of the token's workspace. */
async function* channels(ask: Ask): AsyncGenerator<Channel> {
  const args = { types: 'public_channel', exclude_archived: false, limit: CHANNELS_PER_PAGE };
  for await (const page of pages(ask, 'conversations.list', args, Listed)) yield* page.channels;
}

/** Where it is not told who has made it, or who we are, nothing speaks against it. */
async function isOurs({ creator }: Channel, me: () => Promise<Me>): Promise<boolean> {
  const known = await orRefused(me(), null);
  return creator === undefined || known?.user == null || creator === known.user;
}

/** Slack cannot be asked for a name, so all channels are read up to the one. @throws CallFailed */
export async function findChannel(ask: Ask, me: () => Promise<Me>, name: string): Promise<ChatChannel | null> {
  for await (const channel of channels(ask)) {
    if (channel.name !== name) continue;
    return {
      id: channel.id,
      name,
      purpose: unescaped(channel.purpose?.value ?? ''),
      archived: channel.is_archived ?? false,
      ours: await isOurs(channel, me),
    };
  }
  return null;
}

/** @throws CallFailed */
export async function namesBeginning(ask: Ask, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of channels(ask)) if (name.startsWith(prefix)) names.push(name);
  return names;
}
