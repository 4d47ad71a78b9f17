import * as z from 'zod';
import { millisOf, Timestamp } from '../../../../schemas/time/time.ts';
import type { Calls } from '../../../../vendors/kubernetes/attempt.ts';
import { Metadata } from '../../../../vendors/kubernetes/objects.ts';
import type { ParameterObject } from '../../schemas/freeze-gates.ts';

/** @see https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/config-map-v1/ */
const ConfigMap = z.object({
  metadata: Metadata,
  data: z
    .record(z.string(), z.string())
    .nullish()
    .transform((data) => data ?? {}),
});

/** Entries to set, by key. Null: to remove. */
export type Entries = ReadonlyMap<string, string | null>;

/**
 * Sets entries of the ConfigMap that the admission policy reads. Other entries stay. An entry that differs only in its
 * expiry is renewed when half of its validity is over.
 *
 * @throws Ended if there is no ConfigMap and entries are to be set, or the cluster refuses the change
 */
export async function setEntries(
  calls: Calls,
  { namespace, name }: ParameterObject,
  entries: Entries,
  now: Timestamp,
): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`;
  const isSet = [...entries.values()].some((text) => text !== null);
  const found = isSet ? await calls.get(path, ConfigMap) : await calls.find(path, ConfigMap);
  if (found === undefined) return;
  const changed = [...entries].filter(([key, text]) => !isCurrent(found.data[key] ?? null, text, now));
  if (changed.length === 0) return;
  const { resourceVersion } = found.metadata;
  await calls.patch(path, 'merge', { metadata: { resourceVersion }, data: Object.fromEntries(changed) }, ConfigMap);
}

function isCurrent(before: string | null, after: string | null, now: Timestamp): boolean {
  if (before === null || after === null) return before === after;
  if (withoutExpiry(before) !== withoutExpiry(after)) return false;
  const [expires, wanted] = [expiryOf(before), expiryOf(after)];
  if (expires === undefined || wanted === undefined) return expires === wanted;
  return millisOf(expires) - millisOf(now) > (millisOf(wanted) - millisOf(now)) / 2 && expires <= wanted;
}

const EXPIRY = /^expires: (.*)\n?/m;

const withoutExpiry = (text: string): string => text.replace(EXPIRY, '');

const expiryOf = (text: string): Timestamp | undefined => Timestamp.safeParse(EXPIRY.exec(text)?.[1]).data;
