import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withoutCredentials } from '../../../../core/domain/redaction/credentials.ts';
import { ALL_PLANTED, leaksIn, PLANTED } from '../../../support/credentials.ts';

const KINDS = Object.entries(PLANTED);

test.each(KINDS)(
  '%s is found: alone, in a sentence, before a colon, in JSON, in a label, and in Markdown',
  (_kind, { text }) => {
    const quoted = JSON.stringify({ text });
    for (const around of [
      text,
      `It said (${text}) before.`,
      `Errors ${text}: Fails with ${text}:`,
      quoted,
      JSON.stringify(quoted),
      `- \`${text}\`\n- **${text}**`,
    ])
      expect(leaksIn(withoutCredentials(around))).toEqual([]);
    expect(
      leaksIn(JSON.stringify(withoutCredentials({ labels: [['note', text]], annotations: { [text]: text } }))),
    ).toEqual([]);
  },
);

const GITHUB = PLANTED['token of GitHub']?.text ?? '';
const KEY_ID = PLANTED['key ID of AWS']?.text ?? '';
const JWT = PLANTED['JSON Web Token']?.text ?? '';
const HEX = '9f8e7d6c5b4a39281706f5e4d3c2b1a0';

test.each([
  ['escaped newlines', String.raw`{"err":"denied\n${KEY_ID}","t":"x\n${GITHUB}"}`, [KEY_ID, GITHUB]],
  ['an escaped tab', String.raw`\t${JWT}`, [JWT]],
  ['escaped newlines and a weak prefix', String.raw`\nsk-${HEX}`, [HEX]],
  ['an encoded space', `q=%20${GITHUB}&k=%20${KEY_ID}`, [GITHUB, KEY_ID]],
  ['names without a separator', `key_${KEY_ID} aws-${KEY_ID} my_key_${GITHUB} bot-${JWT}`, [KEY_ID, GITHUB, JWT]],
  ['a coloured log', `\u001B[32m${GITHUB}\u001B[0m`, [GITHUB]],
  ['a token without a space', 'login failed for token:9f8e7d6c5b4a39281706', ['9f8e7d6c5b4a39281706']],
  ['PASS', 'PASS=Hunter2Pw and pass: Hunter2Pw', ['Hunter2Pw']],
  ['an address with only a token', 'https://9f8e7d6c5b4a3928@git.internal/x', ['9f8e7d6c5b4a3928']],
  ['a bearer token without a digit', 'Bearer abcdefghijklmnop', ['abcdefghijklmnop']],
  ['basic authentication', 'Authorization: Basic dXNlcjpwYXNz', ['dXNlcjpwYXNz']],
  ['XML', '<password>x</password> and <db:api_key type="a">green sky</db:api_key>', ['>x<', 'green sky']],
  ['XML that was cut off', '<password>green sk…', ['green']],
  ['a value with a comma', 'password=abc,rest failed', ['abc', 'rest']],
  [
    'a name and a value in quotation marks',
    String.raw`{\"token\": \"green sky\"} token: 'blue sky'`,
    ['green', 'blue'],
  ],
  ['a short password', 'login failed: password: hunter2 for app; PWD: s3cr3t', ['hunter2', 's3cr3t']],
  ['passwords in prose', 'password: Hunter2Pw, secret: S3cr3t!Pass; db_password: hunter2-green', ['unter2', 'S3cr3t']],
  ['a header', `x-api-key: ${HEX}`, [HEX]],
  ['a key with a prefix of a word', `api_key: key-${HEX}`, [HEX]],
])('%s does not hide a credential', (_form, text, secrets) => {
  const left = withoutCredentials(text);
  expect(secrets.filter((secret) => left.includes(secret))).toEqual([]);
});

test.each([
  ['password=abc,user=ada', 'password=RED,user=ada'],
  ['password=abc, then it failed', 'password=RED, then it failed'],
  ['token: a1B2c3D4e5 was refused.', 'token: REDACTED was refused.'],
  ['<password>x</password>', '<password>R</password>'],
])('%s becomes %s', (text, left) => {
  expect(withoutCredentials(text)).toBe(left);
});

test('of many in one text, none is left', () => {
  expect(leaksIn(withoutCredentials(ALL_PLANTED))).toEqual([]);
});

test('the value of a label whose name says so is one, whatever it looks like', () => {
  expect(
    withoutCredentials({
      labels: [
        ['db_password', 'blue'],
        ['service', 'checkout'],
      ],
      annotations: { 'x-api-key': 'green sky', summary: 'Errors' },
      secret: 'FIREBREAK_ADMIN_TOKEN',
    }),
  ).toEqual({
    labels: [
      ['db_password', 'REDA'],
      ['service', 'checkout'],
    ],
    annotations: { 'x-api-key': 'REDACTED', summary: 'Errors' },
    secret: 'FIREBREAK_ADMIN_TOKEN',
  });
  expect(withoutCredentials({ labels: { pass: 'blue', credentials: 'ada:blue', bypass: 'on' } })).toEqual({
    labels: { pass: 'REDA', credentials: 'REDACTED', bypass: 'on' },
  });
});

const CODE = 'Zk3-sk-9_xoxb-a1B2c3D4e5F6g7H8i9J0kLmNoPqRs'; // the worst that a signature can look like

