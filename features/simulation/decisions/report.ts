import { code } from '../../../core/domain/messages/markdown.ts';
import { counted } from '../../../core/domain/reports/words.ts';
import type { CalendarComparison, CalendarDifference } from './calendar.ts';
import { type Comparison, durationText, type IncidentDifference, type PageDifference } from './compare.ts';
import { CAUSES, type ObjectiveComparison, type ObjectiveDifference } from './objectives/compare-freezes.ts';
import { minuteText, secondsBetween } from '../../../schemas/time/time.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

/** What a comparison is about, for its heading. */
export type Subject = {
  since: string;
  signals: number;
  notReplayed: readonly string[];
  calendar: CalendarComparison;
  objectives: ObjectiveComparison;
};

/** Incidents in a Markdown comment, whose length GitHub limits to 65,536 characters. */
const COMMENT_INCIDENTS_MAX = 50;
const LINE_MAX_CHARS = 300;

/** Returns one line about what was compared and what differs. */
export function summaryOf(
  { incidents, differences }: Comparison,
  { since, signals, calendar, objectives }: Subject,
): string {
  const scope = `${counted(incidents, 'incident')} with ${counted(signals, 'alert')} of the last ${since}`;
  const known = differences.length === 0 ? 'No difference' : counted(differences.length, 'difference');
  const more = (found: readonly unknown[], what: string): string =>
    found.length === 0 ? '' : `, ${counted(found.length, 'difference')} in freezes by ${what}`;
  return `${known} in ${scope}${more(calendar.differences, 'the calendar')}${more(objectives.differences, 'budgets and burn rates')}`;
}

const TOTALS = [
  ['incidents opened', 'opened'],
  ['rolled back automatically', 'acted'],
  ['asked for approval', 'asked'],
  ['pages', 'pages'],
  ['freezes by incidents', 'freezes'],
] as const;

const nameOf = ({ id, service, environment, title }: IncidentDifference): string =>
  `${id ?? 'new incident'}: ${service} ${environment}: ${title}`;

/** Describes what differs for a freeze of the calendar. */
function calendarLine({ name, scope, from, before, after }: CalendarDifference): string {
  const length = (until: typeof from): string => durationText(secondsBetween(from, until));
  const what = `${scope} from ${minuteText(from)}`;
  if (after === null) return `no longer freezes ${what} (${name})`;
  return `freezes ${what}, for ${length(after)}${before === null ? '' : ` instead of ${length(before)}`} (${name})`;
}

/** Freezes that are listed in each section; the others are counted. */
const LISTED_MAX = 20;

/** Lists what differs, and the totals. Empty: nothing differs. */
function calendarLines({ differences, before, after }: CalendarComparison): string[] {
  if (differences.length === 0) return [];
  const more = differences.length - LISTED_MAX;
  return [
    ...differences.slice(0, LISTED_MAX).map(calendarLine),
    ...(more > 0 ? [counted(more, 'more difference')] : []),
    `freezes by the calendar: ${before.freezes} before (${durationText(before.seconds)}), ${after.freezes} after (${durationText(after.seconds)})`,
  ];
}

/** Describes what differs for a freeze by an objective. */
function objectiveLine({ slo, service, environment, cause, before, after, incidents }: ObjectiveDifference): string {
  const timesText = ({ from, until }: NonNullable<typeof before>): string =>
    `from ${minuteText(from)}, ${until === null ? 'and is still in force' : `for ${durationText(secondsBetween(from, until))}`}`;
  const what = `deploys of ${service} in ${environment} by ${CAUSES[cause]} of ${slo}`;
  const more = incidents.length > NAMED_MAX ? ` and ${incidents.length - NAMED_MAX} more` : '';
  const during = incidents.length === 0 ? '' : ` (during ${incidents.slice(0, NAMED_MAX).join(', ')}${more})`;
  if (after === null) return `no longer freezes ${what}${before === null ? '' : ` ${timesText(before)}`}${during}`;
  return `freezes ${what} ${timesText(after)}${before === null ? '' : ` instead of ${timesText(before)}`}${during}`;
}

/** Incidents that a line about a freeze names. */
const NAMED_MAX = 3;

