import * as z from 'zod';

/**
 * An enum for reading from storage: a value that only a newer version knows is read as `unknown`. Values that are not
 * strings are still refused.
 */
export const readAs = <T extends string>(known: z.ZodType<T>, unknown: T) =>
  z.string().transform((value): T => known.safeParse(value).data ?? unknown);
