import type { z } from 'zod';

/** What is given under one of several names. Two names for one thing at once are a mistake, even when they agree. */
export function oneOf<T>(given: Readonly<Record<string, T | undefined>>, context: z.RefinementCtx): T | undefined {
  const [first, second] = Object.entries(given).filter(([, value]) => value !== undefined);
  if (first !== undefined && second !== undefined) {
    context.addIssue({
      code: 'custom',
      message: `"${first[0]}" and "${second[0]}" mean the same: one of them is enough`,
    });
  }
  return first?.[1];
}
