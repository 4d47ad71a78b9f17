import { incidentName } from '../incidents/incident-number.ts';
import { pageDetailsOf } from './page-details.ts';
import type { Overview } from '../messages/story.ts';
import type { ApprovalUrls } from '../incidents/approval-link.ts';

/** Details in order of importance for the responder: a long note is truncated at the end. */
const FIRST_DETAILS = [
  'next_step',
  'evidence',
  'why_not_automatic',
  'answer',
  'approve_or_reject',
  'suspects',
  'problem',
  'since',
  'status',
];

/** Labels of details, in addition to the first line, which names the incident. */
const LABELS: Readonly<Record<string, string>> = { api: 'Current state' };

/** Builds a plain-text note for the pager's incident with the current details. */
export function pageNote(story: Overview, urls?: ApprovalUrls): string {
  const { service, environment, severity, title, unmatched } = story.incident;
  const details = pageDetailsOf(story, null, urls);
  const names = [...FIRST_DETAILS, ...Object.keys(details).filter((name) => !FIRST_DETAILS.includes(name))];
  return [
    `Firebreak tracks this as ${incidentName(story.incident)}: ${unmatched || service} ${environment}, ${severity}: ${title}`,
    '',
    ...names.flatMap((name) => {
      const value = details[name];
      if (value === undefined) return [];
      const label = LABELS[name] ?? labelOf(name);
      return typeof value === 'string' ? [`${label}: ${value}`] : [`${label}:`, ...value.map((line) => `- ${line}`)];
    }),
  ].join('\n');
}

const labelOf = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1).replaceAll('_', ' ')}`;
