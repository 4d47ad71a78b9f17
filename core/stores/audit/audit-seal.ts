import type { Blobs, Clock, Log } from '../../domain/ports/system.ts';
import { plusSeconds, secondsBetween } from '../../../schemas/time/time.ts';
import { GENESIS, link, Seal, Sealed, sealHash } from './audit-chain.ts';
import { endOf, entriesOf, idOf, type StoredEntry, minuteOf } from './audit-entries.ts';
import { closeMinute } from './minute-counters.ts';
import { type Head, HEAD_KEY, headOf, putHead } from './audit-head.ts';
import { keys } from '../../stores/keys.ts';
import { NO_KEY, type SealKey, type SealKeys } from './seal-keys.ts';
import { collect, type Table } from '../../stores/table.ts';
import { absent, allOf, type Condition, equals, put, remove } from '../../../platforms/store.ts';

/** A minute is sealed this long after its end. */
const SEAL_DELAY_SECONDS = 60;

/** Minutes per round. A day without a sealer is caught up in a few rounds. */
const MINUTES_PER_ROUND = 300;

/** Entries per seal: its links, about 130 bytes each, are one item. */
const SEAL_MAX_ENTRIES = 500;

/**
 * The writes of a transaction can become visible one after the other. Entries still missing after this time are lost.
 */
const MISSING_AFTER_SECONDS = 600;

type Totals = { counted: number; found: number };

/** The content of one seal. `totals`: entry counts of the whole minute, only in its last seal. */
type Part = { entries: readonly StoredEntry[]; key: SealKey; totals: Totals | null };

/** Seals completed minutes in order. Each seal is conditional, so that of two concurrent sealers one succeeds. */
export class Sealer {
  readonly #table: Table;
  readonly #blobs: Blobs;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #sealKeys: SealKeys;

  constructor(table: Table, blobs: Blobs, clock: Clock, log: Log, sealKeys: SealKeys) {
    this.#table = table;
    this.#blobs = blobs;
    this.#clock = clock;
    this.#log = log;
    this.#sealKeys = sealKeys;
  }

