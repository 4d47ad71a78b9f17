import * as z from 'zod';
import { type Matcher, MatcherSyntaxError, parseMatcher, parseMatchers } from './matcher-syntax.ts';

/** `severity="warning", team=~"pay.*"`, with or without braces. */
export const MatcherText = z.string().transform((text, context): Matcher[] => {
  try {
    return parseMatchers(text);
  } catch (error) {
    if (!(error instanceof MatcherSyntaxError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
});

/** The form in Alertmanager's API and in storage. */
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
  .transform((matcher): Matcher[] => [matcher]);

/** `{severity: warning, tier: 1}`: each label must equal its value. */
export const MatcherLabels = z
  .record(z.string().min(1), z.union([z.string(), z.number(), z.boolean()]))
  .transform((labels): Matcher[] => Object.entries(labels).map(([name, value]) => equals(name, String(value))));

const equals = (name: string, value: string): Matcher => ({ name, value, isRegex: false, isEqual: true });

/** An incomplete matcher must not be read as labels. */
const NoMatcher = MatcherLabels.refine((matchers) => !matchers.some(({ name }) => name === 'isRegex'), {
  message: 'a matcher needs name, value, isRegex, and isEqual',
  abort: true,
});

const MatcherList = z
  .array(z.union([MatcherText, MatcherObject, NoMatcher]))
  .transform((lists): Matcher[] => lists.flat());

/** Matchers as people write them: a text, a list of texts, or a map of labels. All must match. */
export const Matchers = z.union([MatcherText, MatcherList, MatcherLabels]);
export type Matchers = z.infer<typeof Matchers>;
