import type { Key } from './keys.ts';
import { SharedReads } from './shared-reads.ts';

/** DynamoDB's limit for BatchGetItem; more are read side by side. */
const KEYS_PER_CALL = 100;

/**
 * Items, in calls to DynamoDB that are shared by those who ask at the same moment. Strongly consistent, each by itself.
 *
 * @param getAll reads up to a hundred, each in the place of its key
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
