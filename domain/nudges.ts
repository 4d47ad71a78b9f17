import type { IncidentRecord } from '../schemas/incident.ts';
import { isFrom } from '../schemas/names.ts';
import type { Care, NudgeKind, RoleHolder, Roles } from '../schemas/response-roles.ts';
import { secondsBetween, type Timestamp } from '../schemas/time.ts';
import type { Triage } from '../schemas/triage.ts';
import { isHeard } from './heard.ts';
import type { Remedy } from './remedies.ts';

/** A reminder that is due, as it is written on the timeline, and as it is remembered. */
export type Nudge = {
  kind: NudgeKind;
  text: string;
  /** Ids of users of Slack who are to be told by name. */
  mention: readonly string[];
  /** Somebody who is to be told, and has no such id here: the chat may know them. Null: nobody. */
  to: Pick<RoleHolder, 'name' | 'shown'> | null;
  /** What can be pressed about it. */
  asks: readonly Remedy[];
  nudged: NonNullable<Care['nudged']>;
};

type Policy = { triage: Triage; /** How much faster our own pauses go. */ timeScale: number };

/**
 * What people have to be reminded of, one thing at a time: the first of what comes first. Of several incidents that
 * belong together the parent is reminded of.
 */
export function nudgeFor(incident: IncidentRecord, { triage, timeScale }: Policy, now: Timestamp): Nudge | undefined {
  const { status, severity, parent_id, care = {}, roles = {} } = incident;
  if (status === 'resolved' || parent_id !== undefined) return undefined;
  if (!isFrom(triage.from, severity)) return undefined;
  const due = (kind: NudgeKind, minutes: number | 'off', since: Timestamp): boolean => {
    if (minutes === 'off') return false;
    const before = care.nudged?.[kind];
    const isSame = before !== undefined && before.at > since;
    if (isSame && before.times >= triage.times) return false;
    return secondsBetween(isSame ? before.at : since, now) >= (minutes * 60) / timeScale;
  };
  const nudge = (kind: NudgeKind, since: Timestamp, { text, asks, mention = [], to = null }: Words): Nudge => {
    const before = care.nudged?.[kind];
    const times = before !== undefined && before.at > since ? before.times + 1 : 1;
    return {
      kind,
      text: `${times > 1 ? `Reminder ${times}: ` : ''}${to === null ? '' : `${to.shown}: `}${text}`,
      mention,
      to,
      asks,
      nudged: { ...care.nudged, [kind]: { at: now, times } },
    };
  };
  const opened = incident.opened_at;
  // What helps already can wait until somebody has slept.
  const leads = status === 'open' || status === 'mitigating';
  const missing = missingOf(incident);
  if (leads && missing !== undefined && due('triage', triage.acknowledgeMinutes, opened))
    return nudge('triage', opened, missing);
  if (leads && roles.commander === undefined && due('commander', triage.commanderMinutes, opened))
    return nudge('commander', opened, {
      text: 'Nobody is in command: whoever takes it says so with "Take command" or /incident take',
      asks: ['take_command'],
    });
  const told = care.told?.at ?? opened;
  if (!due('update', triage.updateMinutes, told)) return undefined;
  const since = care.told === undefined ? 'it began' : `the last one, by ${care.told.by}`;
  return nudge('update', told, {
    ...tellerOf(roles),
    text: `No update since ${since}: what is known, what is being done, when is the next one? /incident update …`,
    asks: ['publish'],
  });
}

type Words = Pick<Nudge, 'text' | 'asks'> & Partial<Pick<Nudge, 'mention' | 'to'>>;

/** Who is to say how it goes. Whom nobody can tell in the chat, or not yet, is named in words. */
function tellerOf({ communications, commander }: Roles): Partial<Pick<Nudge, 'mention' | 'to'>> {
  const teller = communications ?? commander;
  if (teller === undefined) return {};
  return teller.slack === null ? { to: { name: teller.name, shown: teller.shown } } : { mention: [teller.slack] };
}

function missingOf(incident: IncidentRecord): Words | undefined {
  const { care = {}, severity } = incident;
  if (!isHeard(incident)) {
    const and = care.triaged === undefined ? `; and is it ${severity}?` : '';
    return {
      text: `Nobody has said yet that they see to it: "I see to it" or /incident ack${and}`,
      asks: care.triaged === undefined ? ['acknowledge', 'severity'] : ['acknowledge'],
    };
  }
  if (care.triaged === undefined)
    return {
      text: `Is it ${severity}? Nobody has said so: "Severity…" or /incident severity ${severity}`,
      asks: ['severity'],
    };
  return undefined;
}
