import * as z from 'zod';
import type { SlackUser } from '../../../core/domain/people/people.ts';

/**
 * The response of `users.info`.
 * @see https://docs.slack.dev/reference/objects/user-object
 */
export const UserObject = z.object({
  id: z.string(),
  team_id: z.string().optional(),
  deleted: z.boolean().optional(),
  is_bot: z.boolean().optional(),
  is_app_user: z.boolean().optional(),
  is_restricted: z.boolean().optional(),
  is_ultra_restricted: z.boolean().optional(),
  /** A member of another organization in a shared channel. */
  is_stranger: z.boolean().optional(),
  is_email_confirmed: z.boolean().optional(),
  profile: z
    .object({ email: z.string().optional(), real_name: z.string().optional(), display_name: z.string().optional() })
    .default({}),
});

/**
 * Converts a Slack user.
 *
 * @param workspaces IDs of the workspaces whose users count as members, including the app's own
 */
export function slackUserOf(
  user: z.infer<typeof UserObject>,
  workspaces: readonly string[],
  groups: readonly string[],
): SlackUser {
  const team = user.team_id ?? '';
  // For users of other organizations, Slack always reports the team.
  const isOtherWorkspace = team !== '' && !workspaces.includes(team);
  const isOutsider = user.is_bot || user.deleted || user.is_stranger || isOtherWorkspace;
  const isGuest = user.is_restricted || user.is_ultra_restricted;
  return {
    id: user.id,
    team,
    // An unconfirmed email address can belong to another person.
    email: user.is_email_confirmed === false ? null : (user.profile.email ?? null),
    name: user.profile.display_name || user.profile.real_name || null,
    groups,
    kind: isOutsider ? 'outsider' : isGuest ? 'guest' : 'member',
  };
}
