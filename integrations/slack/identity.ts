import * as z from 'zod';
import type { Ask } from './client.ts';

/** Who the token speaks for: the app's bot, as a user and as what its messages carry, and in which workspace. */
export type Me = { user: string | null; bot: string | null; team: string | null };

/** What stands in for Slack may tell less. */
const Tested = z.object({
  user_id: z.string().optional(),
  bot_id: z.string().optional(),
  team_id: z.string().optional(),
});

/** Asks once for each token. The last one is remembered, and no error. */
export function identities(): (token: string, ask: Ask) => Promise<Me> {
  let known: { token: string; me: Me } | undefined;
  return async (token, ask) => {
    if (known?.token === token) return known.me;
    const { user_id: user = null, bot_id: bot = null, team_id: team = null } = await ask('auth.test', {}, Tested);
    known = { token, me: { user, bot, team } };
    return known.me;
  };
}
