/**
 * Writes docs/reference/environment.md from the table of variables and their notes:
 *   npm run docs:environment
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { CHAPTERS, VARIABLE_NOTES } from '../schemas/config/variable-notes.ts';
import type { Chapter, Variable } from '../schemas/config/variable.ts';
import { namesIn, type VariableName, VARIABLES } from '../schemas/config/variables.ts';

const DOCUMENT = join(import.meta.dirname, '..', 'docs', 'reference', 'environment.md');

const INTRODUCTION = `# Environment variables

\`npm run docs:environment\` generates this page from \`schemas/config/variables.ts\`, with which the code parses the environment.
Each variable has its values, unless it is any text, and its default. Don't show, log, or commit values marked “secret”.
`;

/** Returns the text of the page. */
export const environmentDocument = (): string =>
  [INTRODUCTION, ...(Object.keys(CHAPTERS) as Chapter[]).map(chapterText)].join('\n');

function chapterText(chapter: Chapter): string {
  const { title, text } = CHAPTERS[chapter];
  return `## ${title}\n\n${text}\n\n${namesIn(chapter).map(entryOf).join('')}`;
}

function entryOf(name: VariableName): string {
  const variable: Variable = VARIABLES[name];
  const standard = defaultOf(name);
  const facts = [
    variable.secret === true ? 'secret' : typeOf(variable.schema),
    standard === '' ? '' : `default: ${standard}`,
  ].filter((fact) => fact !== '');
  return `- \`${name}\`${facts.length === 0 ? '' : ` (${facts.join('; ')})`}: ${VARIABLE_NOTES[name].meaning}\n`;
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

/** Describes the permitted values; empty: any text. */
function typeOf(schema: z.ZodType): string {
  const { type, enum: words, format, minimum, maximum } = JsonSchema.parse(z.toJSONSchema(schema, OUTPUT));
  if (words !== undefined) return words.map((word) => `\`${word}\``).join(', ');
  if (type === 'integer' || type === 'number')
    return maximum === undefined ? `${type} ≥ ${minimum}` : `${type}, ${minimum} to ${maximum}`;
  return format === 'uri' ? 'URL' : '';
}

/** Describes the parsed value, because every variable is text before parsing. */
const OUTPUT = { io: 'output', unrepresentable: 'any' } as const;

if (process.argv[1] === import.meta.filename) writeFileSync(DOCUMENT, environmentDocument());
