const CREDENTIAL_HEADER = /authorization|cookie|token|secret|api-key/;

/**
 * Redacts a secret. Enough characters remain to distinguish two keys, but not to use one. Short secrets are redacted
 * completely.
 */
export const redacted = (secret: string): string =>
  secret.length < 16 ? '[redacted]' : `${secret.slice(0, 4)}…${secret.slice(-4)}`;

/** Returns the headers of a request without credentials. The scheme in `Authorization` is kept. */
export function redactHeaders(headers: Headers): Record<string, string> {
  const shown = [...headers].map(([name, value]) => [name, CREDENTIAL_HEADER.test(name) ? redactValue(value) : value]);
  return Object.fromEntries(shown) as Record<string, string>;
}

function redactValue(value: string): string {
  const [, scheme = '', secret = value] = /^(\S+ +(?:token=)?)(\S.*)$/i.exec(value) ?? [];
  return scheme + redacted(secret);
}

/**
 * Redacts the string values of `keys` in JSON, at any depth. Works on the text, so that a truncated or invalid body
 * does not reveal its credentials either.
 */
export function redactBody(text: string, keys: readonly string[]): string {
  if (keys.length === 0) return text;
  const assignment = new RegExp(`("(?:${keys.join('|')})"\\s*:\\s*")((?:[^"\\\\]|\\\\.)*)`, 'g');
  return text.replace(assignment, (_, before: string, secret: string) => before + redacted(secret));
}
