import type { Product } from '../functions/assembly/product.ts';
import { FEATURES } from '../features/index.ts';

/** Writes the counts that wait in memory: at the end of the thread that counted them. */
export const flushCounts = (deps: Product): Promise<void> =>
  // Reading the counters waits for what is being written.
  Promise.all([...FEATURES.map(({ flush }) => flush?.(deps)), deps.counters.read()])
    .then(() => undefined)
    .catch((error: unknown) =>
      deps.log.warn('cannot write the last metric counts; they are lost', { error: String(error) }),
    );