  /** @throws if no key is set */
  async seal(): Promise<void> {
    const key = await this.#sealKeys.current();
    if (key === undefined) throw new Error(NO_KEY);
    const newest = await this.#newest();
    if (newest === undefined) await this.#beginHead();
    // The start of the last minute to seal, which ended one minute later.
    const until = minuteOf(plusSeconds(this.#clock.now(), -60 - SEAL_DELAY_SECONDS));
    const open = this.#table.each(keys.logOpens().pk, { limit: MINUTES_PER_ROUND });
    for (const minute of await collect(open, ({ sk }) => String(sk))) {
      if (minute > until || !(await this.#sealMinute(minute, key))) break;
    }
    await this.#advanceHead();
  }

  /**
   * Returns false if the minute cannot be sealed yet or another process seals it. Later minutes wait, so that the chain
   * is in order.
   */
  async #sealMinute(minute: string, key: SealKey): Promise<boolean> {
    const item = await this.#table.get(keys.logSealed(minute));
    let before = item === undefined ? undefined : Sealed.parse(item);
    if (before?.done !== true) {
      const totals = await this.#close(minute);
      if (totals === undefined) return false;
      for await (const { entries, last } of partsOf(entriesOf(this.#table, minute, before?.to ?? null))) {
        before = await this.#put(minute, { entries, key, totals: last ? totals : null }, before);
        if (before === undefined) return false;
      }
    }
    await this.#table.transact([remove(keys.logOpen(minute))]);
    return true;
  }

  /** Closes a minute permanently. Returns undefined if not all counted entries are visible yet. */
  async #close(minute: string): Promise<Totals | undefined> {
    const counted = await closeMinute(this.#table, minute, this.#clock.now());
    let found = 0;
    for await (const _ of entriesOf(this.#table, minute, null)) found += 1;
    if (found === counted) return { counted, found };
    if (secondsBetween(endOf(minute), this.#clock.now()) < MISSING_AFTER_SECONDS) return undefined;
    this.#log.error('entries of the audit log are missing or were added; the minute is sealed as found', {
      minute,
      counted,
      found,
    });
    return { counted, found };
  }

  /** Returns undefined if another process has sealed in the meantime. */
  async #put(minute: string, part: Part, before: Sealed | undefined): Promise<Sealed | undefined> {
    const newest = await this.#newest();
    const seal = this.#sealOf(minute, part, before?.to ?? null, newest);
    const links = chainOf(seal.previous, part.entries);
    const sealed: Sealed = {
      to: seal.to,
      done: part.totals !== null,
      parts: [...(before?.parts ?? []), { number: seal.number, to: seal.to }],
    };
    const result = await this.#table.transact([
      put({ ...keys.seal(seal.number), ...seal }, absent),
      put({ ...keys.sealLinks(seal.number), links: JSON.stringify(links) }),
      put({ ...keys.logSealed(minute), ...sealed }, before === undefined ? absent : unchanged(before)),
    ]);
    return result.ok ? sealed : undefined;
  }

  #sealOf(minute: string, { entries, key, totals }: Part, after: string | null, newest: Seal | undefined): Seal {
    const [first, last] = [entries[0], entries.at(-1)];
    if (first === undefined || last === undefined) throw new Error(`the seal of ${minute} has no entries`);
    const previous = newest?.hash ?? GENESIS;
    const seal = {
      number: (newest?.number ?? 0) + 1,
      minute,
      after,
      to: last.sk,
      entries: entries.length,
      first: idOf(first),
      last: idOf(last),
      previous,
      chain: chainOf(previous, entries).at(-1)?.[1] ?? previous,
      minute_entries: totals,
      at: this.#clock.now(),
      key: key.id,
    };
    const hash = sealHash(seal);
    return { ...seal, hash, mac: key.of(hash) };
  }

  async #newest(): Promise<Seal | undefined> {
    const [item] = await collect(this.#table.each(keys.seals().pk, { newestFirst: true, limit: 1 }), (one) => one);
    return item && Seal.parse(item);
  }

  /** Writes the head before the first seal, so that a missing head proves its removal. */
  async #beginHead(): Promise<void> {
    if ((await headOf(this.#blobs)) === undefined) await this.#putHead({ number: 0, hash: GENESIS });
  }

  /** Never advances the head when the chain does not continue from it: that would hide what `check` must find. */
  async #advanceHead(): Promise<void> {
    const [head, newest] = [await headOf(this.#blobs), await this.#newest()];
    if (newest === undefined && head?.number === 0) return;
    const at = head === undefined || head.number === 0 ? undefined : await this.#table.get(keys.seal(head.number));
    const continues = head !== undefined && newest !== undefined && (head.number === 0 || at?.['hash'] === head.hash);
    if (!continues)
      this.#log.error(`the chain does not continue from ${HEAD_KEY}`, { head, newest: newest?.number ?? 0 });
    else if (head.number < newest.number) await this.#putHead(newest);
  }

  #putHead({ number, hash }: Pick<Head, 'number' | 'hash'>): Promise<void> {
    return putHead(this.#blobs, { number, hash, at: this.#clock.now() });
  }
}

/** Returns the id of each entry with its hash, which includes the previous one. */
function chainOf(previous: string, entries: readonly StoredEntry[]): [string, string][] {
  let hash = previous;
  return entries.map((entry) => [idOf(entry), (hash = link(hash, entry.text))]);
}

/** Groups entries by the size of a seal. */
async function* partsOf(
  entries: AsyncIterable<StoredEntry>,
): AsyncGenerator<{ entries: StoredEntry[]; last: boolean }> {
  let part: StoredEntry[] = [];
  for await (const entry of entries) {
    if (part.length === SEAL_MAX_ENTRIES) {
      yield { entries: part, last: false };
      part = [];
    }
    part.push(entry);
  }
  if (part.length > 0) yield { entries: part, last: true };
}

const unchanged = ({ to }: Sealed): Condition => allOf(equals('to', to), equals('done', false));
