import type { AuditEntry, ChainCheck } from '../../domain/ports/audit.ts';
import type { Blobs } from '../../domain/ports/system.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { GENESIS, link, linksIn, Seal, sealHash } from './audit-chain.ts';
import { endOf, entriesOf, entryIn, idOf } from './audit-entries.ts';
import { HEAD_KEY, headOf } from './audit-head.ts';
import { DECISION_KIND, digestsOf, REMOVED } from './decision-record.ts';
import { entriesAfter, RemovedDecisions } from './removed-decisions.ts';
import { EVIDENCE_KIND, evidenceBlobKey } from '../incidents/evidence.ts';
import { sha256 as hashOf } from '../../stores/hash.ts';
import { keys } from '../../stores/keys.ts';
import { isMacOf, NO_KEY, type SealKey, type SealKeys } from './seal-keys.ts';
import { collect, type Table } from '../../stores/table.ts';

/** Number of decisions to compare at a time: each can have 300 KB. */
const DECISIONS_READ = 20;

type Stores = { table: Table; blobs: Blobs; sealKeys: ReadonlyMap<string, SealKey>; removals: RemovedDecisions };

/** Where the chain is broken, and why. */
type Broken = { at: string; because: string };

/** A freeze decision that an entry refers to, with the hash that its record had when it was logged. */
type LoggedDecision = { entry: AuditEntry; decision: string; sha256: string };

/** An evidence pack that an entry refers to, with the hash that its document had when it was stored. */
type LoggedEvidence = { entry: string; blob: string; sha256: string };

/**
 * Walks the chain from its beginning, or from `last` seals before its end, and compares it with the entries, the
 * decisions, the evidence packs, and the head that is stored outside the table. Holds one seal in memory at a time.
 */
export async function checkChain(
  table: Table,
  blobs: Blobs,
  keyStore: SealKeys,
  { last }: { last?: number },
): Promise<ChainCheck> {
  const sealKeys = await keyStore.known();
  if (sealKeys.size === 0) return { intact: false, entries: 0, sealedUntil: null, brokenAt: null, because: NO_KEY };
  const head = await headOf(blobs); // read before the seals, so that seals added in the meantime are no contradiction
  let [number, hash] = await beginning(table, last);
  let entries = 0;
  let sealedUntil: Timestamp | null = null;
  let newest: Seal | undefined;
  const removals = new RemovedDecisions();
  const broken = ({ at, because }: Broken): ChainCheck => ({
    intact: false,
    entries,
    sealedUntil,
    brokenAt: at,
    because,
  });
  for await (const item of table.each(keys.seals().pk, { from: keys.seal(number + 1).sk })) {
    const { data: seal } = Seal.safeParse(item);
    number += 1;
    if (seal?.number !== number || seal.previous !== hash) return broken({ at: sealName(number), because: GAP });
    const problem = await findProblem({ table, blobs, sealKeys, removals }, seal);
    if (problem !== undefined) return broken(problem);
    if (head?.number === number && head.hash !== seal.hash) return broken({ at: sealName(number), because: REBUILT });
    newest = seal;
    hash = seal.hash;
    entries += seal.entries;
    sealedUntil = laterOf(sealedUntil, endOf(seal.minute));
  }
  if (head === undefined && number > 0) return broken({ at: HEAD_KEY, because: NO_HEAD });
  if (head !== undefined && head.number > number)
    return broken({ at: sealName(number + 1), because: newestMissingText(head) });
  // A removal can be so new that its entry is not sealed yet.
  if (removals.unlogged() !== undefined) for await (const entry of entriesAfter(table, newest)) removals.logged(entry);
  const unlogged = removals.unlogged();
  if (unlogged !== undefined) return broken({ at: unlogged, because: REMOVED_UNLOGGED });
  return { intact: true, entries, sealedUntil, brokenAt: null, because: null };
}

const GAP =
  'it is missing, unreadable, or does not follow from the previous seal: seals were removed, replaced, or altered';
const REBUILT = `it differs from the seal recorded in ${HEAD_KEY} in the bucket: the chain was rebuilt after it was sealed`;
const NO_HEAD = 'it is missing or cannot be read, so the removal of newer seals cannot be ruled out';
const ENTRY_DIFFERS = 'it was altered, removed, added, or moved after it was sealed';
const ENTRIES_DIFFER =
  'its entries differ from the sealed ones, and its list of entries was altered too, so the altered entry cannot be named';
const SEAL_ALTERED = 'the seal itself was altered';
const DECISION_DIFFERS = 'the record of its decision was altered or removed';
const REMOVED_UNLOGGED =
  'of the decisions of its day, more have lost their record than retention has logged: somebody else removed at least one';
const EVIDENCE_DIFFERS = 'the document of its evidence in the bucket was altered or removed';
const NO_MAC =
  'it has no MAC: an earlier version of Firebreak sealed it without an audit key, or someone without the key wrote it to the table';
const WRONG_MAC = 'its MAC is wrong: it was made without the audit key, so the chain was rebuilt';

const newestMissingText = ({ number }: { number: number }): string =>
  `it is missing, but ${HEAD_KEY} in the bucket records ${sealName(number)}: the newest seals were removed, or the table was restored`;

const unknownKeyText = (id: string): string =>
  `it was sealed with the key ${id}, which is unknown here. If the key was yours, add it to FIREBREAK_AUDIT_KEY_PREVIOUS. ` +
  'Otherwise, the seal is forged';

const laterOf = (a: Timestamp | null, b: Timestamp): Timestamp => (a === null || b > a ? b : a);

const sealName = (number: number): string => `seal ${number}`;

