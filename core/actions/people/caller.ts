import type { Scope } from '../../domain/access/access.ts';
import type { Assignee } from '../../domain/people/roles.ts';
import type { Action } from '../../../schemas/access/access.ts';

/** The person or token that calls a use case, over HTTP or in Slack. */
export type Caller = {
  /** Name in decisions and timelines, which distinguishes a second person from the first. */
  name: string;
  /** Display name. Absent: the name. */
  shown?: string;
  /** Slack ID, if the request is from Slack. */
  slack?: string;
  /** @throws Refusal 403 without permission */
  allow(action: Action, scope: Scope): void;
};

/** Returns the caller as the holder of an incident role. */
export const assigneeOf = ({ name, shown = name, slack }: Caller): Assignee => ({ name, shown, slack: slack ?? null });
