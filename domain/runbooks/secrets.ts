/** Headers that carry a secret. */
const SECRET_HEADER = /^(?:(?:proxy-)?authorization|cookie)$|api[-_]?key|token|secret|password/i;

/** URL parameters that carry a secret. */
const SECRET_PARAMETER = /[?&](?:access_token|api_?key|auth|key|password|secret|sig|signature|token)=[^&#]/i;

/** Prefixes of vendors' secrets, each long enough not to match ordinary words. */
const SECRET_TEXT =
  /\b(?:xox[abpors]-[\w-]{8,}|gh[pousr]_\w{16,}|github_pat_\w{16,}|glsa_\w{16,}|AKIA[A-Z0-9]{16}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}|whsec_[\w+/=]{16,}|sk-[\w-]{20,}|hooks\.slack\.com\/services\/\w)/;

export const isSecretHeader = (name: string): boolean => SECRET_HEADER.test(name);

/** Returns whether a text contains a recognizable secret. */
export const hasSecret = (text: string): boolean =>
  SECRET_TEXT.test(text) || /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text);

export const hasSecretParameter = (url: string): boolean => SECRET_PARAMETER.test(url);
