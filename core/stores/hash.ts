import { hash } from 'node:crypto';

/** Returns the SHA-256 in lowercase hexadecimal. */
export const sha256 = (data: string | Uint8Array): string => hash('sha256', data);

/** Serializes to JSON with sorted keys, so that equal values have equal bytes. */
export const canonicalJson = (value: unknown): string => JSON.stringify(sorted(value));

/** Returns the value with sorted keys. Much faster than a function that `JSON.stringify` calls for each value. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') return sorted((value as { toJSON(): unknown }).toJSON());
  if (Array.isArray(value)) return value.map(sorted);
  const record = value as Record<string, unknown>;
  return Object.fromEntries(
    Object.keys(record)
      .toSorted()
      .map((key) => [key, sorted(record[key])]),
  );
}
