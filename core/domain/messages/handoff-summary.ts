import { EFFECT_NAMES } from './incident-lines.ts';
import { alertLines } from './alert-lines.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { restoreSeconds } from '../incidents/figures.ts';
import { duration } from '../reports/words.ts';
import { ageText } from '../time/age.ts';
import { decisionLines, linesOf } from './decision-lines.ts';
import { laterStart } from '../incidents/new-onset.ts';
import { statusWords } from '../incidents/status-words.ts';
import { incidentLines, nextStep } from './incident-lines.ts';
import type { ChatMessage, ChatPart, Text } from './chat-message.ts';
import type { TimelineEntry } from '../../../schemas/incidents/incident.ts';
import { plainOf } from './plain-text.ts';
import { placedTitle } from './place-names.ts';
import type { Overview } from './story.ts';

/** Handoff summary for people who join an incident, ordered by what they need first. Pure, like the cards. */

const ACTIONS_SHOWN_MAX = 6;
const NOTES_SHOWN_MAX = 3;
const ALERTS_SHOWN_MAX = 3;

/** Kinds of timeline entries about actions by people and automation, except alerts and requests. */
const ACTION_KINDS =
  /^(rollback\.started|mitigation\.(succeeded|failed|gave_up)|verification\.|runbook\.|flag\.|scale\.|restart\.|http\.|decision\.(approved|rejected)|automation\.(paused|resumed|aborted|marked_wrong)|incident\.(changed|recovered|failing_again)|suspect\.|role\.|command\.|statuspage\.published)/;

/** Kinds of timeline entries written by people. They are limited separately, so that they do not displace actions. */
const NOTE_KINDS = /^(incident\.(update|declared)|page\.(update|note)|note)/;

const listPart = (title: string, rows: readonly Text[]): ChatPart[] =>
  rows.length === 0 ? [] : [{ kind: 'text', text: [{ bold: title }, ...rows.flatMap((row) => ['\n• ', ...row])] }];

/**
 * Builds the message "What happened so far" for one person.
 * @param recent timeline, newest first, as far as relevant
 */
export function handoffSummary(story: Overview, recent: readonly TimelineEntry[], now: Timestamp): ChatMessage {
  const { incident } = story;
  const title = placedTitle(incident);
  const lines = incidentLines(story);
  const rows = (kinds: RegExp, shown: number): Text[] =>
    recent
      .filter(({ kind }) => kinds.test(kind))
      .slice(0, shown)
      .map(({ at, actor, text }): Text => [{ at }, ` ${actor}: ${text}`])
      .toReversed();
  return {
    summary: `What happened so far: ${title}, ${incident.severity}, ${statusWords(incident)}`,
    parts: [
      { kind: 'text', text: [{ bold: `What happened so far: ${title}` }, '\n', ...currentState(story, now)] },
      { kind: 'text', text: impact(story) },
      ...listPart('Actions', rows(ACTION_KINDS, ACTIONS_SHOWN_MAX)),
      ...listPart('Updates and notes', rows(NOTE_KINDS, NOTES_SHOWN_MAX)),
      ...listPart(
        'Open points',
        openPoints(story).map((point) => [point]),
      ),
      { kind: 'text', text: [{ bold: 'Next step' }, `\n${linesOf(lines).join('\n')}`] },
      ...listPart(
        'Details',
        lines.details.map((detail) => [detail]),
      ),
    ],
  };
}

const currentStateText = (story: Overview, now: Timestamp): string => plainOf(currentState(story, now));

function currentState({ incident }: Overview, now: Timestamp): Text {
  const { opened_at, resolved_at, severity, roles } = incident;
  const restored = restoreSeconds(incident);
  const commander = `commander: ${roles?.commander?.shown ?? 'unassigned'}`;
  const when =
    resolved_at === null
      ? `${ageText(secondsBetween(opened_at, now))} so far`
      : restored === null
        ? 'end not known'
        : `restored after ${duration(restored)}`;
  const later = laterStart(incident);
  const laterText: Text = later === undefined ? [] : [', present problem since ', { at: later }];
  return [
    `${severity}, ${statusWords(incident)}, opened `,
    { at: opened_at },
    ...laterText,
    ` (${when}); ${commander}`,
  ];
}

const impact = (story: Overview): Text => [{ bold: 'Impact' }, `\n${impactWords(story)}`];

function impactWords({ incident, signals, children, childCount, group }: Overview): string {
  if (incident.group_reason !== undefined) {
    const named = children.map(({ service }) => service).slice(0, ALERTS_SHOWN_MAX);
    return `${childCount} incidents at the same time: ${named.join(', ')}. ${group?.words ?? incident.group_reason.text}`;
  }
  const names = [...new Set(signals.filter(({ status }) => status === 'firing').map(({ title }) => title))];
  const { rows, countText } = alertLines({ incident, signals });
  const firing = rows.filter(({ state }) => state === 'firing').length === 0 ? Math.max(incident.firing, 0) : 1;
  const which = names.length === 0 ? '' : `: ${names.slice(0, ALERTS_SHOWN_MAX).join('; ')}`;
  return `${firing === 0 ? 'No alerts are firing' : `Alerts: ${countText}`}${which}`;
}

/** Returns the waiting decisions except the newest one, which is the next step, and the actions in progress. */
function openPoints({ incident, decisions, effects }: Overview): string[] {
  const waiting = decisions.filter(({ state }) => state === 'waiting').slice(0, -1);
  const running = effects
    .filter(({ state, resource }) => resource !== undefined && (state === 'intended' || state === 'accepted'))
    .map(({ kind, detail }) => `In progress: ${EFFECT_NAMES[kind]}, ${detail}`);
  const paused = incident.automation_paused ? ['The automation of this incident is paused'] : [];
  return [...waiting.map((decision) => decisionLines(decision, incident).action), ...running, ...paused];
}

/** Returns the summary in a few sentences for a handover of command; it is added to the timeline. */
export function handoffText(story: Overview, recent: readonly TimelineEntry[], now: Timestamp): string {
  const last = (kinds: RegExp): string | undefined => recent.find(({ kind }) => kinds.test(kind))?.text;
  const [lastAction, shown] = [last(ACTION_KINDS), last(NOTE_KINDS)];
  return [
    `${currentStateText(story, now)}.`,
    `${impactWords(story)}.`,
    ...(lastAction === undefined ? [] : [`Last action: ${lastAction}.`]),
    ...(shown === undefined ? [] : [`Last update or note: ${shown}.`]),
    ...openPoints(story).map((point) => `Open point: ${point}.`),
    `Next step: ${nextStep(story)}`,
  ]
    .join(' ')
    .replaceAll('..', '.');
}
