/*
 * Finds credentials in texts. A pattern is rather too narrow than too wide: hashes, versions, IDs, digests of images, and
 * Firebreak's own signed links stay as they are. Long texts take linear time.
 *
 * Known forms follow the rules of gitleaks (https://github.com/gitleaks/gitleaks, read 2026-11).
 */

/** Stands in for a credential. Has no meaning in addresses, Markdown, and the markup of chats. */
export const MASK = 'REDACTED';

/**
 * Never longer than the credential, so that a text that fits the limits of a vendor still does. The name of a setting,
 * such as `SLACK_BOT_TOKEN`, is none.
 */
const masked = (credential: string): string =>
  /^[A-Z][A-Z0-9_]*$/.test(credential) && isSecretName(credential) ? credential : MASK.slice(0, credential.length);

/** Ends of names whose values are credentials: `password`, `db_password`, `AWS_SECRET_ACCESS_KEY`, `x-api-key`. */
const NAME = String.raw`(?:pass(?:word|wd|phrase|code)|(?<=[_-])pass|pwd|secret|token|credentials?|(?:api|access|account|private|routing|integration|signing|encryption|auth|master)[_-]?key|authorization|cookie)(?:[_-]?(?:id|key|value))?`;

const IS_SECRET_NAME = new RegExp(`(?:${NAME}|^pass)$`, 'i');

/** Returns whether the value under this name is a credential. */
export const isSecretName = (name: string): boolean => IS_SECRET_NAME.test(name);

/** A value after its name. Quotation marks are escaped in JSON that a text quotes. Marks of links and other names end a value. */
const VALUE = String.raw`(?:(?<=")[^"]*?(?=\\{0,8}"|$)|(?<=')[^']*|(?<=\x60)[^\x60]*|(?<!["'\x60])(?:(?:bearer|basic|digest|token)\s{1,4})?(?:[^\s"'\x60,;&|<>]|,(?![\w.-]{1,40}[=:]))*[^\s"'\x60,;&|<>).\]}])`;

/** What can be between a name and its separator. */
const NAME_END = String.raw`\\{0,8}["'\x60*_]{0,3}\s{0,8}`;

/** A row of letters and digits that no word, version, or name of a pod has. */
const RANDOM = String.raw`(?=[A-Za-z\d]{12})[A-Za-z]{0,40}\d{1,40}[A-Za-z]{1,40}\d`;

/** A character of a credential in prose. An address, a metric with labels, and a time have others. */
const CHARACTER = String.raw`[\w+/=.~!@#$%^*?-]`;

/** What follows a word. A colon ends one that another text follows, such as the title of an alert before its description. */
const WORD_END = String.raw`(?:[\s"'\x60,;&|<>)\]}\\…]|:\s|:?$)`;

/** A whole word of such characters. */
const PROSE = String.raw`(?=${CHARACTER}{8,200}${WORD_END})`;

/** A value that looks random. */
const LOOKS_RANDOM = String.raw`${PROSE}(?=${CHARACTER}{0,60}${RANDOM})`;

/** A password of letters and digits, also a short one. People write nothing else of this form after this word. */
const PASSWORD = String.raw`(?=${CHARACTER}{5,200}${WORD_END})(?=${CHARACTER}{0,60}\d)(?=${CHARACTER}{0,60}[A-Za-z])`;

/** Letters and digits, but neither a version nor words that are joined. */
const LOOKS_SECRET = String.raw`${PROSE}(?=${CHARACTER}{0,60}\d)(?=${CHARACTER}{0,60}[A-Za-z])(?!v?\d{1,8}[.-]|[a-z]{1,40}[-_./])`;

/** What can be between a colon and a value in prose. */
const AFTER_COLON = String.raw`[*_]{0,2}\s{0,8}\x60?(?:(?:bearer|basic|digest|token)\s{1,4})?`;

/** A value in prose. A full stop ends the sentence. */
const PROSE_VALUE = String.raw`${CHARACTER}*[\w+/=~!@#$%^*?-]`;

/** Nothing of a longer name, address, or signed link comes before a credential with a short prefix. */
const START = String.raw`(?:(?<![\w.-])|(?<=\\[nrt]|%[\dA-F]{2}))`;

type Prefix = readonly [prefix: string, characters: string, length: number];

