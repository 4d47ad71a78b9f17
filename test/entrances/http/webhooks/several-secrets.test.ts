import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { signedBy } from '../../../../entrances/http/middleware/authentication.ts';
import { isSignedBySlack } from '../../../../entrances/slack/requests/signature.ts';
import { VARIABLES } from '../../../../schemas/config/variables.ts';
import { timestamp } from '../../../../schemas/time/time.ts';
import { github } from '../../../../vendors/github/receive.ts';
import { gitlabSignature } from '../../../../vendors/gitlab/webhook.ts';
import { SetClock } from '../../../support/fake-deps.ts';

const [OLD, NEW] = ['the-old-secret-of-the-sender', 'the-new-secret-of-the-sender'];
const KEYS = [1, 2].map((one) => `whsec_${Buffer.alloc(32, one).toString('base64')}`);
const NOW = timestamp(Date.parse('2026-11-20T12:00:00Z'));
const SECONDS = String(Date.parse(NOW) / 1000);
const BODY = Buffer.from('{}');

const hmac = (secret: string | Buffer, text: string) => createHmac('sha256', secret).update(text);

test('every secret of a sender accepts several, separated by commas', () => {
  const kinds = Object.values(VARIABLES).flatMap((one) => ('signs' in one ? [one.signs] : []));
  expect(new Set(kinds)).toEqual(new Set(['several']));
});

type IsValid = (setting: string, secret: string) => boolean | Promise<boolean>;

const withHeaders = (headers: Record<string, string>) => (name: string) => headers[name.toLowerCase()];

const isGithub: IsValid = (setting, secret) =>
  github.signature.isValid(
    BODY,
    withHeaders({ 'x-hub-signature-256': `sha256=${hmac(secret, '{}').digest('hex')}` }),
    setting,
    NOW,
  );

function isGitlab(setting: string, headers: Record<string, string>): boolean {
  const header = withHeaders(headers);
  return gitlabSignature.hasForm(header, setting, NOW) && gitlabSignature.isValid(BODY, header, setting, NOW);
}

const isGitlabSigned: IsValid = (setting, secret) => {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  return isGitlab(setting, {
    'webhook-id': 'one',
    'webhook-timestamp': SECONDS,
    'webhook-signature': `v1,${hmac(key, `one.${SECONDS}.{}`).digest('base64')}`,
  });
};

const isSlack: IsValid = (setting, secret) => {
  const signature = `v0=${hmac(secret, `v0:${SECONDS}:{}`).digest('hex')}`;
  const headers = { 'x-slack-signature': signature, 'x-slack-request-timestamp': SECONDS };
  return isSignedBySlack({ headers, body: BODY }, setting, Number(SECONDS));
};

const isGrafana: IsValid = (setting, secret) =>
  signedBy(
    {
      clock: new SetClock(NOW),
      secrets: { get: async (name) => (name === 'GRAFANA_WEBHOOK_SECRET' ? setting : 'X-At') },
    },
    {
      secret: 'GRAFANA_WEBHOOK_SECRET',
      header: 'X-Grafana-Alerting-Signature',
      timestampHeader: { secret: 'GRAFANA_TIMESTAMP_HEADER', fallback: '' },
    },
    new Headers({
      'x-at': SECONDS,
      'x-grafana-alerting-signature': hmac(secret, `${SECONDS}:{}`).digest('hex'),
    }),
    async () => BODY,
  );

const ALL: [string, IsValid, string[]][] = [
  ['GitHub', isGithub, [OLD, NEW]],
  ['GitLab with a signing token', isGitlabSigned, KEYS],
  ['GitLab with a secret token', (setting, secret) => isGitlab(setting, { 'x-gitlab-token': secret }), [OLD, NEW]],
  ['GitLab, from a secret token to a signing token', isGitlabSigned, [OLD, KEYS[0] ?? '']],
  ['Slack', isSlack, [OLD, NEW]],
  ['Grafana', isGrafana, [OLD, NEW]],
];

describe('while a secret is rotated', () => {
  test.each(ALL)('%s is believed with the old one and the new one, and with no other', async (name, isValid, both) => {
    const [before = '', after = ''] = both;
    const setting = `${before}, ${after}`;
    expect(await isValid(setting, after)).toBe(true);
    if (!name.includes('from a secret')) expect(await isValid(setting, before)).toBe(true);
    expect(await isValid(before, after)).toBe(false);
    if (!before.startsWith('whsec_')) expect(await isValid(setting, setting)).toBe(false);
  });
});
