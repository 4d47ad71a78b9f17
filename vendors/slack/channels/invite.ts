import * as z from 'zod';
import type { FailedInvitation } from '../../../core/domain/ports/chat.ts';
import { CallFailed, isRefusedCall } from '../failures.ts';
import type { CallSlack } from '../client.ts';
import { USERS_PER_INVITE } from '../limits.ts';

/** The users that Slack refuses to invite. Also part of a successful call for the other users. */
const Errors = z.object({
  errors: z
    .array(z.object({ user: z.string().optional(), error: z.string().optional() }))
    .default([])
    .catch([]),
});

/** Errors for users that are already in the channel. `cant_invite_self` is for the app itself. */
const ALREADY_MEMBER_ERRORS: readonly string[] = ['already_in_channel', 'cant_invite_self'];

/** Errors about an invited user, not about the call. */
const USER_ERRORS = new Set([
  ...ALREADY_MEMBER_ERRORS,
  'cant_invite',
  'failed_for_some_users',
  'invitee_cant_see_channel',
  'no_external_invite_permission',
  'org_user_not_in_team',
  'ura_max_channels',
  'user_disabled',
  'user_is_bot',
  'user_not_found',
  'user_team_not_in_channel',
]);

/**
 * Invites users to a channel. With `force`, Slack invites all users that it can, even if others fail. If it can invite
 * none, or a user has left the workspace, it refuses the call and reports the users.
 *
 * @see https://docs.slack.dev/reference/methods/conversations.invite (read 2026-11)
 * @throws CallFailed
 */
export async function inviteUsers(
  callSlack: CallSlack,
  channel: string,
  users: readonly string[],
): Promise<FailedInvitation[]> {
  const failed: FailedInvitation[] = [];
  for (let from = 0; from < users.length; from += USERS_PER_INVITE)
    failed.push(...(await inviteBatch(callSlack, channel, users.slice(from, from + USERS_PER_INVITE))));
  return failed.filter(({ code }) => !ALREADY_MEMBER_ERRORS.includes(code));
}

async function inviteBatch(
  callSlack: CallSlack,
  channel: string,
  users: readonly string[],
): Promise<FailedInvitation[]> {
  try {
    const args = { channel, users: users.join(','), ...(users.length > 1 && { force: true }) };
    return failedUsers(await callSlack('conversations.invite', args, Errors));
  } catch (error) {
    return retryEachUser(callSlack, channel, users, error);
  }
}

/** Retries each unreported user alone, because the reported ones may have prevented their invitation. */
async function retryEachUser(
  callSlack: CallSlack,
  channel: string,
  users: readonly string[],
  error: unknown,
): Promise<FailedInvitation[]> {
  if (!(error instanceof CallFailed) || error.failure.kind !== 'refused') throw error;
  const { code } = error.failure;
  const reported = failedUsers(isRefusedCall(error.cause) ? error.cause.data : {});
  if (reported.length === 0 && !USER_ERRORS.has(code)) throw error;
  const [only, ...others] = users;
  if (only !== undefined && others.length === 0) return [{ user: only, code: reported[0]?.code ?? code }];
  const rest = users.filter((user) => !reported.some((failure) => failure.user === user));
  for (const user of rest) reported.push(...(await inviteBatch(callSlack, channel, [user])));
  return reported;
}

const failedUsers = (body: unknown): FailedInvitation[] =>
  (Errors.safeParse(body).data?.errors ?? []).flatMap(({ user, error: code }) =>
    user === undefined || code === undefined ? [] : [{ user, code }],
  );
