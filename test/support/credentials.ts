/** Returns a part of a credential that looks random. Computed, so that no scanner takes this file for a leak. */
function part(length: number, seed: number, alphabet: string): string {
  let state = seed;
  return Array.from({ length }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return alphabet[(state >> 8) % alphabet.length];
  }).join('');
}
const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const MIXED = 'a1B2c3D4e5F6g7H8i9J0kLmNoPqRsTuVwXyZ';
const BASE64 = `${MIXED}+/`;

/** A credential as it stands in a text, and the secret parts of it. */
export type Planted = { text: string; secrets: readonly string[] };

const whole = (text: string): Planted => ({ text, secrets: [text] });

const PASSWORD = `hunter2-${part(6, 3, MIXED)}`;

/** One credential of each kind, by its name. */
export const PLANTED: Readonly<Record<string, Planted>> = {
  'key ID of AWS': whole(`AKIA${part(16, 1, UPPER)}`),
  'key ID and key of AWS': {
    text: `ASIA${part(16, 2, UPPER)} / ${part(40, 3, BASE64)}`,
    secrets: [part(16, 2, UPPER), part(40, 3, BASE64)],
  },
  'key of AWS': { text: `aws_secret_access_key = ${part(40, 4, BASE64)}`, secrets: [part(40, 4, BASE64)] },
  'token of GitHub': whole(`ghp_${part(36, 5, MIXED)}`),
  'fine-grained token of GitHub': whole(`github_pat_${part(22, 6, MIXED)}_${part(59, 7, MIXED)}`),
  'token of GitLab': whole(`glpat-${part(20, 8, MIXED)}`),
  'token of Slack': whole(`xoxb-${part(12, 9, '0123456789')}-${part(24, 10, MIXED)}`),
  'webhook of Slack': {
    text: `https://hooks.slack.com/services/T${part(8, 11, UPPER)}/B${part(8, 12, UPPER)}/${part(24, 13, MIXED)}`,
    secrets: [part(24, 13, MIXED)],
  },
  'token of PagerDuty': { text: `Authorization: Token token=${part(20, 14, MIXED)}`, secrets: [part(20, 14, MIXED)] },
  'routing key of PagerDuty': {
    text: `routing_key: ${part(32, 15, '0123456789abcdef')}`,
    secrets: [part(32, 15, '0123456789abcdef')],
  },
  'JSON Web Token': whole(`eyJ${part(20, 16, MIXED)}.eyJ${part(40, 17, MIXED)}.${part(43, 18, MIXED)}`),
  'private key': {
    text: `-----BEGIN RSA PRIVATE KEY-----\n${part(64, 19, BASE64)}\n${part(64, 20, BASE64)}\n-----END RSA PRIVATE KEY-----`,
    secrets: [part(64, 19, BASE64), part(64, 20, BASE64)],
  },
  'bearer token': { text: `Authorization: Bearer ${part(32, 21, MIXED)}`, secrets: [part(32, 21, MIXED)] },
  'password of an address': { text: `postgres://app:${PASSWORD}@db.internal:5432/shop`, secrets: [PASSWORD] },
  password: { text: `PASSWORD=${PASSWORD}`, secrets: [PASSWORD] },
  'quoted password': { text: `"db_password": "${PASSWORD} with spaces"`, secrets: [PASSWORD, 'with spaces'] },
  'token of a query': {
    text: `https://ci.example.com/runs/1?access_token=${part(24, 22, MIXED)}&page=2`,
    secrets: [part(24, 22, MIXED)],
  },
  'API key': { text: `api_key: ${part(24, 23, MIXED)}`, secrets: [part(24, 23, MIXED)] },
  'API key of Google': whole(`AIza${part(35, 24, MIXED)}`),
  'key of Stripe': whole(`sk_live_${part(24, 25, MIXED)}`),
  'key of OpenAI': whole(`sk-proj-${part(40, 26, MIXED)}`),
  'token of npm': whole(`npm_${part(36, 27, MIXED)}`),
  'token of Vault': whole(`hvs.${part(24, 28, MIXED)}`),
  'token of Firebreak': whole(`fb_${part(43, 29, MIXED)}`),
  'signing secret': whole(`whsec_${part(32, 30, BASE64)}`),
  'option of a command': { text: `mysqldump --password ${PASSWORD} shop`, secrets: [PASSWORD] },
};

/** All planted credentials in one text. */
export const ALL_PLANTED = Object.values(PLANTED)
  .map(({ text }) => text)
  .join(' and ');

/** Returns the kinds of planted credentials that occur in a text, also in JSON or encoded for an address. */
export function leaksIn(text: string): string[] {
  const texts = [text, decoded(text)].map((one) => one.replaceAll('\\/', '/'));
  return Object.entries(PLANTED).flatMap(([kind, { secrets }]) =>
    secrets.some((secret) => texts.some((one) => one.includes(secret))) ? [kind] : [],
  );
}

const decoded = (text: string): string =>
  text.replaceAll('+', ' ').replaceAll(/(?:%[0-9a-f]{2})+/gi, (encoded) => {
    try {
      return decodeURIComponent(encoded);
    } catch {
      return encoded;
    }
  });
