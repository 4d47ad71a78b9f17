import { z } from 'zod';
import { type Matcher, MatcherSyntaxError, parseMatcher, parseMatchers } from '../domain/matchers.ts';

/** `severity="warning", team=~"pay.*"`, in braces or not. */
const MatcherText = z.string().transform((text, context): Matcher[] => {
  try {
    return parseMatchers(text);
  } catch (error) {
    if (!(error instanceof MatcherSyntaxError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
});

/** `{severity: warning, tier: 1}`: each label equals its value. */
const Labels = z
  .record(z.string().min(1), z.union([z.string(), z.number(), z.boolean()]))
  .transform((labels) => Object.entries(labels).map(([name, value]) => equals(name, String(value))));

const equals = (name: string, value: string): Matcher => ({ name, value, isRegex: false, isEqual: true });

/** As Alertmanager's API writes it, and as it is stored. */
const MatcherObject = z
  .strictObject({
    name: z.string().min(1),
    value: z.string(),
    isRegex: z.boolean(),
    isEqual: z.boolean().default(true),
  })
  .superRefine(({ value, isRegex }, context) => {
    try {
      if (isRegex) parseMatcher(`label=~${JSON.stringify(value)}`);
    } catch (error) {
      if (!(error instanceof MatcherSyntaxError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
    }
  })
  .transform((matcher) => [matcher]);

const isStored = (value: unknown): boolean => typeof value === 'object' && value !== null && 'isRegex' in value;

/** A list of any of these. What has `isRegex` is a matcher as it is stored; other maps are labels and their values. */
const MatcherList = z
  .array(
    z.unknown().transform((item, context): Matcher[] => {
      const form = typeof item === 'string' ? MatcherText : isStored(item) ? MatcherObject : Labels;
      const read = form.safeParse(item);
      if (read.success) return read.data;
      for (const { path, message } of read.error.issues) context.addIssue({ code: 'custom', path, message });
      return z.NEVER;
    }),
  )
  .transform((lists) => lists.flat());

/** Matchers as people write them: a text, a list of texts, or a map of labels. All of them have to hold. */
export const Matchers = z.union([MatcherText, MatcherList, Labels]);
export type Matchers = z.infer<typeof Matchers>;
