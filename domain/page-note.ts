import { detailsOf } from './page-details.ts';
import type { Story } from './story.ts';

/** What somebody has to act on comes first: a long note is cut at its end. */
const FIRST = ['question', 'suspects', 'automation', 'next_step', 'problem', 'since', 'status'];

/** Beside the first line, which names the incident. */
const LABELS: Readonly<Record<string, string>> = { api: 'As it stands now' };

/** A note for the pager's incident: what Firebreak knows now, as plain text. */
export function pageNote(story: Story): string {
  const { id, service, environment, severity, title, unmatched } = story.incident;
  const details = detailsOf(story, null);
  const names = [...FIRST, ...Object.keys(details).filter((name) => !FIRST.includes(name))];
  return [
    `Firebreak follows this as incident ${id}: ${unmatched || service} ${environment}, ${severity}: ${title}`,
    '',
    ...names.flatMap((name) => {
      const value = details[name];
      if (value === undefined) return [];
      const label = LABELS[name] ?? labelOf(name);
      return typeof value === 'string' ? [`${label}: ${value}`] : [`${label}:`, ...value.map((one) => `- ${one}`)];
    }),
  ].join('\n');
}

const labelOf = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1).replaceAll('_', ' ')}`;
