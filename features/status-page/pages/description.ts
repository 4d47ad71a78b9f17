import * as z from 'zod';
import { problems } from '../../../entrances/http/endpoint.ts';
import type { Api } from '../../../entrances/http/endpoint.ts';

/** Files of Statuspage's public API, below `/status/api/v2/`. */
export const API_FILES = [
  'summary.json',
  'status.json',
  'components.json',
  'incidents.json',
  'incidents/unresolved.json',
  'scheduled-maintenances.json',
  'scheduled-maintenances/upcoming.json',
  'scheduled-maintenances/active.json',
] as const;

const File = z.looseObject({
  page: z.looseObject({
    id: z.string(),
    name: z.string(),
    url: z.string(),
    time_zone: z.string(),
    updated_at: z.string(),
  }),
});

const Page = z.object({
  page: z.string().max(64).meta({ description: 'The name of a page in status-page.yaml, other than main' }),
});

const text = (type: string) => ({ [type]: { schema: z.string() } });
const json = { 'application/json': { schema: File } };

/** Paths after `/status` or `/status/{page}`, with what they answer. */
const FILES: readonly (readonly [path: string, summary: string, content: Record<string, { schema: z.ZodType }>])[] = [
  ['', 'Show the public status page', text('text/html')],
  ['.json', 'Get the status page with the uptime of its components', json],
  ['.rss', 'Get incidents and maintenances as RSS', text('application/rss+xml')],
  ['.atom', 'Get incidents and maintenances as Atom', text('application/atom+xml')],
  ['.svg', 'Get a badge with the state of the page', text('image/svg+xml')],
  ...API_FILES.map((name) => [`/api/v2/${name}`, `Get ${name} of Statuspage's public API`, json] as const),
];

/** Describes the public status pages, which another function answers. They need no token. */
export function describeStatusPages(app: Api): void {
  for (const prefix of ['/status', '/status/{page}'])
    for (const [path, summary, content] of FILES)
      app.openAPIRegistry.registerPath({
        method: 'get',
        path: `${prefix}${path}`,
        tags: ['status page'],
        summary: prefix === '/status' ? summary : `${summary}, for another page`,
        ...(prefix !== '/status' && { request: { params: Page } }),
        responses: {
          200: { description: 'The current state', content },
          ...(prefix !== '/status' && { 404: problems('There is no such page') }),
        },
      });
}
