import type { z } from 'zod';

/** Returns the value given under one of several names. Two names at once are an error, even with equal values. */
export function valueOfAliases<T>(
  given: Readonly<Record<string, T | undefined>>,
  context: z.RefinementCtx,
): T | undefined {
  const [first, second] = Object.entries(given).filter(([, value]) => value !== undefined);
  if (first !== undefined && second !== undefined) {
    context.addIssue({
      code: 'custom',
      message: `"${first[0]}" and "${second[0]}" mean the same; set only one of them`,
    });
  }
  return first?.[1];
}
