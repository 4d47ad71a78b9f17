import { EVERYWHERE, type Scope } from '../../../core/domain/access/access.ts';
import { actorMay, actorOf, type Actor, type SlackUser } from '../../../core/domain/people/people.ts';
import type { Action } from '../../../schemas/access/access.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import type { SlackDeps } from '../../../core/domain/ports/slack.ts';
import type { RequestingUser, CachedReads, CallerPermissions, PermissionsOf } from '../request-context.ts';

/** Milliseconds for which users are cached. */
const USER_CACHE_MS = 5 * 60 * 1000;

/** Number of cached users. When it is reached, all are forgotten. */
const USERS_MAX = 1000;

/**
 * Returns a function that determines the permissions of a user, with a cache. Does not read user groups, which would
 * take too many calls while Slack waits.
 */
export function callerPermissions(deps: SlackDeps, reads: CachedReads): PermissionsOf {
  const users = new Map<string, { user: SlackUser; until: number }>();
  const now = () => millisOf(deps.clock.now());

  async function userOf(
    { user_id: id, team_id: team }: RequestingUser,
    workspaces: readonly string[],
  ): Promise<SlackUser> {
    const cached = users.get(id);
    if (cached !== undefined && cached.until > now()) return cached.user;
    const user = await deps.slack.user(id, workspaces.length > 0 ? workspaces : [team]);
    if (users.size >= USERS_MAX) users.clear();
    users.set(id, { user, until: now() + USER_CACHE_MS });
    return user;
  }

  return async (requesting) => {
    const catalogue = await reads.catalogue();
    if (catalogue === null) return { kind: 'unknown' };
    const { people } = catalogue.value;
    const user = await userOf(requesting, people.workspaces).catch((error: unknown) => {
      deps.log.warn('a Slack user could not be looked up', { user: requesting.user_id, error: String(error) });
    });
    if (user === undefined) return { kind: 'unknown' };
    // User groups can only add permissions, and only for members of the workspace.
    const mayHaveMore = Object.keys(people.userGroups).length > 0 && user.kind === 'member';
    const found = actorOf(catalogue.value, user);
    if (!found.ok) return mayHaveMore ? { kind: 'unknown' } : { kind: 'refused', because: found.because };
    return permissionsOfActor(deps, found.actor, mayHaveMore);
  };
}

function permissionsOfActor(
  { clock }: Pick<SlackDeps, 'clock'>,
  actor: Actor,
  mayHaveMore: boolean,
): CallerPermissions {
  const may = (action: Action, scope: Scope): boolean => actorMay(actor, action, scope, clock.now()).allowed;
  if (mayHaveMore && !may('incidents:read', EVERYWHERE)) return { kind: 'unknown' };
  return { kind: 'known', may, mayHaveMore };
}

/** Returns the caller of an interaction. Null: Slack did not send the workspace, so membership is unknown. */
export const requestingUserOf = ({
  user,
  team,
}: {
  user: { id: string };
  team?: { id: string } | null | undefined;
}): RequestingUser | null => (team ? { user_id: user.id, team_id: team.id } : null);
