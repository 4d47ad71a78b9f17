import type { Log } from '../domain/ports/system.ts';

/** Processes items one after the other. Errors are logged with the item, so that one bad item does not hold back the rest. */
export async function eachAlone<T extends { id: string }>(
  log: Pick<Log, 'error'>,
  what: string,
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  for (const item of items) {
    try {
      await work(item);
    } catch (error) {
      log.error(`the sweeper could not tend ${what}`, { id: item.id, error: String(error) });
    }
  }
}
