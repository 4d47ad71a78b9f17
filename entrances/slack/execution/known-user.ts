import type { Directory } from '../../../core/domain/ports/chat.ts';
import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';
import { actorOf, type ActorResult, type SlackUser } from '../../../core/domain/people/people.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { ChatUser, UserCache } from '../../../core/domain/ports/messages.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';

export type KnownUserDeps = Pick<Deps, 'config' | 'clock' | 'log'> & { userCache: UserCache; directory: Directory };

/** Seconds for which answers of Slack about users, and about members of groups, are cached. */
const USER_CACHE_SECONDS = 3600;
const GROUP_CACHE_SECONDS = 300;

/** Returns a placeholder for a user who is not cached while Slack does not answer. */
const placeholder = (id: string, kind: ChatUser['kind']): ChatUser => ({ id, team: '', email: null, name: null, kind });

/**
 * Returns the actor for a Slack user. While Slack does not answer, the data of the last day is used. Without such data,
 * a user is identified only by an ID in people.yaml. If people.yaml lists no people, the signature of the request is
 * sufficient, so that an outage of Slack's directory does not block a rollback.
 */
export async function actorFor(deps: KnownUserDeps, id: string): Promise<ActorResult> {
  const config = await deps.config.current();
  const lookup = await userOf(deps, id, config);
  const groups = await groupsOf(deps, id, config);
  const kind = lookup.why !== null && listsNoPeople(config) ? 'member' : 'outsider';
  const found = actorOf(config, { ...(lookup.user ?? placeholder(id, kind)), groups });
  if (found.ok || lookup.why === null) return found;
  return {
    ok: false,
    because: `Slack did not identify you (${lookup.why}), and your Slack ID (${id}) is not in people.yaml`,
  };
}

const listsNoPeople = ({ people: { people, userGroups, workspaces } }: Config): boolean =>
  [people, userGroups, workspaces].every((listed) => Object.keys(listed).length === 0);

/** Reads a user. `why`: reason why Slack did not answer; null: the data is current. */
async function userOf(
  { userCache, directory, clock, log }: KnownUserDeps,
  id: string,
  { people }: Config,
): Promise<{ user: ChatUser | undefined; why: string | null }> {
  const cached = await userCache.user(id);
  if (cached !== undefined && isFresh(cached, clock.now(), USER_CACHE_SECONDS)) return { user: cached.user, why: null };
  const response = await directory.user(id, people.workspaces);
  if (response.kind === 'done') {
    if (response.value !== null) await userCache.storeUser(response.value);
    return { user: response.value ?? undefined, why: null };
  }
  log.warn('a Slack user could not be looked up', {
    user: id,
    detail: response.detail,
    known_since: cached?.at ?? null,
  });
  return cached === undefined ? { user: undefined, why: response.detail } : { user: cached.user, why: null };
}

/** Returns the user's groups among those in people.yaml. A group whose members are unknown adds no permissions. */
async function groupsOf(deps: KnownUserDeps, user: string, { people }: Config): Promise<SlackUser['groups']> {
  const ids = Object.keys(people.userGroups);
  const members = await Promise.all(ids.map((id) => membersOf(deps, id)));
  return ids.filter((_, index) => members[index]?.includes(user));
}

/** Returns the members of a user group. While Slack does not answer: those that are cached, or none. */
async function membersOf({ userCache, directory, clock, log }: KnownUserDeps, id: string): Promise<readonly string[]> {
  const cached = await userCache.group(id);
  if (cached !== undefined && isFresh(cached, clock.now(), GROUP_CACHE_SECONDS)) return cached.members;
  const response: VendorResponse<string[]> = await directory.groupMembers(id);
  if (response.kind === 'done') {
    await userCache.storeGroup(id, response.value);
    return response.value;
  }
  log.warn('the members of a Slack user group could not be read', {
    group: id,
    detail: response.detail,
    known_since: cached?.at ?? null,
  });
  return cached?.members ?? [];
}

const isFresh = ({ at }: { at: Timestamp }, now: Timestamp, seconds: number): boolean =>
  secondsBetween(at, now) < seconds;
