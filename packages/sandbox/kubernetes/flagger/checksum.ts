import { createHash } from 'node:crypto';
import type { CanaryStatus } from './objects.ts';
import type { PodTemplate } from '../objects.ts';

/** Returns a hash of a pod template. Only the stand-in compares it, so it doesn't need to match Flagger's. */
export const specHash = (template: PodTemplate): string =>
  createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 10);

/**
 * Returns the `checksum` of Flagger's webhooks: FNV-1a of its status as Go's spew prints it, encoded like generated
 * names.
 *
 * @see https://github.com/fluxcd/flagger/blob/main/pkg/controller/webhook.go
 */
export function webhookChecksum({ trackedConfigs, lastAppliedSpec = '' }: CanaryStatus): string {
  const names = Object.keys(trackedConfigs ?? {}).toSorted();
  const configs =
    trackedConfigs === undefined
      ? '<nil>'
      : 'map[' + names.map((name) => `${name}:${trackedConfigs[name] ?? ''}`).join(' ') + ']';
  const printed =
    '(struct { TrackedConfigs *map[string]string; LastAppliedSpec string })' +
    `{TrackedConfigs:(*map[string]string)${configs} LastAppliedSpec:(string)${lastAppliedSpec}}`;
  let sum = 2166136261n;
  for (const byte of new TextEncoder().encode(printed)) sum = ((sum ^ BigInt(byte)) * 16777619n) & 0xffffffffn;
  return sum.toString().replace(/\d/g, (digit) => '456789bcdf'[Number(digit)] ?? '');
}
