import { hash } from 'node:crypto';

/** Returns the SHA-256 in lowercase hexadecimal. */
export const sha256 = (data: string | Uint8Array): string => hash('sha256', data);

/** Serializes to JSON with sorted keys, so that equal values have equal bytes. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : inner,
  );
}