/** Prefixes that only tokens have, and the characters and least length of what follows. */
const OWN_PREFIXES: readonly Prefix[] = [
  ['gh[pousr]_', String.raw`A-Za-z\d`, 36], // GitHub
  ['github_pat_', String.raw`\w`, 82],
  ['gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent)-', String.raw`\w-`, 20], // GitLab
  ['xox[abeoprs]-', String.raw`\w-`, 24], // Slack
  ['[rsp]k_(?:live|test)_', String.raw`A-Za-z\d`, 16], // Stripe
  ['AIza', String.raw`\w-`, 35], // Google
  [String.raw`ya29\.`, String.raw`\w-`, 20],
  ['GOCSPX-', String.raw`\w-`, 28],
  ['gl(?:sa_|c_eyJ)', String.raw`\w+/=`, 29], // Grafana
  [String.raw`hv[sb]\.`, String.raw`\w-`, 24], // Vault
  ['do[opr]_v1_', String.raw`\da-f`, 64], // DigitalOcean
  ['shp(?:at|ss|ca|pa)_', String.raw`\da-fA-F`, 32], // Shopify
  ['dckr_pat_', String.raw`\w-`, 27], // Docker
  ['NRAK-', String.raw`A-Z\d`, 27], // New Relic
  ['AGE-SECRET-KEY-1', String.raw`A-Z\d`, 58], // age
  ['AT[AC]TT3', String.raw`\w=-`, 60], // Atlassian
];

/** Prefixes that names of services, versions, and metrics can have too. */
const OTHER_PREFIXES: readonly Prefix[] = [
  [String.raw`xapp-\d-[A-Z\d]{8,16}-`, String.raw`\w-`, 20], // Slack
  ['npm_', String.raw`A-Za-z\d`, 36], // npm
  ['pypi-AgE', String.raw`\w-`, 50], // PyPI
  ['dapi', String.raw`\da-f`, 32], // Databricks
  [String.raw`SG\.[\w-]{22}\.`, String.raw`\w-`, 43], // SendGrid
  ['lin_api_', String.raw`A-Za-z\d`, 40], // Linear
  ['whsec_', String.raw`\w+/=-`, 24], // Standard Webhooks
  ['fb_', String.raw`\w-`, 43], // Firebreak
];

/** Whole tokens anywhere, those that were cut off, and parts of those that nothing else can be. */
const PREFIXED = [
  `${START}(?:${OWN_PREFIXES.map(([prefix, characters]) => `${prefix}[${characters}]{8,}`).join('|')})`,
  ...[...OWN_PREFIXES, ...OTHER_PREFIXES].map(
    ([prefix, characters, length]) => `${prefix}(?:[${characters}]{${length},}|[${characters}]{8,}(?=…))`,
  ),
].join('|');

/** A signature of Firebreak, or the beginning of a JSON Web Token without its end. They can contain anything, and stay. */
const NO_TOKEN = String.raw`\.[\w-]{43}(?![\w-])|eyJ[\w-]*(?![\w-]|\.[\w-])`;

/** Patterns that begin with a group that stays. The rest is the credential. */
const PATTERNS: readonly RegExp[] = [
  /()-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)/g,
  // The ID of a key of AWS, and the key if it follows. IDs of Firebreak have no I.
  /()(?:A[KSB]IA|(?<![A-Z\d])ACCA)[A-Z\d]{12,}(?:\W{1,5}[A-Za-z\d/+]{40}(?![A-Za-z\d/+]))?/g,
  new RegExp(String.raw`(${NO_TOKEN})|(?:${PREFIXED}|eyJ[\w-]{8,}\.[\w-]+)(?:\.[\w-]+)*`, 'g'),
  // OpenAI and others with this prefix. Names of services have no upper case.
  new RegExp(String.raw`()${START}sk-(?:(?:or-v1-)?[\da-f]{32,}|(?=[\w-]{0,60}\d)(?=[\w-]{0,60}[A-Z])[\w-]{16,})`, 'g'),
  /(\bhooks\.slack(?:-gov)?\.com\/(?:services|workflows|triggers)\/)[\w/-]{8,}/gi,
  /(\bdiscord(?:app)?\.com\/api\/webhooks\/\d{1,20}\/)[\w-]{8,}/gi,
  /([?&](?:sig|x-(?:amz|goog)-(?:signature|credential|security-token))=)[^\s"'&#|<>]+/gi,
  /(\b(?:bearer|basic)\s{1,4})(?=[\w+/.~-]{0,80}[\d=])[\w+/=.~-]{8,}/gi,
  /(\bbearer\s{1,4})[\w+/=.~-]{16,}/gi,
  /(\bauthorization\W{1,8}basic\s{1,4})[\w+/=-]{8,}/gi,
  new RegExp(
    String.raw`(${NAME}${NAME_END}(?:(?:=>|:=|=)[*_]{0,2}\s{0,8}(?:\\{0,8}["'\x60])?|:[*_]{0,2}\s{0,8}\\{0,8}["']))${VALUE}`,
    'gi',
  ),
  // After a colon, prose is as probable as a credential.
  new RegExp(`((?<![\\w-])(?:password|passwd|pwd)${NAME_END}:${AFTER_COLON})${PASSWORD}${PROSE_VALUE}`, 'gi'),
  new RegExp(`(${NAME}${NAME_END}:${AFTER_COLON})${LOOKS_RANDOM}${PROSE_VALUE}`, 'gi'),
  // `auth-token: …` can begin a text about a service, `token:NAME` is a sender, and `pass=12` counts tests.
  new RegExp(
    String.raw`((?:(?<!-)${NAME}${NAME_END}:(?!(?<=token:)\S)|(?<![\w-])pass${NAME_END}[=:])${AFTER_COLON})${LOOKS_SECRET}${PROSE_VALUE}`,
    'gi',
  ),
  new RegExp(String.raw`(<[\w:.-]{0,40}${NAME}(?:\s[^<>]{0,200})?>)[^<>]+(?=<\/|…$)`, 'gi'),
  new RegExp(String.raw`(\s--?[\w-]{0,40}${NAME}\s{1,8}["']?)${VALUE}`, 'gi'),
  /((?:\s-u\s{1,8}|--user[ =])(?!\d{1,10}:\d)[^\s:]{1,64}:)\S+/g,
];

