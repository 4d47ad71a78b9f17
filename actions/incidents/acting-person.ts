import type { Scope } from '../../domain/access/access.ts';
import type { Assignee } from '../../domain/people/roles.ts';
import type { Action } from '../../schemas/access/access.ts';

/** The acting person or token, over HTTP or in Slack. */
export type Who = {
  /** Name in decisions and timelines, which distinguishes a second person from the first. */
  name: string;
  /** Display name. Absent: the name. */
  shown?: string;
  /** Slack ID, if the request is from Slack. */
  slack?: string;
  /** @throws Refusal 403 without permission */
  allow(action: Action, scope: Scope): void;
};

/** Returns the person as a role holder. */
export const assigneeOf = ({ name, shown = name, slack }: Who): Assignee => ({ name, shown, slack: slack ?? null });
