import type { Scope } from '../../domain/access.ts';
import type { Action } from '../../schemas/access.ts';

/** Whoever acts, however they came in: a token over HTTP, a person in Slack. */
export type Who = {
  /** In decisions and on timelines; tells a second person from the first. */
  name: string;
  /** @throws Refusal 403 where they may not do this there */
  allow(action: Action, scope: Scope): void;
};
