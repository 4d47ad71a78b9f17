const CREDENTIAL_HEADER = /authorization|cookie|token|secret|api-key/;

/** Enough to tell two keys apart, too little to use one. Short secrets are not shown at all. */
export const redacted = (secret: string): string =>
  secret.length < 16 ? '[redacted]' : `${secret.slice(0, 4)}…${secret.slice(-4)}`;

/** The headers of a request as they may be shown; of `Authorization` the scheme stays readable. */
export function redactHeaders(headers: Headers): Record<string, string> {
  const shown = [...headers].map(([name, value]) => [name, CREDENTIAL_HEADER.test(name) ? redactValue(value) : value]);
  return Object.fromEntries(shown) as Record<string, string>;
}

function redactValue(value: string): string {
  const [, scheme = '', secret = value] = /^(\S+ +(?:token=)?)(.+)$/i.exec(value) ?? [];
  return scheme + redacted(secret);
}

/**
 * A JSON text with the string values of `keys` redacted, at any depth. Works on the text, so that a body which is cut
 * off or is no JSON at all does not show its credential either.
 */
export function redactBody(text: string, keys: readonly string[]): string {
  if (keys.length === 0) return text;
  const assignment = new RegExp(`("(?:${keys.join('|')})"\\s*:\\s*")((?:[^"\\\\]|\\\\.)*)`, 'g');
  return text.replace(assignment, (_, before: string, secret: string) => before + redacted(secret));
}
