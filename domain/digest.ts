import type { Config } from '../schemas/config.ts';
import type { IncidentRecord } from '../schemas/incident.ts';
import { isFrom } from '../schemas/names.ts';
import type { Stakeholder } from '../schemas/stakeholders.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../schemas/time.ts';
import { decisionWords, statusWords } from './incident-card.ts';
import { type ChatMessage, type ChatPart, type Span, type Text, utcWords } from './outlets.ts';
import { minuteOf, placeOf, type Story } from './story.ts';

/** What a receiver was told last of an incident, or is being told. */
export type ToldBefore = {
  /** All that they are told of at once when it changes. */
  about: string;
  at: Timestamp;
  /** They have heard of this incident. */
  heard: boolean;
  /** The receiver was refused: this is not told to them again, only news is. */
  refused?: true | undefined;
  /** It was not taken, so often in a row, and is not tried again before then. */
  again?: { at: Timestamp; tries: number } | undefined;
};

/** How receivers are told: each may be down while the others are not. */
export const TELLING_WAYS = ['mail', 'slack'] as const;
export type TellingWay = (typeof TELLING_WAYS)[number];

/** Nobody was told that way, so often in a row, and nobody is before `until`. */
export type TellingPause = { tries: number; until: Timestamp; detail: string };

/** What is worth telling by itself. */
export const aboutOf = ({ status, severity, care }: IncidentRecord): string =>
  JSON.stringify([status, severity, care?.told?.at ?? null]);

type Asked = {
  services: Config['services'];
  now: Timestamp;
  /** How much faster our own pauses go. */ timeScale: number;
  /** Of a parent: what is part of it. */
  parts?: readonly Pick<IncidentRecord, 'service'>[];
  /** Of a part: they have heard of its parent, which they hear of from then on. */
  heardOfParent?: boolean;
};

/** Whether it is time to tell them. Whoever has never heard of an incident does not hear that it is over. */
export function isDue(
  incident: IncidentRecord,
  stakeholder: Stakeholder,
  before: ToldBefore | undefined,
  { services, now, timeScale, parts = [], heardOfParent = false }: Asked,
): boolean {
  // The parent is told of; who has not heard of that in time hears at least that what they know of is over.
  if (incident.parent_id !== undefined && (incident.status !== 'resolved' || heardOfParent)) return false;
  if (before?.again !== undefined && now < before.again.at) return false;
  const isNews = before?.about !== aboutOf(incident);
  if (before === undefined || !before.heard)
    return (
      isNews &&
      incident.status !== 'resolved' &&
      [incident, ...parts].some(({ service }) =>
        concerns({ severity: incident.severity, service }, stakeholder, services),
      )
    );
  if (isNews) return true;
  if (incident.status === 'resolved' || stakeholder.everyMinutes === 'changes' || before.refused) return false;
  return secondsBetween(before.at, now) >= (stakeholder.everyMinutes * 60) / timeScale;
}

/** They are told this now. It counts as heard at once: whoever dies meanwhile is not to tell it again and again. */
export const telling = (incident: IncidentRecord, now: Timestamp): ToldBefore => ({
  about: aboutOf(incident),
  at: now,
  heard: true,
});

/** It was certainly not told: all is as it was. */
export const notTold = (before: ToldBefore | undefined, now: Timestamp): ToldBefore =>
  before ?? { about: '', at: now, heard: false };

/** It will never be told, as there is no such receiver. */
export const neverTold = (now: ToldBefore, before: ToldBefore | undefined): ToldBefore => ({
  ...now,
  heard: before?.heard ?? false,
  refused: true,
});

/** Minutes until the second try, and until the last ones: each waits twice as long as the one before. */
const AGAIN_MINUTES = { first: 1, longest: 30 };

/** It was not taken, which may have passed by then. */
export const toldLater = (
  before: ToldBefore | undefined,
  { now, timeScale }: Pick<Asked, 'now' | 'timeScale'>,
): ToldBefore => {
  const tries = (before?.again?.tries ?? 0) + 1;
  const minutes = Math.min(AGAIN_MINUTES.first * 2 ** (tries - 1), AGAIN_MINUTES.longest);
  return { ...notTold(before, now), again: { at: plusSeconds(now, (minutes * 60) / timeScale), tries } };
};

function concerns(
  { severity, service }: Pick<IncidentRecord, 'severity' | 'service'>,
  stakeholder: Stakeholder,
  services: Config['services'],
): boolean {
  if (!isFrom(stakeholder.from, severity)) return false;
  if (stakeholder.services?.includes(service) === false) return false;
  const team = Object.hasOwn(services, service) ? services[service]?.team : undefined;
  return stakeholder.teams === undefined || (team !== undefined && stakeholder.teams.includes(team));
}

