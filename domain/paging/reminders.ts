import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import { isAtLeast } from '../../schemas/config/names.ts';
import type { Handling, ReminderKind, RoleHolder, Roles } from '../../schemas/people/response-roles.ts';
import { secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import type { Triage } from '../../schemas/incidents/triage.ts';
import { isAcknowledged } from './acknowledgement.ts';
import type { Remedy } from '../rollback/remedies.ts';

/** A due reminder, with its timeline text and the state to store. */
export type Reminder = {
  kind: ReminderKind;
  text: string;
  /** Slack user IDs to mention. */
  mention: readonly string[];
  /** Recipient without a known Slack ID, which Slack may be able to resolve. Null: none. */
  to: Pick<RoleHolder, 'name' | 'shown'> | null;
  /** Actions to offer as buttons. */
  remedies: readonly Remedy[];
  reminded: NonNullable<Handling['reminded']>;
};

type Policy = {
  triage: Triage;
  /** Number of people in `people.yaml`. */
  people: number;
  /** Factor by which Firebreak's own pauses are shortened. */
  timeScale: number;
};

/** With fewer people listed, the one person who was paged does everything, and repetitions only disturb. */
const SMALL_TEAM_BELOW = 5;

/** Default of `triage.times`. */
const timesFor = (people: number): number => (people < SMALL_TEAM_BELOW ? 1 : 3);

/**
 * Returns the most important reminder that is due, one at a time. For a group of incidents, only the parent has
 * reminders.
 */
export function reminderFor(
  incident: IncidentRecord,
  { triage, people, timeScale }: Policy,
  now: Timestamp,
): Reminder | undefined {
  const { status, severity, parent_id, handling = {}, roles = {} } = incident;
  if (status === 'resolved' || parent_id !== undefined) return undefined;
  if (!isAtLeast(triage.from, severity)) return undefined;
  const timesMax = triage.times ?? timesFor(people);
  const due = (kind: ReminderKind, minutes: number | 'off', since: Timestamp): boolean => {
    if (minutes === 'off') return false;
    const before = handling.reminded?.[kind];
    const isSame = before !== undefined && before.at > since;
    if (isSame && before.times >= timesMax) return false;
    return secondsBetween(isSame ? before.at : since, now) >= (minutes * 60) / timeScale;
  };
  const reminder = (
    kind: ReminderKind,
    since: Timestamp,
    { text, remedies, mention = [], to = null }: ReminderContent,
  ): Reminder => {
    const before = handling.reminded?.[kind];
    const times = before !== undefined && before.at > since ? before.times + 1 : 1;
    return {
      kind,
      text: `${times > 1 ? `Reminder ${times}: ` : ''}${to === null ? '' : `${to.shown}: `}${text}`,
      mention,
      to,
      remedies,
      reminded: { ...handling.reminded, [kind]: { at: now, times } },
    };
  };
  const openedAt = incident.opened_at;
  // An effective mitigation makes the question of command less urgent.
  const isUnmitigated = status === 'open' || status === 'mitigating';
  const triageReminder = missingTriage(incident);
  if (isUnmitigated && triageReminder !== undefined && due('triage', triage.acknowledgeMinutes, openedAt))
    return reminder('triage', openedAt, triageReminder);
  if (isUnmitigated && roles.commander === undefined && due('commander', triage.commanderMinutes, openedAt))
    return reminder('commander', openedAt, {
      text: 'This incident has no commander. To take command, use "Take command" or /incident take.',
      remedies: ['take_command'],
    });
  const updatedAt = handling.stakeholder_update?.at ?? openedAt;
  if (!due('update', triage.updateMinutes, updatedAt)) return undefined;
  const since =
    handling.stakeholder_update === undefined
      ? 'the incident was opened'
      : `the last one by ${handling.stakeholder_update.by}`;
  return reminder('update', updatedAt, {
    ...recipientOf(roles),
    text: `No update since ${since}. Use "Publish update…" or /incident update: what is known, what is being done, and when the next update follows.`,
    remedies: ['publish'],
  });
}

type ReminderContent = Pick<Reminder, 'text' | 'remedies'> & Partial<Pick<Reminder, 'mention' | 'to'>>;

/**
 * Returns who should publish the next update. A person who cannot be mentioned in Slack, or not yet, is named in the
 * text.
 */
function recipientOf({ communications, commander }: Roles): Partial<Pick<Reminder, 'mention' | 'to'>> {
  const recipient = communications ?? commander;
  if (recipient === undefined) return {};
  return recipient.slack === null
    ? { to: { name: recipient.name, shown: recipient.shown } }
    : { mention: [recipient.slack] };
}

function missingTriage(incident: IncidentRecord): ReminderContent | undefined {
  const { handling = {}, severity } = incident;
  if (!isAcknowledged(incident)) {
    const severityText = handling.triaged === undefined ? ` Also confirm the severity, which is ${severity}.` : '';
    return {
      text: `This incident is not acknowledged yet. Use "Acknowledge" or /incident ack.${severityText}`,
      remedies: handling.triaged === undefined ? ['acknowledge', 'severity'] : ['acknowledge'],
    };
  }
  if (handling.triaged === undefined)
    return {
      text: `The severity ${severity} is not confirmed yet. Use "Severity…" or /incident severity ${severity}.`,
      remedies: ['severity'],
    };
  return undefined;
}
