import type { Scope } from '../../core/domain/access/access.ts';
import type { SlackDeps } from '../../core/domain/ports/slack.ts';
import type { Action } from '../../schemas/access/access.ts';
import type { Timestamp } from '../../schemas/time/time.ts';

/** Dependencies and cached data for responses while Slack waits. */
export type RequestContext = { deps: SlackDeps; cachedReads: CachedReads; permissionsOf: PermissionsOf; trace: string };

/** A value with its read time. `fresh`: false if a newer value could not be read. */
export type Cached<T> = { value: T; at: Timestamp; fresh: boolean };

/** @param patienceMs maximum time in milliseconds; afterwards, the last value is returned */
export type CachedRead<T> = (patienceMs?: number) => Promise<Cached<T> | null>;

/** Cached reads of this process. During an outage, they return the last values. */
export type CachedReads = {
  [What in 'catalogue' | 'openIncidents' | 'recentChanges' | 'automation']: CachedRead<
    Awaited<ReturnType<SlackDeps[What]>>
  >;
};

/** A Slack user and the workspace of the request. */
export type RequestingUser = { user_id: string; team_id: string };

/**
 * Permissions of a caller. `unknown`: they cannot be determined in time, because they depend on user groups, or because
 * Slack or the table does not respond.
 */
export type CallerPermissions =
  /** `mayHaveMore`: user groups, which are not read here, can add permissions. */
  | { kind: 'known'; may(action: Action, scope: Scope): boolean; mayHaveMore: boolean }
  | { kind: 'refused'; because: string }
  | { kind: 'unknown' };

export type PermissionsOf = (user: RequestingUser) => Promise<CallerPermissions>;