/** How it stands, for people who do not work on it: what is broken, since when, what is done, and who leads. */
export function digestOf({ incident, effects, decisions, children, childCount }: Story): ChatMessage {
  const { severity, opened_at, resolved_at, roles, care } = incident;
  const title = `${placeOf(incident)}: ${incident.title}`;
  const words = statusWords(incident);
  const would = decisions.findLast((decision) => decision.would !== undefined);
  const done = effects.filter(({ kind, state }) => kind === 'roll-back' && state === 'succeeded');
  return {
    summary: `${resolved_at === null ? '' : 'Over: '}${title} (${severity}, ${words})`,
    parts: [
      { kind: 'header', text: title },
      {
        kind: 'fields',
        fields: [
          { name: 'Status', value: [words] },
          { name: 'Severity', value: [severity] },
          { name: 'Since', value: [minuteOf(opened_at)] },
          ...(resolved_at === null ? [] : [{ name: 'Over since', value: [minuteOf(resolved_at)] }]),
          { name: 'In command', value: [roles?.commander?.shown ?? 'nobody yet'] },
        ],
      },
      ...(care?.told?.text === undefined
        ? []
        : [
            {
              kind: 'text' as const,
              text: [{ bold: `Latest update, ${minuteOf(care.told.at)}` }, `\n${care.told.text}`],
            },
          ]),
      ...partsOf(children, childCount),
      ...(done.length === 0
        ? []
        : [
            {
              kind: 'text' as const,
              text: [{ bold: 'What was done' }, ...done.map(({ detail, at }) => `\n${minuteOf(at)}: ${detail}`)],
            },
          ]),
      ...(would === undefined
        ? []
        : [
            { kind: 'text' as const, text: [{ bold: 'What automation would have done' }, `\n${decisionWords(would)}`] },
          ]),
      { kind: 'note', text: [`Incident ${incident.id}`] },
    ],
  };
}

const PARTS_SHOWN = 20;

/** Who has heard of one of them finds it here. */
function partsOf(children: Story['children'], count: number): ChatPart[] {
  if (children.length === 0) return [];
  const rows = children
    .slice(0, PARTS_SHOWN)
    .map(({ service, environment, title, status }) => `\n${service} ${environment}: ${title} (${status})`);
  const more = count - rows.length;
  return [
    {
      kind: 'text',
      text: [{ bold: 'What belongs to it' }, ...rows, ...(more > 0 ? [`\nand ${more} more`] : [])],
    },
  ];
}

/** Minutes that a way is left in peace after the first failure, and at most: each time twice as long as before. */
const PAUSE_MINUTES = { first: 1, longest: 5 };

/** @param afterSeconds how long the other side wants to be left in peace; null: it does not say */
export function pauseAfter(
  before: TellingPause | undefined,
  { detail, afterSeconds }: { detail: string; afterSeconds: number | null },
  { now, timeScale }: Pick<Asked, 'now' | 'timeScale'>,
): TellingPause {
  const tries = (before?.tries ?? 0) + 1;
  const minutes = Math.min(PAUSE_MINUTES.first * 2 ** (tries - 1), PAUSE_MINUTES.longest);
  return { tries, until: plusSeconds(now, Math.max((minutes * 60) / timeScale, afterSeconds ?? 0)), detail };
}

/** A message as plain text, for letters. */
export const letterOf = ({ parts }: ChatMessage): string => `${parts.map(paragraph).filter(Boolean).join('\n\n')}\n`;

function paragraph(part: ChatPart): string {
  switch (part.kind) {
    case 'header':
      return `${part.text}\n${'='.repeat(Math.min([...part.text].length, 72))}`;
    case 'fields':
      return part.fields.map(({ name, value }) => `${name}: ${plainOf(value)}`).join('\n');
    case 'text':
    case 'note':
      return plainOf(part.text);
    case 'line':
      return '-'.repeat(8);
    case 'buttons':
      return '';
  }
}

const plainOf = (text: Text): string => text.map(plainSpan).join('').trim();

function plainSpan(span: Span): string {
  if (typeof span === 'string') return span;
  if ('bold' in span) return span.bold;
  if ('code' in span) return span.code;
  if ('at' in span) return utcWords(span);
  if ('link' in span) return `${span.text} <${span.link}>`;
  if ('channel' in span) return `#${span.channel}`;
  return `@${'user' in span ? span.user : span.group}`;
}
