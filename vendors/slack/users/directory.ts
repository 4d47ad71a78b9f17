import * as z from 'zod';
import type { ChatApp, Directory } from '../../../core/domain/ports/chat.ts';
import { isRefusal } from '../failures.ts';
import { attempts, type Slack, type SlackOptions } from '../attempt.ts';
import { INTERACTIVE_TIMEOUT_MS } from '../limits.ts';
import { joiningIfNeeded } from '../channels/join-channel.ts';
import { missingScopes, SCOPES } from '../scopes.ts';
import { slackUserOf, UserObject } from './user.ts';

/** The response to `auth.test`. The client copies the scopes from a response header into `response_metadata`. */
const AuthTest = z.object({
  team: z.string().optional(),
  team_id: z.string().optional(),
  enterprise_id: z.string().nullish(),
  response_metadata: z.object({ scopes: z.array(z.string()).optional() }).optional(),
});

const UserInfo = z.object({ user: UserObject });
const UserId = z.object({ user: z.object({ id: z.string(), deleted: z.boolean().optional() }) });
const Members = z.object({ users: z.array(z.string()).default([]) });
const Messages = z.object({
  messages: z.array(z.object({ ts: z.string(), text: z.string().default(''), user: z.string().nullish() })).default([]),
});
const Permalink = z.object({ permalink: z.string() });

/**
 * Creates a client for users, user groups, and messages. It needs the scopes users:read and users:read.email;
 * usergroups:read for the groups in people.yaml; and channels:history to read messages.
 */
export function slackDirectory(options: SlackOptions): Directory {
  const attempt = attempts({ timeoutMs: INTERACTIVE_TIMEOUT_MS, ...options });
  return {
    app: () => attempt(async ({ callSlack }) => installedApp(await callSlack('auth.test', {}, AuthTest))),
    user: (id, workspaces) =>
      attempt(async (slack) => {
        const found = await orNull(
          ['user_not_found', 'user_not_visible'],
          slack.callSlack('users.info', { user: id }, UserInfo),
        );
        if (found === null) return null;
        const { groups: _, ...user } = slackUserOf(found.user, await workspacesOrOwn(slack, workspaces), []);
        return user;
      }),
    userByEmail: (email) =>
      attempt(async ({ callSlack }) => {
        const found = await orNull(['users_not_found'], callSlack('users.lookupByEmail', { email }, UserId));
        return found === null || found.user.deleted === true ? null : found.user.id;
      }),
    groupMembers: (id) =>
      attempt(async ({ callSlack }) => (await callSlack('usergroups.users.list', { usergroup: id }, Members)).users),
    message: (channel, id) =>
      attempt(async (slack) => {
        const message = await messageIn(slack, channel, id);
        if (message === undefined) return null;
        const link = slack.callSlack('chat.getPermalink', { channel, message_ts: id }, Permalink);
        const url = (await orNull(['message_not_found', 'channel_not_found'], link))?.permalink ?? null;
        return { text: message.text, user: message.user ?? null, url };
      }),
  };
}

function installedApp(tested: z.infer<typeof AuthTest>): ChatApp {
  const { team_id: id = null, team, enterprise_id: enterprise, response_metadata: { scopes } = {} } = tested;
  const missing = scopes && missingScopes(scopes).map((scope) => ({ scope, without: SCOPES[scope] ?? '' }));
  return {
    workspace: { id, enterprise: enterprise ?? null, name: team ?? id ?? 'a workspace' },
    lacks: missing ?? null,
  };
}

async function workspacesOrOwn({ me }: Slack, workspaces: readonly string[]): Promise<readonly string[]> {
  if (workspaces.length > 0) return workspaces;
  const { team } = await me();
  return team === null ? [] : [team];
}

/** Reads a message. The channel's history doesn't contain replies in threads. */
async function messageIn({ callSlack }: Slack, channel: string, ts: string) {
  const within = { channel, latest: ts, oldest: ts, inclusive: true, limit: 1 };
  const { messages } = await joiningIfNeeded(callSlack, channel)('conversations.history', within, Messages);
  const topLevel = messages.find((message) => message.ts === ts);
  if (topLevel !== undefined) return topLevel;
  const thread = await orNull(['thread_not_found'], callSlack('conversations.replies', { ...within, ts }, Messages));
  return thread?.messages.find((message) => message.ts === ts);
}

/** Returns null if Slack refuses the call with one of these codes. */
async function orNull<T>(codes: readonly string[], work: Promise<T>): Promise<T | null> {
  return work.catch((error: unknown) => {
    if (codes.some((code) => isRefusal(error, code))) return null;
    throw error;
  });
}
