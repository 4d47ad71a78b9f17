/**
 * Writes config/schemas/*.json, with which editors complete and validate configuration files:
 *   node scripts/config-schemas.ts
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { PagingFile, ServicesFile } from '../schemas/config/config.ts';
import { PeopleFile } from '../schemas/people/people.ts';
import { SlackFile } from '../schemas/messages/presentation.ts';
import { ResponseFile } from '../schemas/incidents/response.ts';
import { DeliveryFile } from '../schemas/changes/delivery-file.ts';
import { LinksFile } from '../schemas/links/links.ts';
import { FEATURE_FILES } from '../features/names.ts';
import { RoutesFile } from '../schemas/alerts/routes.ts';

const ROOT = join(import.meta.dirname, '..');

const FOLDER = join(ROOT, 'config', 'schemas');

/** Schema, title, and documentation by the file's name without extension. */
const FILES = {
  delivery: { schema: DeliveryFile, title: 'Delivery figures and their bands', docs: 'docs/reference/delivery.md' },
  links: { schema: LinksFile, title: 'Links to logs, traces, and dashboards', docs: 'docs/reference/links.md' },
  paging: { schema: PagingFile, title: 'Pager and second paging route', docs: 'docs/reference/configuration.md' },
  people: { schema: PeopleFile, title: 'People and permissions', docs: 'docs/reference/people.md' },
  response: {
    schema: ResponseFile,
    title: 'Incident notifications and triage',
    docs: 'docs/reference/people.md, docs/how-to/webhooks.md',
  },
  routes: { schema: RoutesFile, title: 'Alert routes', docs: 'docs/reference/routing.md' },
  services: { schema: ServicesFile, title: 'Service catalogue', docs: 'docs/reference/configuration.md' },
  slack: { schema: SlackFile, title: 'Slack settings', docs: 'docs/reference/showing.md' },
  ...FEATURE_FILES,
};

/** Allows null for values that are preprocessed, such as an environment with only a name. */
function allowNull({
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

/** Returns the schemas by file path. */
export function configSchemas(): Map<string, Record<string, unknown>> {
  return new Map(
    Object.entries(FILES).map(([name, { schema, title, docs }]) => {
      const { $schema, ...rest } = z.toJSONSchema(schema, {
        io: 'input',
        unrepresentable: 'any',
        reused: 'ref',
        override: allowNull,
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
