import type { CanaryStatus } from './canary.ts';

/**
 * What Flagger calls a roll-out when it asks about it: a hash of the status, which itself does not hold it. Should a
 * version of Flagger compute it in another way, the first question tells; until then the gate stays closed.
 *
 * @see https://docs.flagger.app/usage/webhooks
 */
export function checksumOf({ trackedConfigs, lastAppliedSpec }: CanaryStatus): string {
  const text = `(${TYPE}){TrackedConfigs:(*map[string]string)${configsText(trackedConfigs)} LastAppliedSpec:(string)${lastAppliedSpec}}`;
  return encoded(String(fnv1a(Buffer.from(text))));
}

/** Values are written with their types, as the Go package spew writes `%#v`. */
const TYPE = 'struct { TrackedConfigs *map[string]string; LastAppliedSpec string }';

function configsText(configs: Record<string, string> | null): string {
  if (configs === null) return '<nil>';
  const sorted = Object.entries(configs).toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `map[${sorted.map((pair) => pair.join(':')).join(' ')}]`;
}

/** FNV-1a, 32 bits. */
function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** Letters and digits that spell no words, as Kubernetes has them in generated names. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const encoded = (text: string): string =>
  [...Buffer.from(text)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
