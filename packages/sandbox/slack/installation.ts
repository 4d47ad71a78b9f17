import type { DatabaseSync } from 'node:sqlite';
import { documents } from '../core/exchanges.ts';
import { SCOPES, SUBSCRIBED, SUBSCRIPTIONS } from './directory.ts';
import { Refused } from './delivery/refusal.ts';

export type Scope = (typeof SCOPES)[number];
export type Subscription = (typeof SUBSCRIPTIONS)[number];

/** The installation of the app, as in its manifest until an administrator changes it. */
export type Installation = {
  scopes(): Scope[];
  /** Removes these scopes, and restores all others. */
  withoutScopes(scopes: readonly Scope[]): void;
  /** Returns the events that the app subscribes to. */
  events(): Subscription[];
  subscribe(events: readonly Subscription[]): void;
};

/**
 * The scopes for each method, of which one is enough.
 *
 * @see https://docs.slack.dev/reference/methods (read 2026-11): each method's page
 */
const REQUIRED_SCOPES: Readonly<Record<string, readonly Scope[]>> = {
  'bookmarks.add': ['bookmarks:write'],
  'bookmarks.edit': ['bookmarks:write'],
  'bookmarks.list': ['bookmarks:read'],
  'bookmarks.remove': ['bookmarks:write'],
  'chat.delete': ['chat:write'],
  'chat.postEphemeral': ['chat:write'],
  'chat.postMessage': ['chat:write'],
  'chat.update': ['chat:write'],
  'conversations.archive': ['channels:manage'],
  'conversations.create': ['channels:manage'],
  'conversations.history': ['channels:history'],
  'conversations.info': ['channels:read'],
  'conversations.invite': ['channels:manage', 'channels:write.invites'],
  'conversations.join': ['channels:join'],
  'conversations.list': ['channels:read'],
  'conversations.members': ['channels:read'],
  'conversations.replies': ['channels:history'],
  'conversations.setPurpose': ['channels:manage', 'channels:write.topic'],
  'conversations.setTopic': ['channels:manage', 'channels:write.topic'],
  'conversations.unarchive': ['channels:manage'],
  'pins.add': ['pins:write'],
  'pins.list': ['pins:read'],
  'pins.remove': ['pins:write'],
  'reactions.add': ['reactions:write'],
  'reactions.get': ['reactions:read'],
  'usergroups.list': ['usergroups:read'],
  'usergroups.users.list': ['usergroups:read'],
  'users.info': ['users:read'],
  'users.lookupByEmail': ['users:read.email'],
};

/** @throws Refused `missing_scope` */
export function mustHaveScope(installation: Installation, method: string): void {
  const needed = REQUIRED_SCOPES[method];
  if (!needed) return;
  const provided = installation.scopes();
  if (needed.some((scope) => provided.includes(scope))) return;
  throw new Refused('missing_scope', { needed: needed.join(','), provided: provided.join(',') });
}

export function openInstallation(db: DatabaseSync): Installation {
  const settings = documents<readonly string[]>(db, 'slack settings');
  return {
    scopes: () => SCOPES.filter((scope) => !settings.get('without_scopes')?.includes(scope)),
    withoutScopes: (scopes) => void settings.put(scopes, 'without_scopes'),
    events: () => SUBSCRIPTIONS.filter((event) => (settings.get('events') ?? SUBSCRIBED).includes(event)),
    subscribe: (events) => void settings.put(events, 'events'),
  };
}
