import * as z from 'zod';
import { WrittenDuration } from '../written-time.ts';
import { parseTemplate, type TemplatePart, TemplateSyntaxError } from './template.ts';

/** Of an expression; UTF-16 units. */
export const EXPRESSION_MAX_CHARS = 1000;

const TEXT_MAX_CHARS = 4000;

/** An expression in CEL. `true` and `false` may be written without quotes. */
export const Expression = z.union([
  z.boolean().transform(String),
  z
    .string()
    .trim()
    .min(1, 'an expression is missing here')
    .max(EXPRESSION_MAX_CHARS)
    .refine((text) => !text.startsWith('${{'), 'is an expression as it is: leave ${{ and }} away'),
]);

/** A text that may hold `${{ expression }}`. */
export const Template = z
  .string()
  .min(1, 'an empty text')
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

/** One expression and nothing else: its value is taken as it is, and not as a text. */
export const WholeTemplate = Template.refine((text) => {
  const parts = partsOf(text);
  return Array.isArray(parts) && parts.length === 1 && parts[0]?.kind === 'expression';
}, 'a number, or one expression: ${{ inputs.instances }}');

/** `5m`, `90s`, `1h 30m`, `PT5M`. As ISO 8601 out. */
export const Duration = WrittenDuration;

/** What steps are called in expressions: `steps.<id>`. */
export const StepId = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,62}$/, 'an id has lower-case letters, digits and _, and begins with a letter')
  .refine((id) => !RESERVED.has(id), { error: ({ input }) => `"${String(input)}" means something in CEL` });

const RESERVED = new Set(['in', 'true', 'false', 'null']);
