import type { LastRequests } from '../../../schemas/incidents/incident.ts';
import type { Message } from '../../../schemas/incidents/inbox.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/** Versions of a requested rollback, as far as known at the time of the request. */
export type RollbackCommand = Pick<NonNullable<LastRequests['rollback']>, 'from' | 'to'>;

/** What a message does not say of a request. `words`: what a person wrote when resolving the incident. */
type Requested = { rollbackRequested?: RollbackCommand; words?: string };

/**
 * Updates the latest requests of people after a message. They are stored on the incident, because the timeline is not
 * trustworthy for this purpose: anyone can write notes there.
 *
 * @returns undefined if the message changes nothing
 */
export function requestedAfter(
  before: LastRequests | undefined,
  message: Message,
  at: Timestamp,
  { rollbackRequested: rollback = { from: null, to: null }, words: note }: Requested = {},
): LastRequests | undefined {
  switch (message.kind) {
    // A person pauses, resumes, or aborts the automation of the incident.
    case 'pause':
    case 'resume':
    case 'abort':
      return { ...before, switched: { action: message.kind, by: message.by, at } };
    case 'rollback':
      return { ...before, rollback: { by: message.by, at, ...rollback } };
    case 'resolve':
      return { ...before, resolve: { by: message.by, at, ...(note !== undefined && { note }) } };
    case 'signals':
    case 'declared':
    case 'left':
    case 'severity':
    case 'page':
    case 'page_outdated':
    case 'reopened':
    case 'answered':
    case 'judge_again':
    case 'look':
    case 'change_recorded':
    case 'redeployed':
    case 'cleared':
    case 'mitigation':
    case 'verification':
    case 'recovered':
    case 'new_onset':
    case 'runbook':
    case 'runbook_run':
    case 'runbook_rollback':
    case 'rollback_proposed':
    case 'publish':
      return undefined;
  }
}
