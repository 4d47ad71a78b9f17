import { BoundedMap } from '../../domain/bounded-map.ts';
import type { Log } from '../../domain/ports/system.ts';
import { allOf, type Item, missing, present, type Store, type Write } from '../../../platforms/store.ts';
import { keys } from '../keys.ts';

const MARK = 'frd_';
const ID = /frd_[0-9a-f]{32}/g;

/** The parts of an incident, such as entries of its timeline, and its post-mortem. */
const INCIDENT = 'INC#';

/** Decisions that one write can cite, and names that are looked up, because an alert from outside can name any number. */
const CITED_MAX = 20;
const LOOKED_UP_MAX = 100;

/** Decisions that are read at once: each can have 300 KB. */
const READ_AT_ONCE = 5;

/** Number of decisions that this process remembers as cited or removed. */
const SETTLED_MAX = 10_000;

/**
 * Returns the same store, and marks the freeze decisions that an incident cites, so that retention never removes their
 * inputs: whatever is stored of an incident, and names them in a text. They are marked before that is stored; then no
 * process can end in between, and leave them unmarked.
 */
export function citing(store: Store, log: Log): Store {
  /** IDs of decisions that are cited already, or have lost their inputs: both stay so. */
  const settled = new BoundedMap<true>(SETTLED_MAX);
  function namedIn(written: readonly unknown[]): string[] {
    const found = new Set<string>();
    for (const one of written) findIds(one, found);
    return [...found].filter((id) => settled.get(id) === undefined);
  }
  async function mark(named: readonly string[]): Promise<void> {
    let [marked, from] = [0, 0];
    for (; from < Math.min(named.length, LOOKED_UP_MAX) && marked < CITED_MAX; from += READ_AT_ONCE) {
      const some = named.slice(from, from + READ_AT_ONCE);
      const items = await store.getMany(some.map((id) => keys.freezeDecision(id)));
      const known = some.filter((_, n) => items[n] !== undefined);
      const unmarked = some.filter((_, n) => items[n] !== undefined && !isSettled(items[n]));
      await Promise.all(unmarked.map((id) => store.update(keys.freezeDecision(id), CITED, UNLESS_REMOVED)));
      for (const id of known) settled.set(id, true);
      marked += unmarked.length;
    }
    if (from < named.length)
      log.warn('an incident names very many freeze decisions at once; not all of them may keep their inputs', {
        named: named.length,
        marked,
      });
  }
  /** Goes on if a decision can't be read or marked: an incident must not fail because of it. */
  const markIfPossible = (named: readonly string[]): Promise<void> =>
    mark(named).catch((error: unknown) =>
      log.error('freeze decisions that an incident cites could not be marked, and can lose their inputs', {
        error: String(error),
      }),
    );
  /** What cites nothing is written at once: a run marks its start before it reads what could stall its process. */
  function afterMarking<T>(written: readonly unknown[], work: () => Promise<T>): Promise<T> {
    const named = namedIn(written);
    return named.length === 0 ? work() : markIfPossible(named).then(work);
  }
  return {
    get: (...args) => store.get(...args),
    getMany: (...args) => store.getMany(...args),
    range: (...args) => store.range(...args),
    list: (...args) => store.list(...args),
    write: (writes) => afterMarking(writes.flatMap(partOfIncident), () => store.write(writes)),
    update: (key, update, options) =>
      afterMarking(partOfIncident({ kind: 'update', key, update, condition: undefined }), () =>
        store.update(key, update, options),
      ),
  };
}

const CITED = { set: { cited: true } };
const UNLESS_REMOVED = { condition: allOf(present, missing('removed_at')) };

const isSettled = (item: Item): boolean => item['cited'] !== undefined || item['removed_at'] !== undefined;

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
