/**
 * Writes the tables of deployers and connections in the docs from the lists of rollback targets and of vendors:
 *   npm run docs:targets
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VENDOR_CONNECTIONS } from '../core/domain/catalogue/vendors.ts';
import { DEPLOYER_NOTES } from '../schemas/rollback/targets.ts';

const REFERENCE = join(import.meta.dirname, '..', 'docs', 'reference');

const code = (text: string): string => `\`${text}\``;

const DEPLOYERS = DEPLOYER_NOTES.map(([kind, { rollsBack, scales, restarts, checks, look, effectClass, details }]) => [
  code(kind),
  rollsBack,
  ...[scales, restarts, checks, look].map((does) => (does ? 'yes' : '')),
  effectClass,
  details,
]);

const CONNECTIONS = VENDOR_CONNECTIONS.map(({ name, url, publicUrl, credentials, also: otherSettings = [] }) => [
  name,
  code(url),
  publicUrl === null ? 'none' : code(publicUrl),
  credentials.map((all) => all.map(code).join(' and ')).join(', or ') || 'none',
  otherSettings.map(code).join(', '),
]);

/** The pages with a generated table, the start of the table's head, and its rows. */
const TABLES = [
  { page: join(REFERENCE, 'deployers.md'), head: '| `kind` |', rows: DEPLOYERS },
  { page: join(REFERENCE, 'sandbox.md'), head: '| connection |', rows: CONNECTIONS },
];

/** Returns each page as it is, and as it should be. */
export const targetDocuments = (): { page: string; before: string; after: string }[] =>
  TABLES.map(({ page, head, rows }) => {
    const before = readFileSync(page, 'utf8');
    const table = before.split('\n\n').find((part) => part.startsWith(head));
    if (table === undefined) throw new Error(`${page} has no table that begins with "${head}": restore its head`);
    const heading = table.split('\n').slice(0, 2);
    // An empty cell has one blank.
    const lines = rows.map((cells) =>
      `| ${cells.join(' | ')} |`.replaceAll(/\|(?: {2}\|)+/g, (empty) => empty.replaceAll('  ', ' ')),
    );
    return { page, before, after: before.replace(table, () => [...heading, ...lines].join('\n')) };
  });

if (process.argv[1] === import.meta.filename)
  for (const { page, after } of targetDocuments()) writeFileSync(page, after);
