import type { Deps } from '../domain/ports/deps.ts';

/** Writes the counts that wait in memory: at the end of the thread that counted them. */
export const flushCounts = ({
  freezeDecisions,
  counters,
  log,
}: Pick<Deps, 'freezeDecisions' | 'counters' | 'log'>): Promise<void> =>
  Promise.all([freezeDecisions.flush(), counters.read()]) // the latter waits for what is being written
    .then(() => undefined)
    .catch((error: unknown) =>
      log.warn('cannot write the last metric counts; they are lost', { error: String(error) }),
    );
