import * as z from 'zod';
import type { SlackUser } from '../../domain/people.ts';

/** What `users.info` tells of somebody. @see https://docs.slack.dev/reference/objects/user-object */
export const UserObject = z.object({
  id: z.string(),
  team_id: z.string().optional(),
  deleted: z.boolean().optional(),
  is_bot: z.boolean().optional(),
  is_app_user: z.boolean().optional(),
  is_restricted: z.boolean().optional(),
  is_ultra_restricted: z.boolean().optional(),
  /** Of another company, in a channel that both share. */
  is_stranger: z.boolean().optional(),
  is_email_confirmed: z.boolean().optional(),
  profile: z
    .object({ email: z.string().optional(), real_name: z.string().optional(), display_name: z.string().optional() })
    .default({}),
});

/**
 * Who that is here.
 *
 * @param workspaces whose members count; the app's own among them
 */
export function slackUserOf(
  user: z.infer<typeof UserObject>,
  workspaces: readonly string[],
  groups: readonly string[],
): SlackUser {
  const team = user.team_id ?? '';
  // Of strangers Slack always says where they are from.
  const elsewhere = team !== '' && !workspaces.includes(team);
  const away = user.is_bot || user.deleted || user.is_stranger || elsewhere;
  const guest = user.is_restricted || user.is_ultra_restricted;
  return {
    id: user.id,
    team,
    // An address that nobody has confirmed may be anybody's.
    email: user.is_email_confirmed === false ? null : (user.profile.email ?? null),
    name: user.profile.display_name || user.profile.real_name || null,
    groups,
    kind: away ? 'outsider' : guest ? 'guest' : 'member',
  };
}
