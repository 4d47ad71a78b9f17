/** Waits for work up to a time. Undefined: it takes longer, and goes on. */
export async function inTime<T>(milliseconds: number, work: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, milliseconds, undefined);
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