test.each([
  ['a commit', 'deploys 3f6d8a3f0c9b7e1d2a4c5b6e7f8091a2b3c4d5e6'],
  ['the digest of an image', `registry.example.com/shop/checkout@sha256:${'0123456789abcdef'.repeat(4)}`],
  ['an address with a port', 'http://prometheus:9090/graph?g0.expr=up&g0.tab=1'],
  ['an address with a user alone', 'ssh://git@github.com/acme/checkout.git'],
  ['an email address', 'mailto:ada@example.com'],
  ['a UUID', '6f1c1d9e-8f5e-4a53-9a0d-3d7f2f0f6a3b'],
  ['a ULID', '01JD3Q6Z8W3Y5N7R9T1V3X5Z7B'],
  ['a trace', 'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
  ['a key of an effect', '01JD3Q6Z8W3Y5N7R9T1V3X5Z7B.rollback.1'],
  [
    'a link to approve',
    `https://firebreak.example.com/console/approve/01JD3Q6Z8W3Y5N7R9T1V3X5Z7B-1.1795157401.${CODE}`,
  ],
  [
    'a link of a subscription',
    `https://firebreak.example.com/status/subscriptions/main/confirm/${'0a'.repeat(16)}.${CODE}`,
  ],
  ['a sender', 'an end of token:shop-1 and token:shop-production-checkout-2 was ignored'],
  ['a word after a name', 'token: blue; secret: checkout-tls-v2 not found; token: expired'],
  ['a number after a name', 'token: 45 %; auth_token: 20000000; password: 99.95%; tests pass=12 fail=3'],
  ['an end of an alert of a service', 'auth-token: error ratio of POST /oauth/token: 45 %'],
  ['a decision about a service', 'auth-token: Roll auth-token in production back from v2.3.4-rc.1 to v2.3.3+build.5'],
  ['a decision about other services', 'secret-service: Roll back. password-reset: paged. reset-password: watch v2'],
  ['an alert name after a service', 'auth-token: HighErrorRate5m, reset-password: Http5xxRateHigh'],
  ['a pod after a service', 'auth-token: auth-token-7f9c8d5b4-x2k9p restarts'],
  ['a version after a service', 'auth-token: v2.3.4-7f9c8d5 and auth-token: `20261120.3-ab12cd`'],
  ['an address after a service', 'auth-token: https://grafana.example.com/d/a1/b2?from=now-1h'],
  ['an image after a name', `token: ghcr.io/acme/auth-token@sha256:${'0123456789abcdef'.repeat(4)}`],
  ['a recording rule', 'job:auth_token:error_ratio{service="x"} is 0, job:auth_token:increase5m is 1'],
  ['PromQL', 'sum(rate(http_requests_total{service="auth-token"}[5m])) by (le) > 0.05'],
  ['durations', 'auth-token: 1h30m; reset-password: 12345ms; token: 2026-11-20T12:00:00Z'],
  ['versions like tokens', 'npm_install_step_2 and dapi-gateway-v2x and sk-checkout-2-production-eu and fb_ads_2'],
  ['a metric like a token', 'sum(highs_and_lows_of_the_whole_system_total_2) and fb_campaign_requests_total_2'],
  ['services like tokens', 'task-3f6d8a3f0c9b7e1d2a4c5b6e7f8091a2b3c4d5e6, SG.2, xapp-2-production, whsec_rotation_2'],
  ['users of a container', 'docker run -u 1000:1000 and docker run --user 1000:1000 shop'],
  ['a placeholder', 'use <token> or <password> to sign in'],
  ['an address with a service user', 'sftp://deploy-bot-production-2@files.internal/in'],
  ['names of settings', 'no token: SLACK_BOT_TOKEN is not set; secret: FALLBACK_SECRET'],
  [
    'words about credentials',
    'wrong or missing token, or wrong signature; basic authentication; bearer tokens expired',
  ],
  ['names of services', 'sk-payments-frontend and npm_mirror_service and pypi-mirror-service'],
  ['a query', 'sum(rate(http_requests_total{job="checkout",code=~"5.."}[5m])) / 3'],
  ['a version', 'v2.3.4-rc.1+build.5'],
])('%s stays as it is', (_what, text) => {
  expect(withoutCredentials(text)).toBe(text);
});

test('other values stay as they are, and a second time changes nothing', () => {
  const value = { at: new Date(0), bytes: Buffer.from('x'), n: 1, is: true, none: null, list: [1, 'a'] };
  expect(withoutCredentials(value)).toEqual(value);
  const once = withoutCredentials(ALL_PLANTED);
  expect(withoutCredentials(once)).toBe(once);
});

test('hexadecimal digits alone are no credential of any pattern, as with a point after them', () => {
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789abcdef-'), maxLength: 100 });
  fc.assert(
    fc.property(digits, (text) => {
      expect(withoutCredentials(`${text} .`)).toBe(`${text} .`);
    }),
  );
});

describe('a text', () => {
  test('never becomes longer, so it fits the limits of vendors', () => {
    for (const text of ['password=a', 'token: b', "api_key='cd'", ALL_PLANTED, 'https://a:b@c'])
      expect(withoutCredentials(text).length).toBeLessThanOrEqual(text.length);
  });

  test('that was cut off has no start of a credential', () => {
    for (const [kind, { text, secrets }] of KINDS) {
      if (kind === 'JSON Web Token') continue; // begins with what everybody knows
      const [secret = ''] = secrets;
      const cut = `${text.slice(0, text.indexOf(secret) + Math.min(secret.length, 24) - 1)}…`;
      const left = withoutCredentials(cut);
      expect(left.includes(secret.slice(0, 16)) && secret.length > 20 ? kind : null).toBeNull();
    }
  });
});
