import type { Key } from './keys.ts';
import { SharedReads } from './shared-reads.ts';

/** DynamoDB's limit for BatchGetItem; more keys are read in parallel calls. */
const KEYS_PER_CALL = 100;

/**
 * Reads items in DynamoDB calls that concurrent callers share. Each item is strongly consistent.
 *
 * @param getAll reads up to 100 items, each at the index of its key
 */
export function sharedItems<Item>(getAll: (keys: readonly Key[]) => Promise<Item[]>): SharedReads<Key, Item> {
  const readAll = async (wanted: Key[]): Promise<Item[]> => {
    const slices = Array.from({ length: Math.ceil(wanted.length / KEYS_PER_CALL) }, (_, n) =>
      wanted.slice(n * KEYS_PER_CALL, (n + 1) * KEYS_PER_CALL),
    );
    return (await Promise.all(slices.map(getAll))).flat();
  };
  return new SharedReads(readAll, ({ pk, sk }) => `${pk} ${sk}`);
}
