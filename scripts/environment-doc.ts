/**
 * Writes docs/environment.md from the table that the code parses with, and its notes:
 *   npm run docs:environment
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { CHAPTERS, VARIABLE_NOTES } from '../schemas/variable-notes.ts';
import { type Chapter, namesIn, type Variable, type VariableName, VARIABLES } from '../schemas/variables.ts';

const DOCUMENT = join(import.meta.dirname, '..', 'docs', 'environment.md');

const INTRODUCTION = `# Environment variables

Every environment variable that Firebreak reads. This page is written by \`npm run docs:environment\` from
\`schemas/variables.ts\`, the table that the code parses with; \`npm run check\` fails when they differ, or when code reads a
variable that is not in the table.

“Secret” marks values that must not be shown, logged, or committed.
`;

const HEAD = '| variable | value | default | meaning |\n|---|---|---|---|\n';

/** The whole text of the page. */
export const environmentDocument = (): string =>
  [INTRODUCTION, ...(Object.keys(CHAPTERS) as Chapter[]).map(chapterText)].join('\n');

function chapterText(chapter: Chapter): string {
  const { title, text } = CHAPTERS[chapter];
  return `## ${title}\n\n${text}\n\n${HEAD}${namesIn(chapter).map(rowOf).join('')}`;
}

function rowOf(name: VariableName): string {
  const variable: Variable = VARIABLES[name];
  const value = `${typeOf(variable.schema)}${variable.secret === true ? ', secret' : ''}`;
  return `| \`${name}\` | ${value} | ${defaultOf(name)} | ${VARIABLE_NOTES[name].meaning} |\n`;
}

function defaultOf(name: VariableName): string {
  const { data } = (VARIABLES[name] as Variable).schema.safeParse(undefined);
  const standard = z.union([z.string().min(1), z.number()]).safeParse(data);
  return standard.success ? `\`${standard.data}\`` : (VARIABLE_NOTES[name].otherwise ?? '');
}

const JsonSchema = z.object({
  type: z.string().optional(),
  enum: z.array(z.string()).optional(),
  format: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});

/** What a value has to be, for people. */
function typeOf(schema: z.ZodType): string {
  const { type, enum: words, format, minimum, maximum } = JsonSchema.parse(z.toJSONSchema(schema, OUTPUT));
  if (words !== undefined) return words.map((word) => `\`${word}\``).join(', ');
  if (type === 'integer' || type === 'number')
    return maximum === undefined ? `${type} ≥ ${minimum}` : `${type}, ${minimum} to ${maximum}`;
  return format === 'uri' ? 'URL' : 'text';
}

/** Of what a variable becomes, since each is a text before it is read. */
const OUTPUT = { io: 'output', unrepresentable: 'any' } as const;

if (process.argv[1] === import.meta.filename) writeFileSync(DOCUMENT, environmentDocument());