/** Returns number and hash of the seal after which the walk begins. That seal itself is not checked. */
async function beginning(table: Table, last: number | undefined): Promise<[number: number, hash: string]> {
  if (last === undefined) return [0, GENESIS];
  const newest = table.each(keys.seals().pk, { newestFirst: true, limit: last + 1 });
  const seals = await collect(newest, ({ number, hash }): [number, string] => [Number(number), String(hash)]);
  return seals[last] ?? [0, GENESIS];
}

/** Returns the first difference in a seal, if any. */
async function findProblem(stores: Stores, seal: Seal): Promise<Broken | undefined> {
  const { table, blobs, sealKeys, removals } = stores;
  let [chain, count] = [seal.previous, 0];
  const loggedDecisions: LoggedDecision[] = [];
  const loggedEvidence: LoggedEvidence[] = [];
  for await (const { sk, text } of entriesOf(table, seal.minute, seal.after)) {
    if (isInLaterSeal(seal, sk) || count > seal.entries) break;
    chain = link(chain, text);
    count += 1;
    const entry = entryIn(text);
    if (entry === undefined) continue;
    loggedDecisions.push(...loggedDecisionIn(entry));
    loggedEvidence.push(...loggedEvidenceIn(entry));
    removals.logged(entry);
  }
  if (chain !== seal.chain || count !== seal.entries) return firstDifference(table, seal);
  const at = sealName(seal.number);
  const { hash, mac: _, ...sealed } = seal;
  if (sealHash(sealed) !== hash) return { at, because: SEAL_ALTERED };
  const unauthentic = whyNotAuthentic(sealKeys, seal);
  if (unauthentic !== undefined) return { at, because: unauthentic };
  const { counted, found } = seal.minute_entries ?? { counted: 0, found: 0 };
  if (counted !== found)
    return {
      at,
      because: `only ${found} of ${counted} entries of ${seal.minute} existed when it was sealed: the others were removed before`,
    };
  const altered = await firstAlteredDecision(stores, loggedDecisions);
  if (altered !== undefined) return { at: altered, because: DECISION_DIFFERS };
  for (const { entry, blob, sha256 } of loggedEvidence) {
    const document = await blobs.get(blob);
    if (document === undefined || hashOf(document) !== sha256) return { at: entry, because: EVIDENCE_DIFFERS };
  }
  return undefined;
}

function whyNotAuthentic(sealKeys: ReadonlyMap<string, SealKey>, { key: id, hash, mac }: Seal): string | undefined {
  if (id === undefined || mac === undefined) return NO_MAC;
  const key = sealKeys.get(id);
  if (key === undefined) return unknownKeyText(id);
  return isMacOf(key, hash, mac) ? undefined : WRONG_MAC;
}

/**
 * Returns whether an entry belongs to a later seal of the same minute. An entry after the last seal belongs to none.
 */
const isInLaterSeal = ({ to, minute_entries }: Seal, sk: string): boolean => minute_entries === null && sk > to;

/** Finds the first difference by comparing the hashes recorded for each entry at sealing. */
async function firstDifference(table: Table, seal: Seal): Promise<Broken> {
  const unclear = { at: sealName(seal.number), because: ENTRIES_DIFFER };
  const links = linksIn(await table.get(keys.sealLinks(seal.number)));
  // Links that do not lead to the seal prove nothing: an attacker who altered an entry may have altered them too.
  if (links.length !== seal.entries || links.at(-1)?.[1] !== seal.chain) return unclear;
  let [hash, at] = [seal.previous, 0];
  for await (const entry of entriesOf(table, seal.minute, seal.after)) {
    if (isInLaterSeal(seal, entry.sk)) break;
    hash = link(hash, entry.text);
    const [id, was] = links[at] ?? [undefined, undefined];
    if (hash !== was) {
      const missing = id !== undefined && links.slice(at + 1).some(([later]) => later === idOf(entry));
      return { at: missing ? id : idOf(entry), because: ENTRY_DIFFERS };
    }
    at += 1;
  }
  const [missing] = links[at] ?? [];
  return missing === undefined ? unclear : { at: missing, because: ENTRY_DIFFERS };
}

/** Returns the decision that an entry refers to. Empty: the entry is about something else. */
function loggedDecisionIn(entry: AuditEntry): LoggedDecision[] {
  if (entry.kind !== DECISION_KIND) return [];
  return [{ entry, decision: String(entry.detail['decision']), sha256: String(entry.detail['sha256']) }];
}

/** Returns the evidence that an entry refers to. Empty: the entry is about something else. */
function loggedEvidenceIn(entry: AuditEntry): LoggedEvidence[] {
  if (entry.kind !== EVIDENCE_KIND) return [];
  const { name, sha256 } = entry.detail;
  return [{ entry: entry.id, blob: evidenceBlobKey(entry.subject, String(name)), sha256: String(sha256) }];
}

/** Returns the id of the first entry whose decision record has changed since. Takes note of those that were removed. */
async function firstAlteredDecision(
  { table, blobs, removals }: Omit<Stores, 'sealKeys'>,
  loggedDecisions: readonly LoggedDecision[],
): Promise<string | undefined> {
  for (let from = 0; from < loggedDecisions.length; from += DECISIONS_READ) {
    const some = loggedDecisions.slice(from, from + DECISIONS_READ);
    const digests = await digestsOf(
      table,
      blobs,
      some.map(({ decision }) => decision),
    );
    for (const [n, { entry, sha256 }] of some.entries()) {
      if (digests[n] === REMOVED) removals.found(entry);
      else if (digests[n] !== sha256) return entry.id;
    }
  }
  return undefined;
}