/** The user and password of an address, or a token alone. The `…` ends an address that was cut off. */
const USER_INFO = new RegExp(
  String.raw`(:\/\/)(?:(?![^\s/:]{0,253}:\d{1,5}…)[^\s/?#@:"'<>|\x60]*:[^\s/?#"'<>|\x60]*(?:@|…)|(?=[\w.~%-]{0,60}${RANDOM})[\w.~%-]+@)`,
  'g',
);

/** IDs in hexadecimal digits, such as UUIDs: no pattern begins with these characters only. */
const HEXADECIMAL = /^[\da-f-]*$/;

/** Short texts without credentials that were seen lately. Most texts of log lines come again and again. */
const cleanTexts = new Set<string>();
const CLEAN_TEXTS_MAX = 1000;
const CLEAN_TEXT_MAX_CHARS = 128;

/** Returns a text without the credentials in it. */
function textWithout(text: string): string {
  if (cleanTexts.has(text) || HEXADECIMAL.test(text)) return text;
  const left = withoutPatterns(text);
  if (left !== text || text.length > CLEAN_TEXT_MAX_CHARS) return left;
  if (cleanTexts.size >= CLEAN_TEXTS_MAX) cleanTexts.clear();
  cleanTexts.add(text);
  return text;
}

const withoutPatterns = (text: string): string =>
  PATTERNS.reduce(
    (left, pattern) =>
      left.replaceAll(
        pattern,
        (match: string, stays: string | undefined = '') => stays + masked(match.slice(stays.length)),
      ),
    text.replaceAll(USER_INFO, '$1'),
  );

/** Keys with lists of labels, as pairs or as an object. */
export const LABEL_LISTS: ReadonlySet<string> = new Set(['labels', 'annotations']);

/**
 * Returns the same value without credentials: in all of its texts, and in labels whose names say that they are one.
 * Applied to everything that leaves Firebreak.
 */
export const withoutCredentials = <T>(value: T): T => valueWithout(value, '') as T;

/** @param key the key under which the value is, or that of the list which contains it */
function valueWithout(value: unknown, key: string): unknown {
  if (typeof value === 'string') return textWithout(value);
  if (Array.isArray(value)) {
    const elements: readonly unknown[] = value;
    const [name, label] = elements;
    if (LABEL_LISTS.has(key) && typeof name === 'string' && typeof label === 'string' && elements.length === 2)
      return [textWithout(name), labelWithout(name, label)];
    return elements.map((element) => valueWithout(element, key));
  }
  if (!isPlain(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) =>
      LABEL_LISTS.has(key) && typeof inner === 'string'
        ? [textWithout(name), labelWithout(name, inner)]
        : [name, valueWithout(inner, name)],
    ),
  );
}

const labelWithout = (name: string, value: string): string => (isSecretName(name) ? masked(value) : textWithout(value));

/** Returns whether a value is an object with fields, and no instance of a class. */
export function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
