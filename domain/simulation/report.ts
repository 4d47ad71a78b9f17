import { code } from '../messages/markdown.ts';
import type { Comparison, IncidentDifference, PageDifference } from './compare.ts';

/** What a comparison is about, for its heading. */
export type Subject = { since: string; signals: number; notReplayed: readonly string[] };

/** Incidents in a Markdown comment, whose length GitHub limits to 65,536 characters. */
const COMMENT_INCIDENTS_MAX = 50;
const LINE_MAX_CHARS = 300;

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** Returns one line about what was compared and what differs. */
export function summaryOf({ incidents, differences }: Comparison, { since, signals }: Subject): string {
  const of = `${counted(incidents, 'incident')} with ${counted(signals, 'alert')} of the last ${since}`;
  return differences.length === 0 ? `No difference in ${of}` : `${counted(differences.length, 'difference')} in ${of}`;
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

const minute = (at: string): string => `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;

/** Formats a comparison for a terminal, one line for each part. */
export function textReport(comparison: Comparison, subject: Subject): string[] {
  const { differences, totals, pages } = comparison;
  return [
    summaryOf(comparison, subject),
    ...subject.notReplayed.map((text) => `? ${text}`),
    ...differences.flatMap((one) => [
      '',
      `${minute(one.at)}  ${nameOf(one)}`,
      ...one.changes.map((change) => `  ${change}`),
      ...one.unknown.map((text) => `  ? ${text}`),
    ]),
    ...(differences.length === 0
      ? []
      : ['', ...TOTALS.map(([title, key]) => `${title}: ${totals[key].before} before, ${totals[key].after} after`)]),
    ...(pages.length === 0 ? [] : ['', 'Pages by person and hour:', ...pages.map((one) => `  ${pageLine(one)}`)]),
  ];
}

const pageLine = ({ to, hour, before, after }: PageDifference): string =>
  `${hour.slice(0, 10)} ${hour.slice(11, 16)} UTC  ${to}: ${before} before, ${after} after`;

/** Formats a comparison as Markdown for a comment on a pull request. Text from alerts can't add markup. */
export function markdownReport(comparison: Comparison, subject: Subject): string[] {
  const { differences, totals, pages } = comparison;
  const shown = differences.slice(0, COMMENT_INCIDENTS_MAX);
  const line = (text: string): string =>
    code(text.length <= LINE_MAX_CHARS ? text : `${text.slice(0, LINE_MAX_CHARS).toWellFormed()}…`);
  // A vertical line ends a cell, even in code.
  const cell = (text: string): string => line(text).replaceAll('|', '\\|');
  return [
    '### What this policy would have done',
    '',
    `${summaryOf(comparison, subject)}.`,
    ...(subject.notReplayed.length === 0 ? [] : ['', ...subject.notReplayed.map((text) => `- ${text}`)]),
    ...(differences.length === 0
      ? []
      : [
          '',
          '| | before | after |',
          '| --- | --: | --: |',
          ...TOTALS.map(([title, key]) => `| ${title} | ${totals[key].before} | ${totals[key].after} |`),
        ]),
    ...shown.flatMap((one) => [
      '',
      `**${line(nameOf(one))}** (${minute(one.at)})`,
      '',
      ...one.changes.map((change) => `- ${line(change)}`),
      ...one.unknown.map((text) => `- ${line(text)}`),
    ]),
    ...(shown.length === differences.length
      ? []
      : [
          '',
          `${counted(differences.length - shown.length, 'more incident')}: run \`firebreak simulate\` to see them.`,
        ]),
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
