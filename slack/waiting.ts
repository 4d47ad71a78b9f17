import type { Scope } from '../domain/access/access.ts';
import type { SlackDeps } from '../domain/slack/ports.ts';
import type { Action } from '../schemas/access/access.ts';
import type { Timestamp } from '../schemas/time/time.ts';

/** Dependencies and cached data for responses while Slack waits. */
export type Waiting = { deps: SlackDeps; known: Knowledge; readerOf: ReaderOf; trace: string };

/** A value with its read time. `fresh`: false if a newer value could not be read. */
export type Known<T> = { value: T; at: Timestamp; fresh: boolean };

/** @param patienceMs maximum time in milliseconds; afterwards, the last value is returned */
export type Reading<T> = (patienceMs?: number) => Promise<Known<T> | null>;

/** Cached reads of this process. During an outage, they return the last values. */
export type Knowledge = {
  [What in 'catalogue' | 'openIncidents' | 'recentChanges' | 'automation']: Reading<
    Awaited<ReturnType<SlackDeps[What]>>
  >;
};

/** A Slack user and the workspace of the request. */
export type Caller = { user_id: string; team_id: string };

/**
 * Permissions of a caller. `unknown`: they cannot be determined in time, because they depend on user groups, or because
 * Slack or the table does not respond.
 */
export type Reader =
  | { kind: 'known'; may(action: Action, scope: Scope): boolean }
  | { kind: 'refused'; because: string }
  | { kind: 'unknown' };

export type ReaderOf = (caller: Caller) => Promise<Reader>;