function objectiveLines({ objectives: { differences, before, after } }: Subject): string[] {
  if (differences.length === 0) return [];
  const more = differences.length - LISTED_MAX;
  return [
    ...differences.slice(0, LISTED_MAX).map(objectiveLine),
    ...(more > 0 ? [counted(more, 'more difference')] : []),
    `freezes by the changed objectives: ${before.freezes} before (${durationText(before.seconds)}), ${after.freezes} after (${durationText(after.seconds)})`,
  ];
}

/** Formats a comparison for a terminal, one line for each part. */
export function textReport(comparison: Comparison, subject: Subject): string[] {
  const { differences, totals, pages } = comparison;
  return [
    summaryOf(comparison, subject),
    ...subject.notReplayed.map((text) => `? ${text}`),
    ...differences.flatMap((difference) => [
      '',
      `${minuteText(difference.at)}  ${nameOf(difference)}`,
      ...difference.changes.map((change) => `  ${change}`),
      ...difference.unknown.map((text) => `  ? ${text}`),
    ]),
    ...(differences.length === 0
      ? []
      : ['', ...TOTALS.map(([title, key]) => `${title}: ${totals[key].before} before, ${totals[key].after} after`)]),
    ...(calendarLines(subject.calendar).length === 0
      ? []
      : ['', 'Freezes by the calendar:', ...calendarLines(subject.calendar).map((text) => `  ${text}`)]),
    ...(objectiveLines(subject).length === 0
      ? []
      : ['', 'Freezes by budgets and burn rates:', ...objectiveLines(subject).map((text) => `  ${text}`)]),
    ...(pages.length === 0 ? [] : ['', 'Pages by person and hour:', ...pages.map((page) => `  ${pageLine(page)}`)]),
  ];
}

const pageLine = ({ to, hour, before, after }: PageDifference): string =>
  `${minuteText(hour)}  ${to}: ${before} before, ${after} after`;

/** Formats a comparison as Markdown for a comment on a pull request. Text from alerts can't add markup. */
export function markdownReport(comparison: Comparison, subject: Subject): string[] {
  const { differences, totals, pages } = comparison;
  const shown = differences.slice(0, COMMENT_INCIDENTS_MAX);
  const line = (text: string): string => code(truncated(text, LINE_MAX_CHARS));
  // A vertical line ends a cell, even in code.
  const cell = (text: string): string => line(text).replaceAll('|', '\\|');
  return [
    '### What this policy would have done',
    '',
    `${summaryOf(comparison, subject)}.`,
    ...(subject.notReplayed.length === 0 ? [] : ['', ...subject.notReplayed.map((text) => `- ${line(text)}`)]),
    ...(differences.length === 0
      ? []
      : [
          '',
          '| | before | after |',
          '| --- | --: | --: |',
          ...TOTALS.map(([title, key]) => `| ${title} | ${totals[key].before} | ${totals[key].after} |`),
        ]),
    ...shown.flatMap((difference) => [
      '',
      `**${line(nameOf(difference))}** (${minuteText(difference.at)})`,
      '',
      ...difference.changes.map((change) => `- ${line(change)}`),
      ...difference.unknown.map((text) => `- ${line(text)}`),
    ]),
    ...(shown.length === differences.length
      ? []
      : [
          '',
          `${counted(differences.length - shown.length, 'more incident')}: run \`firebreak simulate\` to see them.`,
        ]),
    ...(calendarLines(subject.calendar).length === 0
      ? []
      : ['', '**Freezes by the calendar**', '', ...calendarLines(subject.calendar).map((text) => `- ${line(text)}`)]),
    ...(objectiveLines(subject).length === 0
      ? []
      : ['', '**Freezes by budgets and burn rates**', '', ...objectiveLines(subject).map((text) => `- ${line(text)}`)]),
    ...(pages.length === 0
      ? []
      : [
          '',
          '| hour (UTC) | who | pages before | after |',
          '| --- | --- | --: | --: |',
          ...pages
            .slice(0, COMMENT_INCIDENTS_MAX)
            .map(
              ({ to, hour, before, after }) =>
                `| ${hour.slice(0, 10)} ${hour.slice(11, 16)} | ${cell(to)} | ${before} | ${after} |`,
            ),
        ]),
  ];
}
