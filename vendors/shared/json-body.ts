import { utf8Text } from '../../schemas/parsing/utf-8.ts';

/** Parses JSON in UTF-8. Undefined: it is something else. */
export function parseJson(body: Uint8Array): { value: unknown } | undefined {
  const text = utf8Text(body);
  if (text === undefined) return undefined;
  try {
    return { value: JSON.parse(text, wellFormed) as unknown };
  } catch {
    return undefined;
  }
}

/** JSON can contain half a surrogate pair, which the table cannot store. */
const wellFormed = (_key: string, value: unknown): unknown =>
  typeof value === 'string' ? value.toWellFormed() : value;
