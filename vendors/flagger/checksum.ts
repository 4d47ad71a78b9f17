import type { CanaryStatus } from './canary.ts';

/**
 * Returns the checksum by which Flagger's webhooks identify a rollout: a hash of the status, which doesn't contain it.
 * If a Flagger version computes it differently, the first webhook call shows its value; until then, the gate stays
 * closed.
 *
 * @see https://docs.flagger.app/usage/webhooks
 */
export function checksumOf({ trackedConfigs, lastAppliedSpec }: CanaryStatus): string {
  const text = `(${TYPE}){TrackedConfigs:(*map[string]string)${configsText(trackedConfigs)} LastAppliedSpec:(string)${lastAppliedSpec}}`;
  return safeEncoded(String(fnv1a(Buffer.from(text))));
}

/** The format of `%#v` in the Go package spew, which writes values with their types. */
const TYPE = 'struct { TrackedConfigs *map[string]string; LastAppliedSpec string }';

function configsText(configs: Record<string, string> | null): string {
  if (configs === null) return '<nil>';
  const sorted = Object.entries(configs).toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `map[${sorted.map((pair) => pair.join(':')).join(' ')}]`;
}

/** Returns the 32-bit FNV-1a hash. */
function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** Letters and digits that form no words, as in generated names of Kubernetes. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const safeEncoded = (text: string): string =>
  [...Buffer.from(text)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
