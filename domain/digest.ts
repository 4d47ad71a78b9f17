import type { Config } from '../schemas/config.ts';
import type { IncidentRecord } from '../schemas/incident.ts';
import { isFrom } from '../schemas/names.ts';
import type { Stakeholder } from '../schemas/stakeholders.ts';
import { secondsBetween, type Timestamp } from '../schemas/time.ts';
import { statusWords } from './incident-card.ts';
import type { ChatMessage, ChatPart, Span, Text } from './outlets.ts';
import { minuteOf, placeOf, type Story } from './story.ts';

/** What a stakeholder was told last of an incident. `about`: all that they are told of at once when it changes. */
export type ToldBefore = { about: string; at: Timestamp };

/** What is worth telling by itself. */
export const aboutOf = ({ status, severity, care }: IncidentRecord): string =>
  JSON.stringify([status, severity, care?.told?.at ?? null]);

type Asked = {
  services: Config['services'];
  now: Timestamp;
  /** How much faster our own pauses go. */ timeScale: number;
};

/** Whether it is time to tell them. Whoever has never heard of an incident does not hear that it is over. */
export function isDue(
  incident: IncidentRecord,
  stakeholder: Stakeholder,
  before: ToldBefore | undefined,
  { services, now, timeScale }: Asked,
): boolean {
  if (incident.parent_id !== undefined) return false; // the parent is told of
  if (before === undefined) return incident.status !== 'resolved' && concerns(incident, stakeholder, services);
  if (before.about !== aboutOf(incident)) return true;
  if (incident.status === 'resolved' || stakeholder.everyMinutes === 'changes') return false;
  return secondsBetween(before.at, now) >= (stakeholder.everyMinutes * 60) / timeScale;
}

function concerns(
  { severity, service }: IncidentRecord,
  stakeholder: Stakeholder,
  services: Config['services'],
): boolean {
  if (!isFrom(stakeholder.from, severity)) return false;
  if (stakeholder.services?.includes(service) === false) return false;
  const team = Object.hasOwn(services, service) ? services[service]?.team : undefined;
  return stakeholder.teams === undefined || (team !== undefined && stakeholder.teams.includes(team));
}

/** How it stands, for people who do not work on it: what is broken, since when, what is done, and who leads. */
export function digestOf({ incident, effects }: Story): ChatMessage {
  const { severity, opened_at, resolved_at, roles, care } = incident;
  const title = `${placeOf(incident)}: ${incident.title}`;
  const words = statusWords(incident);
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
              text: [{ bold: 'Latest update' }, `\n${care.told.text}`],
            },
          ]),
      ...(done.length === 0
        ? []
        : [
            {
              kind: 'text' as const,
              text: [{ bold: 'What was done' }, ...done.map(({ detail, at }) => `\n${minuteOf(at)}: ${detail}`)],
            },
          ]),
      { kind: 'note', text: [`Incident ${incident.id}`] },
    ],
  };
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
  if ('link' in span) return `${span.text} <${span.link}>`;
  if ('channel' in span) return `#${span.channel}`;
  return `@${'user' in span ? span.user : span.group}`;
}
