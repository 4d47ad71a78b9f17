import * as z from 'zod';
import type { CallSlack } from './client.ts';

/** The identity of a token: the app's user ID, its bot ID in messages, and its workspace. */
export type Me = { user: string | null; bot: string | null; team: string | null };

/** A stand-in can omit fields. */
const Tested = z.object({
  user_id: z.string().optional(),
  bot_id: z.string().optional(),
  team_id: z.string().optional(),
});

/** Reads the identity once per token. Caches the last identity, but no error. */
export function identities(): (token: string, callSlack: CallSlack) => Promise<Me> {
  let known: { token: string; me: Me } | undefined;
  return async (token, callSlack) => {
    if (known?.token === token) return known.me;
    const { user_id: user = null, bot_id: bot = null, team_id: team = null } = await callSlack('auth.test', {}, Tested);
    known = { token, me: { user, bot, team } };
    return known.me;
  };
}
