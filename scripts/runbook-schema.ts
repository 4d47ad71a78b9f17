/**
 * Writes runbooks/schema.json, with which editors complete and validate the front matter of runbooks:
 *   node scripts/runbook-schema.ts
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { FrontMatter } from '../schemas/runbooks/runbook.ts';

const ROOT = join(import.meta.dirname, '..');

export const SCHEMA_FILE = join(ROOT, 'runbooks', 'schema.json');

/** Returns the JSON Schema. */
export function runbookSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(FrontMatter, { io: 'input', unrepresentable: 'any', reused: 'ref' });
  const title = 'Front matter of a Firebreak runbook';
  const description =
    'YAML between the lines with three hyphens at the start of runbooks/*.md; see docs/reference/runbooks.md.';
  return { $schema, title, description, ...rest };
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(SCHEMA_FILE, JSON.stringify(runbookSchema(), null, 2));
  const { status, stderr } = spawnSync(join(ROOT, 'node_modules/.bin/oxfmt'), [SCHEMA_FILE], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`oxfmt ended with ${status}: ${stderr}`);
}
