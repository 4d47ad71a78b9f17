import { withNote } from '../incidents/with-note.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Message, MitigationOutcome, PageSubject } from '../../../schemas/incidents/inbox.ts';
import { isManualRun } from '../runbooks/manual-runs.ts';
import type { Story } from '../messages/story.ts';

/**
 * Reason for a page. `entry`: kind of the timeline entry with the details, written with the message. `about`: whose
 * decision the page shows; absent: the incident's.
 */
export type PageCause = { text: string; entry?: string; about?: PageSubject };

const MITIGATION_WORDS: Record<MitigationOutcome, string> = {
  succeeded: 'Rolled back',
  failed: 'The rollback failed',
  superseded: 'Not rolled back',
  withheld: 'Not rolled back',
  refused: 'The rollback was refused',
  gave_up: 'The outcome of the rollback is unknown',
  rejected: 'The rollback was rejected',
  expired: 'Not rolled back: the approval request timed out',
  withdrawn: 'Not rolled back: the question was withdrawn',
  not_taken: 'No rollback',
  waited: 'No rollback yet',
};

const CRITICAL_JOINED = 'A critical alert was added';
const PAGING_JOINED = 'An alert with a page route was added';

const RUNBOOK_FAILED = 'A runbook failed';
const RETURNED = 'Alerts returned soon after the incident was resolved';

const NEW_PROBLEM = 'A new problem after ';

/** @param change name of the change after which a new problem has begun. Undefined: it began after the recovery */
export const newOnsetCause = (change: string | undefined): PageCause => ({
  text: `${NEW_PROBLEM}${change ?? 'the recovery from the mitigated one'}`,
});

const CAUSES_BY_ALERTS: ReadonlySet<string> = new Set([
  CRITICAL_JOINED,
  PAGING_JOINED,
  MITIGATION_WORDS.not_taken,
  RUNBOOK_FAILED,
  RETURNED,
]);

/** Returns whether alerts alone made a page due. False if a person requested it, or an action was taken. */
export const areAllByAlerts = (causes: readonly PageCause[]): boolean =>
  causes.every(({ text }) => CAUSES_BY_ALERTS.has(text) || text.startsWith(NEW_PROBLEM));

/** State that determines the reason for a page by alerts. */
type StateBefore = Pick<IncidentRecord, 'severity'> & {
  mitigated: boolean;
  pagedAgain: boolean;
  resolveBy: string | null;
};

/** Returns the reason for which `message` makes a page due. */
export function causeOf(message: Message, before: StateBefore): PageCause {
  switch (message.kind) {
    case 'signals':
      if (before.resolveBy !== null)
        return { text: `Alerts have fired since ${actorName(before.resolveBy)} resolved the incident` };
      if (message.new_onset) return newOnsetCause(message.after_change);
      if (before.mitigated && !before.pagedAgain) return { text: 'Alerts are firing again after the mitigation' };
      if (message.again) return { text: 'Alerts of more services outside the catalogue are firing' };
      return message.critical && before.severity !== 'critical' ? { text: CRITICAL_JOINED } : { text: PAGING_JOINED };
    case 'reopened':
      return { text: message.by === undefined ? RETURNED : `${actorName(message.by)} reopened the incident` };
    case 'severity':
      return { text: `${actorName(message.by)} raised the severity to ${message.severity}` };
    case 'declared':
      return { text: `${actorName(message.by)} declared the incident` };
    case 'page':
      return { text: requestWords(message), ...(message.about && { about: message.about }) };
    case 'left':
      return { text: 'No longer part of a group of incidents' };
    case 'mitigation':
      return { text: MITIGATION_WORDS[message.outcome], entry: `mitigation.${message.outcome}` };
    case 'new_onset':
      return newOnsetCause(message.after_change);
    case 'verification':
      return message.outcome === 'failed'
        ? { text: 'The mitigation did not help', entry: 'verification.failed' }
        : { text: 'Alerts are firing again, and it is unknown whether the mitigation helped' };
    case 'runbook':
      return {
        text: isManualRun(message.number) ? 'A runbook that a person started failed' : RUNBOOK_FAILED,
        entry: 'runbook.failed',
      };
    case 'answered':
    case 'recovered':
    case 'judge_again':
    case 'look':
    case 'change_recorded':
    case 'redeployed':
    case 'cleared':
    case 'pause':
    case 'resume':
    case 'abort':
    case 'rollback':
    case 'rollback_proposed':
    case 'resolve':
    case 'runbook_run':
    case 'runbook_rollback':
    case 'publish':
    case 'page_outdated':
      return { text: 'The incident has changed' };
  }
}

/** Describes a requested page. Requests by Firebreak are complete sentences; a person's reason is optional. */
function requestWords({ by, note }: Extract<Message, { kind: 'page' }>): string {
  if (by.startsWith('incident:')) return `A child incident pages ${note}`;
  if (note !== '' && PROGRAMS_THAT_PAGE.test(by)) return upperFirst(note);
  return withNote(`${actorName(by)} requested a page`, note);
}

const PROGRAMS_THAT_PAGE = /^(firebreak|escalation|pagerduty|question|rollback)$/;

const actorName = (by: string): string => by.replace(/^person:/, '');

const upperFirst = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Describes the causes, with details from the timeline. */
export function causeWords(causes: readonly PageCause[], timeline: Story['timeline']): string {
  const words = causes.map(({ text, entry }) => {
    const details = timeline.findLast(({ entry: { kind, actor } }) => kind === entry && actor === 'firebreak')?.entry
      .text;
    if (details === undefined) return text;
    if (entry === 'runbook.failed') return details; // a sentence with the step and the reason
    return details.startsWith(text) ? details : `${text}: ${details}`;
  });
  return [...new Set(words)].join('; ');
}
