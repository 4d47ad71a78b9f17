import * as z from 'zod';
import type { CallSlack } from './client.ts';

/** The identity of a token: the app's user ID, its bot ID in messages, and its workspace. */
export type AppIdentity = { user: string | null; bot: string | null; team: string | null };

/** A stand-in can omit fields. */
const AuthTest = z.object({
  user_id: z.string().optional(),
  bot_id: z.string().optional(),
  team_id: z.string().optional(),
});

/** Reads the identity once per token. Caches the last identity, but no error. */
export function identities(): (token: string, callSlack: CallSlack) => Promise<AppIdentity> {
  let cached: { token: string; me: AppIdentity } | undefined;
  return async (token, callSlack) => {
    if (cached?.token === token) return cached.me;
    const {
      user_id: user = null,
      bot_id: bot = null,
      team_id: team = null,
    } = await callSlack('auth.test', {}, AuthTest);
    cached = { token, me: { user, bot, team } };
    return cached.me;
  };
}
