/** Prefix of a key in the Standard Webhooks format; base64 follows. */
const STANDARD_PREFIX = 'whsec_';

/** Minimum size of such a key. The specification recommends 24 to 64 bytes, and GitLab creates 32. */
const KEY_MIN_BYTES = 16;

/** Minimum length of any other secret. Vendors create 20 characters or more; people may have chosen their own. */
const TEXT_MIN_CHARS = 8;

/** How many secrets a setting contains: one, or several separated by commas, so that a secret can be rotated. */
export type SigningSecrets = 'one' | 'several';

/** Returns the secrets in a setting. */
export const secretsIn = (setting: string, contains: SigningSecrets = 'several'): string[] =>
  (contains === 'one' ? [setting] : setting.split(','))
    .map((secret) => secret.trim())
    .filter((secret) => secret !== '');

/**
 * Returns why a setting cannot sign or check signatures, or null. Anyone can sign with an empty or short key. A setting
 * with several secrets is as weak as its weakest one.
 */
export function signingSecretFault(setting: string, contains: SigningSecrets = 'one'): string | null {
  const all = secretsIn(setting, contains);
  return all.length === 0 ? 'is empty' : (all.map(faultOf).find((fault) => fault !== null) ?? null);
}

function faultOf(secret: string): string | null {
  if (!secret.startsWith(STANDARD_PREFIX))
    return secret.length < TEXT_MIN_CHARS
      ? `has ${secret.length} ${secret.length === 1 ? 'character' : 'characters'}; use at least ${TEXT_MIN_CHARS}, better a random text of 32`
      : null;
  const key = secret.slice(STANDARD_PREFIX.length).replace(/={1,2}$/, '');
  if (!/^[A-Za-z0-9+/]*$/.test(key) || key.length % 4 === 1)
    return `is not base64 after ${STANDARD_PREFIX}; copy the whole secret`;
  const bytes = Math.floor((key.length * 6) / 8);
  return bytes < KEY_MIN_BYTES
    ? `has a key of ${bytes} bytes after ${STANDARD_PREFIX}; use at least ${KEY_MIN_BYTES}`
    : null;
}
