/**
 * Writes config/slos/schema.json, with which editors complete and validate SLOs:
 *   node features/slo/slo-schema.ts
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { OpenSlo } from './schemas/openslo.ts';

const ROOT = join(import.meta.dirname, '../..');

export const SCHEMA_FILE = join(ROOT, 'config', 'slos', 'schema.json');

/** Returns the JSON Schema. */
export function sloSchema(): Record<string, unknown> {
  const documents = z.union([OpenSlo, z.array(OpenSlo)]);
  const { $schema, ...rest } = z.toJSONSchema(documents, { io: 'input', unrepresentable: 'any', reused: 'ref' });
  const title = 'SLOs of Firebreak';
  const description = 'OpenSLO v1, for config/slos/*.yaml; see docs/reference/slos.md.';
  return { $schema, title, description, ...rest };
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(SCHEMA_FILE, JSON.stringify(sloSchema(), null, 2));
  const { status, stderr } = spawnSync(join(ROOT, 'node_modules/.bin/oxfmt'), [SCHEMA_FILE], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`oxfmt ended with ${status}: ${stderr}`);
}
