/**
 * Writes config/schemas/*.json, by which editors complete and check the files of the configuration:
 *   node scripts/config-schemas.ts
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { PagingFile, ServicesFile } from '../schemas/config.ts';
import { FreezeFile } from '../schemas/freeze-policy.ts';
import { PeopleFile } from '../schemas/people.ts';
import { SlackFile, StatusPageFile } from '../schemas/presentation.ts';
import { ResponseFile } from '../schemas/response.ts';
import { RoutesFile } from '../schemas/routes.ts';

const ROOT = join(import.meta.dirname, '..');

const FOLDER = join(ROOT, 'config', 'schemas');

/** By the name of the file without its ending: what it holds, and where that is told. */
const FILES = {
  freeze: { schema: FreezeFile, title: 'Freezes of Firebreak', docs: 'docs/freezes.md' },
  paging: { schema: PagingFile, title: 'Who pages, and the second route', docs: 'docs/configuration.md' },
  people: { schema: PeopleFile, title: 'People, and what they may do', docs: 'docs/people.md' },
  response: {
    schema: ResponseFile,
    title: 'Who hears of incidents, and when',
    docs: 'docs/people.md, docs/webhooks.md',
  },
  routes: { schema: RoutesFile, title: 'Which alert goes where', docs: 'docs/routing.md' },
  services: { schema: ServicesFile, title: 'The catalogue of services', docs: 'docs/configuration.md' },
  slack: { schema: SlackFile, title: 'How incidents look in Slack', docs: 'docs/showing.md' },
  'status-page': { schema: StatusPageFile, title: 'What the public is told', docs: 'docs/showing.md' },
};

/** What is worked upon before it is checked may be left empty, as an environment of which only the name is said. */
function orNothing({
  zodSchema,
  jsonSchema,
}: {
  zodSchema: z.core.$ZodType;
  jsonSchema: z.core.JSONSchema.BaseSchema;
}) {
  if (!(zodSchema instanceof z.ZodPipe) || !(zodSchema.def.in instanceof z.ZodTransform)) return;
  const { ...form } = jsonSchema;
  for (const key of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, key);
  jsonSchema.anyOf = [form, { type: 'null' }];
}

/** What belongs into the files, by their paths. */
export function configSchemas(): Map<string, Record<string, unknown>> {
  return new Map(
    Object.entries(FILES).map(([name, { schema, title, docs }]) => {
      const { $schema, ...rest } = z.toJSONSchema(schema, {
        io: 'input',
        unrepresentable: 'any',
        reused: 'ref',
        override: orNothing,
      });
      const description = `config/${name}.yaml; see ${docs}.`;
      return [join(FOLDER, `${name}.json`), { $schema, title, description, ...rest }];
    }),
  );
}

if (process.argv[1] === import.meta.filename) {
  mkdirSync(FOLDER, { recursive: true });
  const schemas = configSchemas();
  for (const [file, schema] of schemas) writeFileSync(file, JSON.stringify(schema, null, 2));
  const oxfmt = join(ROOT, 'node_modules/.bin/oxfmt');
  const { status, stderr } = spawnSync(oxfmt, [...schemas.keys()], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`oxfmt ended with ${status}: ${stderr}`);
}
