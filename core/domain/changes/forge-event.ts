import type * as z from 'zod';
import type { ChangeReport } from '../../../schemas/changes/change-report.ts';
import type { PullRequestReport, Push, Release } from '../../../schemas/changes/code.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { ForgeEvent } from '../ports/extensions.ts';
import { Refusal } from '../refusal.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

/**
 * What an event of a forge reports.
 *
 * - `changes`: `ifNone` says why it is ignored if no report is recorded, and none waits for its service in the catalogue.
 * - `pull-request`: `sign` is what the forge writes between repository and number, such as `#`.
 * - `other`: nothing that the core records. A feature can have a use for its `type`; `name` is what is shown of it.
 */
export type ReadForgeEvent =
  | { kind: 'changes'; reports: readonly ChangeReport[]; ifNone?: string }
  | { kind: 'push'; push: Push }
  | { kind: 'pull-request'; report: PullRequestReport; sign: string }
  | { kind: 'release'; release: Release }
  | { kind: 'ignored'; why: string }
  | { kind: 'other'; type: string; name: string };

/** Reads the events of a forge. */
export type ForgeReader = {
  source: 'github' | 'gitlab';
  /** @throws Refusal 422 if the payload does not match its type */
  read(event: Pick<ForgeEvent, 'type' | 'payload'>, now: Timestamp): ReadForgeEvent;
};

/** @throws Refusal 422 if the payload does not match its type */
export function parsedEvent<T>(schema: z.ZodType<T>, { type, payload }: Pick<ForgeEvent, 'type' | 'payload'>): T {
  const parsed = schema.safeParse(payload);
  if (parsed.success) return parsed.data;
  throw new Refusal(422, 'invalid', `${type}: ${inputProblemText(parsed.error)}`);
}
