import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { isAtLeast } from '../../../schemas/config/names.ts';
import type { Handling, ReminderKind, RoleHolder, Roles } from '../../../schemas/people/response-roles.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import type { Triage } from '../../../schemas/incidents/triage.ts';
import { waitsForHealth } from '../incidents/closing.ts';
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
export function reminderFor(incident: IncidentRecord, policy: Policy, now: Timestamp): Reminder | undefined {
  const due = remindersOf(incident, policy).find(({ at }) => at <= now);
  if (due === undefined) return undefined;
  const { kind, since } = due;
  const { text, remedies, mention = [], to = null } = due.content();
  const before = incident.handling?.reminded?.[kind];
  const times = before !== undefined && before.at > since ? before.times + 1 : 1;
  return {
    kind,
    text: `${times > 1 ? `Reminder ${times}: ` : ''}${to === null ? '' : `${to.shown}: `}${text}`,
    mention,
    to,
    remedies,
    reminded: { ...incident.handling?.reminded, [kind]: { at: now, times } },
  };
}

/** Returns when the next reminder is due if nothing changes until then. Undefined: none. */
export const nextReminderAt = (incident: IncidentRecord, policy: Policy): Timestamp | undefined =>
  remindersOf(incident, policy)
    .map(({ at }) => at)
    .toSorted()[0];

/** A reminder of an open task. `since`: from when its repetitions count. `at`: when it is due. */
type OpenTask = { kind: ReminderKind; since: Timestamp; at: Timestamp; content: () => ReminderContent };

/** Returns the reminders of open tasks, the most important one first. */
function remindersOf(incident: IncidentRecord, { triage, people, timeScale }: Policy): OpenTask[] {
  const { status, severity, parent_id, handling = {}, roles = {}, opened_at: openedAt } = incident;
  if (status === 'resolved' || parent_id !== undefined || !isAtLeast(triage.from, severity)) return [];
  const timesMax = triage.times ?? timesFor(people);
  const task = (
    kind: ReminderKind,
    minutes: number | 'off',
    since: Timestamp,
    content: OpenTask['content'],
    first?: Timestamp,
  ) => {
    const before = handling.reminded?.[kind];
    const isSame = before !== undefined && before.at > since;
    if (minutes === 'off' || (isSame && before.times >= timesMax)) return [];
    const after = plusSeconds(isSame ? before.at : since, (minutes * 60) / timeScale);
    return [{ kind, since, at: isSame ? after : (first ?? after), content }];
  };
  // An effective mitigation, or the end of the alerts, makes the question of command less urgent.
  const isUnmitigated = (status === 'open' || status === 'mitigating') && !waitsForHealth(incident);
  const triageReminder = isUnmitigated ? missingTriage(incident) : undefined;
  const updatedAt = handling.stakeholder_update?.at ?? openedAt;
  return [
    ...(triageReminder
      ? task('triage', triage.acknowledgeMinutes, unacknowledgedSince(incident), () => triageReminder)
      : []),
    ...(isUnmitigated && roles.commander === undefined
      ? task('commander', triage.commanderMinutes, openedAt, () => MISSING_COMMANDER)
      : []),
    ...task(
      'update',
      triage.updateMinutes,
      updatedAt,
      () => missingUpdate(incident),
      handling.stakeholder_update?.next_at,
    ),
  ];
}

/** Returns from when nobody has acknowledged: the newest problem, or its reopening, has a page after an earlier acknowledgement. */
function unacknowledgedSince(incident: IncidentRecord): Timestamp {
  const { opened_at: openedAt, reopened_at: reopenedAt = openedAt, new_onset: onset, handling } = incident;
  if (handling?.acknowledged === undefined) return openedAt;
  return [openedAt, reopenedAt, onset?.at ?? openedAt].toSorted().at(-1) ?? openedAt;
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

const MISSING_COMMANDER: ReminderContent = {
  text: 'This incident has no commander. To take command, use "Take command" or /incident take.',
  remedies: ['take_command'],
};

function missingUpdate({ handling = {}, roles = {} }: IncidentRecord): ReminderContent {
  const since =
    handling.stakeholder_update === undefined
      ? 'the incident was opened'
      : `the last one by ${handling.stakeholder_update.by}`;
  return {
    ...recipientOf(roles),
    text: `No update since ${since}. Use "Publish update…" or /incident update: what is known, what is being done, and when the next update follows.`,
    remedies: ['publish'],
  };
}

function missingTriage(incident: IncidentRecord): ReminderContent | undefined {
  const { handling = {}, severity } = incident;
  if (!isAcknowledged(incident)) {
    const severityText = handling.triaged === undefined ? ` Also confirm the severity, which is ${severity}.` : '';
    const what = handling.acknowledged === undefined ? 'This incident' : 'The newest page of this incident';
    return {
      text: `${what} is not acknowledged yet. Use "Acknowledge" or /incident ack.${severityText}`,
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
