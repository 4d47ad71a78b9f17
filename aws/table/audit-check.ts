import type { ChainCheck } from '../../domain/freeze/ports.ts';
import type { Blobs } from '../../domain/ports.ts';
import type { Timestamp } from '../../schemas/time.ts';
import { GENESIS, link, linksIn, Seal, sealHash } from './audit-chain.ts';
import { endOf, entriesOf, entryIn, idOf } from './audit-entries.ts';
import { HEAD_KEY, headOf } from './audit-head.ts';
import { DECISION_KIND, digestsOf } from './freeze-decision-record.ts';
import { keys } from './keys.ts';
import { collect, type Table } from './table.ts';

/** Decisions of the check are compared so many at a time: each may have 300 KB. */
const DECISIONS_READ = 20;

type Stores = { table: Table; blobs: Blobs };

/** A decision that an entry tells of, with the hash that its record had. */
type Witnessed = { entry: string; decision: string; sha256: string };

/**
 * Walks the chain from its beginning, or from so many seals before its end, and compares it with entries, decisions and
 * the head that is kept outside the table. It holds one seal in memory at a time.
 */
export async function checkChain(table: Table, blobs: Blobs, { last }: { last?: number }): Promise<ChainCheck> {
  const head = await headOf(blobs); // before the seals: those that are added meanwhile are no contradiction
  let [number, hash] = await beginning(table, last);
  let entries = 0;
  let sealedUntil: Timestamp | null = null;
  const broken = (brokenAt: string): ChainCheck => ({ intact: false, entries, sealedUntil, brokenAt });
  for await (const item of table.each(keys.seals().pk, '', { from: keys.seal(number + 1).sk })) {
    const { data: seal } = Seal.safeParse(item);
    number += 1;
    if (seal?.number !== number || seal.previous !== hash) return broken(nameOf(number));
    const wrong = await wrongIn({ table, blobs }, seal);
    if (wrong !== undefined) return broken(wrong);
    if (head?.number === number && head.hash !== seal.hash) return broken(nameOf(number));
    hash = seal.hash;
    entries += seal.entries;
    sealedUntil = laterOf(sealedUntil, endOf(seal.minute));
  }
  if (head === undefined && number > 0) return broken(HEAD_KEY);
  if (head !== undefined && head.number > number) return broken(nameOf(number + 1));
  return { intact: true, entries, sealedUntil, brokenAt: null };
}

const laterOf = (a: Timestamp | null, b: Timestamp): Timestamp => (a === null || b > a ? b : a);

const nameOf = (number: number): string => `seal ${number}`;

/** Number and hash of the seal after which the walk begins. That one is taken as it is. */
async function beginning(table: Table, last: number | undefined): Promise<[number: number, hash: string]> {
  if (last === undefined) return [0, GENESIS];
  const newest = table.each(keys.seals().pk, '', { newestFirst: true, limit: last + 1 });
  const seals = await collect(newest, ({ number, hash }): [number, string] => [Number(number), String(hash)]);
  return seals[last] ?? [0, GENESIS];
}

/** The first thing of a seal that is not as it was. */
async function wrongIn({ table, blobs }: Stores, seal: Seal): Promise<string | undefined> {
  let [chain, count] = [seal.previous, 0];
  const witnessed: Witnessed[] = [];
  for await (const entry of entriesOf(table, seal.minute, seal.after)) {
    if (beyond(seal, entry.sk) || count > seal.entries) break;
    chain = link(chain, entry.text);
    count += 1;
    witnessed.push(...decisionIn(entry.text));
  }
  if (chain !== seal.chain || count !== seal.entries) return firstDifference(table, seal);
  const { hash, ...sealed } = seal;
  if (sealHash(sealed) !== hash) return nameOf(seal.number);
  const { counted, found } = seal.minute_entries ?? { counted: 0, found: 0 };
  if (counted !== found) return `${nameOf(seal.number)}: ${found} of ${counted} entries of ${seal.minute} were sealed`;
  return firstAltered({ table, blobs }, witnessed);
}

/** It belongs to a later seal of the same minute. What comes after the last one belongs to none. */
const beyond = ({ to, minute_entries }: Seal, sk: string): boolean => minute_entries === null && sk > to;

/** By the hash at each entry, as it was when it was sealed. */
async function firstDifference(table: Table, seal: Seal): Promise<string> {
  const links = linksIn(await table.get(keys.sealLinks(seal.number)));
  // Links that do not lead to the seal tell nothing: whoever altered an entry may have altered them, too.
  if (links.length !== seal.entries || links.at(-1)?.[1] !== seal.chain) return nameOf(seal.number);
  let [hash, at] = [seal.previous, 0];
  for await (const entry of entriesOf(table, seal.minute, seal.after)) {
    if (beyond(seal, entry.sk)) break;
    hash = link(hash, entry.text);
    const [id, was] = links[at] ?? [undefined, undefined];
    if (hash !== was) {
      const missing = id !== undefined && links.slice(at + 1).some(([later]) => later === idOf(entry));
      return missing ? id : idOf(entry);
    }
    at += 1;
  }
  return links[at]?.[0] ?? nameOf(seal.number);
}

function decisionIn(text: string): Witnessed[] {
  const entry = entryIn(text);
  if (entry?.kind !== DECISION_KIND) return [];
  return [{ entry: entry.id, decision: String(entry.detail['decision']), sha256: String(entry.detail['sha256']) }];
}

async function firstAltered({ table, blobs }: Stores, witnessed: readonly Witnessed[]): Promise<string | undefined> {
  for (let from = 0; from < witnessed.length; from += DECISIONS_READ) {
    const some = witnessed.slice(from, from + DECISIONS_READ);
    const digests = await digestsOf(
      table,
      blobs,
      some.map(({ decision }) => decision),
    );
    const altered = some.find(({ sha256 }, n) => digests[n] !== sha256);
    if (altered !== undefined) return altered.entry;
  }
  return undefined;
}
