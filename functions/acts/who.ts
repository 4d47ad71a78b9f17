import type { Scope } from '../../domain/access.ts';
import type { Somebody } from '../../domain/roles.ts';
import type { Action } from '../../schemas/access.ts';

/** Whoever acts, however they came in: a token over HTTP, a person in Slack. */
export type Who = {
  /** In decisions and on timelines; tells a second person from the first. */
  name: string;
  /** As others see them. Absent: as their name. */
  shown?: string;
  /** Their id in Slack, where they came in by it. */
  slack?: string;
  /** @throws Refusal 403 where they may not do this there */
  allow(action: Action, scope: Scope): void;
};

/** As holder of a role. */
export const somebody = ({ name, shown = name, slack }: Who): Somebody => ({ name, shown, slack: slack ?? null });
