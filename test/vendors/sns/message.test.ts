import { expect, test } from 'vitest';
import { mailFailuresIn, readSnsMessage, snsUrl } from '../../../vendors/sns/message.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { certificate, snsMessage, TOPIC } from './signed.ts';

const read = async (body: unknown, pem = certificate(), topics: readonly string[] = [TOPIC]) => {
  const urls: string[] = [];
  const result = await readSnsMessage(body, {
    topics,
    now: '2026-11-20T12:00:10.000Z' as Timestamp,
    read: async (url) => (urls.push(url), pem),
  });
  return { ...result, urls };
};

test.each(['1', '2'] as const)(
  'a message with a signature of version %s is accepted, with and without a subject',
  async (version) => {
    for (const fields of [
      {},
      { Subject: 'Amazon SES' },
      { Type: 'SubscriptionConfirmation', SubscribeURL: 'https://x', Token: 't' },
    ])
      expect((await read(snsMessage(fields, version))).kind).toBe('message');
  },
);

test.each([
  ['another text', { ...snsMessage(), Message: 'Goodbye' }],
  ['another subject', { ...snsMessage(), Subject: 'added' }],
  ['no signature', { ...snsMessage(), Signature: '' }],
  ['another version', { ...snsMessage(), SignatureVersion: '1' }],
  ['another type', { ...snsMessage(), Type: 'UnsubscribeConfirmation' }],
])('a message with %s is refused', async (_name, message) => {
  expect(await read(message)).toMatchObject({ kind: 'refused', detail: 'the signature is not valid' });
});

test.each([
  ['of another topic', snsMessage({ TopicArn: 'arn:aws:sns:eu-west-1:999999999999:ses-bounces' })],
  [
    'with a certificate elsewhere',
    snsMessage({ SigningCertURL: 'https://sns.eu-west-1.amazonaws.com.evil.example/a.pem' }),
  ],
  ['with a certificate over HTTP', snsMessage({ SigningCertURL: 'http://sns.eu-west-1.amazonaws.com/a.pem' })],
  ['with something else at SNS', snsMessage({ SigningCertURL: 'https://sns.eu-west-1.amazonaws.com/?Action=x' })],
  ['that is none', { Type: 'Notification' }],
  ['without content', undefined],
])('a message %s is refused, and nothing is read', async (_name, message) => {
  expect(await read(message)).toMatchObject({ kind: 'refused', urls: [] });
});

test('an expired or unreadable certificate proves nothing; one that cannot be fetched is asked for again', async () => {
  expect((await read(snsMessage(), certificate('25'))).kind).toBe('refused');
  expect((await read(snsMessage(), 'no certificate')).kind).toBe('refused');
  const options = { topics: [TOPIC], now: '2026-11-20T12:00:10.000Z' as Timestamp };
  const failing = await readSnsMessage(snsMessage(), {
    ...options,
    read: () => Promise.reject(new Error('no answer')),
  });
  expect(failing.kind).toBe('unavailable');
});

test('only addresses of SNS count', () => {
  expect(snsUrl('https://sns.us-gov-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=1')).toBeDefined();
  for (const url of [
    'https://sns.evil.example/',
    'https://a@sns.eu-west-1.amazonaws.com/',
    'https://sns.eu-west-1.amazonaws.com:8443/',
    undefined,
  ])
    expect(snsUrl(url)).toBeUndefined();
});

test('permanent bounces and complaints name addresses; what can pass does not', () => {
  const timestamp = '2026-11-20T12:00:00.000Z';
  const to = [{ emailAddress: 'ada@acme.example' }];
  const bounce = (bounceType: string) => ({ bounceType, bouncedRecipients: to, timestamp });
  const found = (event: object) => mailFailuresIn(JSON.stringify(event));
  const expected = { addresses: ['ada@acme.example'], at: timestamp };
  expect(found({ notificationType: 'Bounce', bounce: bounce('Permanent') })).toEqual({ kind: 'bounced', ...expected });
  expect(found({ eventType: 'Bounce', bounce: bounce('Permanent') })).toEqual({ kind: 'bounced', ...expected });
  const complaint = { complainedRecipients: to, timestamp };
  expect(found({ notificationType: 'Complaint', complaint })).toEqual({ kind: 'complained', ...expected });
  expect(found({ notificationType: 'Bounce', bounce: bounce('Transient') })).toBeNull();
  expect(found({ notificationType: 'Delivery' })).toBeNull();
  expect(mailFailuresIn('Successfully validated SNS topic for Amazon SES event publishing.')).toBeNull();
});
