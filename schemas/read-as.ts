import * as z from 'zod';

/**
 * An enum as it is read from storage: a value that only a newer version knows is read as `unknown`. Anything but a string
 * is still refused.
 */
export const readAs = <T extends string>(known: z.ZodType<T>, unknown: T) =>
  z.string().transform((value): T => known.safeParse(value).data ?? unknown);
