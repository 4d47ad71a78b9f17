import { IncidentDetails } from '../../schemas/incidents/incident-details.ts';
import * as z from 'zod';
import { numberNamed } from '../../core/domain/incidents/incident-number.ts';
import { nearest, suggestionText } from '../../schemas/parsing/similar-names.ts';
import { type IncidentStatus, IncidentView } from '../../schemas/incidents/incident.ts';
import { IncidentId } from '../../schemas/config/names.ts';
import { type Client, itemsOfAllPages, queryOf } from './client.ts';
import { oneLine } from './table.ts';
import { UsageError, CommandFailure } from './command-context.ts';

const Page = z.object({ items: z.array(IncidentView), next_cursor: z.string().nullable() });

const NOT_RESOLVED: readonly IncidentStatus[] = ['open', 'mitigating', 'mitigated'];
const PAGE_ITEMS = 100;
/** How many of the newest incidents are searched for a resolved one. */
const SEARCHED_MAX = 300;
const LISTED_MAX = 10;

/** Shorter endings of an id are as likely a typing error. */
const ID_END_MIN = 4;

/** The argument that names an incident. */
export const INCIDENT = [
  '<incident>',
  'INC- and its number, channel (incident-2611201 or 2611201), id, or last characters of the id',
] as const;

/** Returns the number of an incident, such as `INC-42`; without one, its Slack channel without `#`, or the end of its id. */
export const shortName = ({ number, channel, id }: Pick<IncidentView, 'number' | 'channel' | 'id'>): string =>
  number === null ? (channel?.replace(/^#/, '') ?? id.slice(-6)) : `INC-${number}`;

export const pathOf = (id: string): string => `/v1/incidents/${encodeURIComponent(id)}`;

/**
 * Reads an incident by its number as in `INC-42`, its id, the end of its id, or its channel with or without `#` and `incident-`. Unresolved incidents
 * take precedence.
 *
 * @throws CommandFailure if no incident has this name; UsageError if several have it
 */
export async function incidentNamed(client: Client, text: string): Promise<IncidentDetails> {
  const number = numberNamed(text.replace(/^#/, ''));
  if (number !== undefined) return client.get(pathOf(`INC-${number}`), IncidentDetails);
  const id = IncidentId.safeParse(text.toUpperCase());
  if (id.success) return client.get(pathOf(id.data), IncidentDetails);
  const open = await openIncidents(client);
  const found = onlyMatch(text, open) ?? onlyMatch(text, await newestIncidents(client));
  // The list is eventually consistent and can lag behind the incident itself.
  if (found !== undefined) return client.get(pathOf(found.id), IncidentDetails);
  const names = open.flatMap((incident) => [shortName(incident), incident.channel?.slice(1) ?? []].flat());
  const near = nearest(text.replace(/^#/, ''), names);
  throw new CommandFailure(
    [
      `incident ${JSON.stringify(text)} not found${suggestionText(near)}`,
      ...(open.length === 0 ? ['No incident is open.'] : ['Open incidents:', ...incidentLines(open)]),
    ].join('\n'),
  );
}

/** What a list is limited to. */
export type RequestedScope = { service?: string; environment?: string };

/** Returns unresolved incidents, newest first. */
export async function openIncidents(client: Client, scope: RequestedScope = {}): Promise<IncidentView[]> {
  const pages = await Promise.all(
    NOT_RESOLVED.map((status) => client.get(`/v1/incidents${queryOf({ status, ...scope, limit: PAGE_ITEMS })}`, Page)),
  );
  return pages.flatMap(({ items }) => items).toSorted((a, b) => (a.id < b.id ? 1 : -1));
}

const newestIncidents = (client: Client): Promise<IncidentView[]> =>
  itemsOfAllPages((cursor) => client.get(`/v1/incidents${queryOf({ limit: PAGE_ITEMS, cursor })}`, Page), SEARCHED_MAX);

function onlyMatch(text: string, incidents: readonly IncidentView[]): IncidentView | undefined {
  const name = text.replace(/^#/, '').toLowerCase();
  const [first, ...others] = incidents.filter(
    ({ channel, id }) =>
      channel === `#${name}` ||
      channel === `#incident-${name}` ||
      (name.length >= ID_END_MIN && id.toLowerCase().endsWith(name)),
  );
  if (others.length > 0 && first !== undefined)
    throw new UsageError(
      [`${JSON.stringify(text)} matches several incidents:`, ...incidentLines([first, ...others])].join('\n'),
    );
  return first;
}

const incidentLines = (incidents: readonly IncidentView[]): string[] => [
  ...incidents
    .slice(0, LISTED_MAX)
    .map((incident) =>
      oneLine(`  ${shortName(incident)}  ${incident.service}/${incident.environment}  ${incident.title}`),
    ),
  ...(incidents.length > LISTED_MAX ? [`  and ${incidents.length - LISTED_MAX} more`] : []),
];
