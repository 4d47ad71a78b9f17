/** Parses JSON in UTF-8. Undefined: it is something else. */
export function parseJson(body: Uint8Array): { value: unknown } | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    return { value: JSON.parse(text, wellFormed) as unknown };
  } catch {
    return undefined;
  }
}

/** JSON can contain half a surrogate pair, which the table cannot store. */
const wellFormed = (_key: string, value: unknown): unknown =>
  typeof value === 'string' ? value.toWellFormed() : value;
