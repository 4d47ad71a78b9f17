import type { Log } from '../../domain/ports/system.ts';
import { allOf, missing, present, type Store, type Write } from '../../../platforms/store.ts';
import { keys } from '../keys.ts';

const MARK = 'frd_';
const ID = /frd_[0-9a-f]{32}/g;

/** The parts of an incident, such as entries of its timeline, and its post-mortem. */
const INCIDENT = 'INC#';

/** Decisions that one write can cite, because an alert from outside can name any number. */
const CITED_MAX = 20;

/**
 * Returns the same store, and marks the freeze decisions that an incident cites, so that retention never removes their
 * inputs: whatever is stored of an incident, and names them in a text. They are marked before that is stored; then no
 * process can end in between, and leave them unmarked.
 */
export function citing(store: Store, log: Log): Store {
  async function mark(written: readonly unknown[]): Promise<void> {
    const found = new Set<string>();
    for (const one of written) findIds(one, found);
    if (found.size === 0) return;
    if (found.size > CITED_MAX)
      log.warn('an incident cites too many freeze decisions at once; the others can lose their inputs', {
        cited: found.size,
        kept: CITED_MAX,
      });
    const cited = [...found].slice(0, CITED_MAX).map((id) => keys.freezeDecision(id));
    const items = await store.getMany(cited);
    const unmarked = cited.filter((_, n) => items[n] !== undefined && items[n]['cited'] === undefined);
    const condition = allOf(present, missing('removed_at'));
    await Promise.all(unmarked.map((key) => store.update(key, { set: { cited: true } }, { condition })));
  }
  /** Goes on if a decision can't be read or marked: an incident must not wait for it. */
  const markIfPossible = (written: readonly unknown[]): Promise<void> =>
    mark(written).catch((error: unknown) =>
      log.error('freeze decisions that an incident cites could not be marked, and can lose their inputs', {
        error: String(error),
      }),
    );
  return {
    get: (...args) => store.get(...args),
    getMany: (...args) => store.getMany(...args),
    range: (...args) => store.range(...args),
    list: (...args) => store.list(...args),
    async write(writes) {
      await markIfPossible(writes.flatMap(partOfIncident));
      return store.write(writes);
    },
    async update(key, update, options) {
      await markIfPossible(partOfIncident({ kind: 'update', key, update, condition: undefined }));
      return store.update(key, update, options);
    },
  };
}

/** Returns what a write stores of an incident. */
function partOfIncident(write: Write): unknown[] {
  if (write.kind === 'put') return String(write.item['pk']).startsWith(INCIDENT) ? [write.item] : [];
  return write.kind === 'update' && write.key.pk.startsWith(INCIDENT) ? [write.update] : [];
}

function findIds(value: unknown, found: Set<string>): void {
  if (typeof value === 'string') {
    if (value.includes(MARK)) for (const [id] of value.matchAll(ID)) found.add(id);
  } else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) findIds(part, found);
}
