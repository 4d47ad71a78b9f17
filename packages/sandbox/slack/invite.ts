import { flag, text } from './delivery/arguments.ts';
import type { Channel } from './channels.ts';
import { BOT, personById } from './directory.ts';
import { TIER_3 } from './delivery/limits.ts';
import {
  channelOf,
  method,
  mustBeMember,
  mustBeOpen,
  mustNotBeDirect,
  type Call,
  type Methods,
} from './delivery/method.ts';
import { channelObject } from './blocks/objects.ts';
import { Refused, type Fields } from './delivery/refusal.ts';
import { addMember, type Workspace } from './workspace.ts';

/** @see https://docs.slack.dev/reference/methods/conversations.invite (read 2026-11) */
export const inviteMethods: Methods = { 'conversations.invite': method(TIER_3, invite) };

/**
 * Invites users. If one of them can't be invited, no one is, unless the call sets `force` and another user can be
 * invited.
 */
function invite(call: Call): Fields {
  const { args, at, workspace } = call;
  const channel = channelOf(call);
  const users = (text(args, 'users') ?? '')
    .split(',')
    .map((user) => user.trim())
    .filter(Boolean);
  if (users.length === 0) throw new Refused('no_user');
  mustNotBeDirect(channel);
  mustBeOpen(channel);
  mustBeMember(channel, call);

  const errors = users.flatMap((user) => inviteErrors(user, channel, workspace));
  const [first] = errors;
  const invited = users.filter((user) => !errors.some((error) => error.user === user));
  const proceeds = flag(args, 'force') && invited.length > 0;
  if (first && !proceeds) throw new Refused(first.error, { errors });

  for (const user of invited) {
    addMember(workspace, channel, user, at);
    const person = personById(user);
    if (person) workspace.notifyInvited({ person, channel, at });
  }
  return { channel: channelObject(channel, workspace), ...(first && { errors }) };
}

type InviteError = { user: string; ok: false; error: string };

function inviteErrors(user: string, channel: Channel, { channels }: Workspace): InviteError[] {
  const errorWith = (error: string): InviteError[] => [{ user, ok: false, error }];
  if (user === BOT.id) return errorWith('cant_invite_self');
  if (!personById(user)) return errorWith('user_not_found');
  return channels.isMember(channel, user) ? errorWith('already_in_channel') : [];
}
