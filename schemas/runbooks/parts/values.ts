import * as z from 'zod';
import { WrittenDuration } from '../../time/timestamp-text.ts';
import { parseTemplate, type TemplatePart, TemplateSyntaxError } from './template.ts';

/** Limit of an expression, in UTF-16 units. */
export const EXPRESSION_MAX_CHARS = 1000;

const TEXT_MAX_CHARS = 4000;

/** A CEL expression. `true` and `false` can be written without quotes. */
export const Expression = z.union([
  z.boolean().transform(String),
  z
    .string()
    .trim()
    .min(1, 'must not be empty: expected an expression')
    .max(EXPRESSION_MAX_CHARS)
    .refine((text) => !text.startsWith('${{'), 'must be a bare expression: remove ${{ and }}'),
]);

/** A text that can contain `${{ expression }}`. */
export const Template = z
  .string()
  .min(1, 'must not be empty')
  .max(TEXT_MAX_CHARS)
  .superRefine((text, context) => {
    const parts = partsOf(text);
    if (!Array.isArray(parts)) context.addIssue({ code: 'custom', message: parts.message });
  });

function partsOf(text: string): TemplatePart[] | TemplateSyntaxError {
  try {
    return parseTemplate(text);
  } catch (error) {
    if (error instanceof TemplateSyntaxError) return error;
    throw error;
  }
}

/** A single expression: its value is used as it is, not as text. */
export const WholeTemplate = Template.refine((text) => {
  const parts = partsOf(text);
  return Array.isArray(parts) && parts.length === 1 && parts[0]?.kind === 'expression';
}, 'must be a number, or one expression such as ${{ inputs.instances }}');

/** Accepts `5m`, `90s`, `1h 30m`, `PT5M`; returns ISO 8601. */
export const Duration = WrittenDuration;

/** Name of a step in expressions: `steps.<id>`. */
export const StepId = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,62}$/, 'must consist of lowercase letters, digits, and _, and begin with a letter')
  .refine((id) => !RESERVED.has(id), { error: ({ input }) => `"${String(input)}" is a reserved word in CEL` });

const RESERVED = new Set(['in', 'true', 'false', 'null']);
