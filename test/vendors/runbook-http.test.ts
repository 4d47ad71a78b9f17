import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { HttpAnswer } from '../../core/domain/ports/runbooks.ts';
import { runbookCalls } from '../../vendors/runbook-http/calls.ts';
import { HttpWith } from '../../schemas/runbooks/parts/http.ts';
import { SetClock } from '../support/fake-deps.ts';
import { impatient } from './time-limits.ts';
import { nobody, type Received, type Reply, vendor } from './server.ts';

const clock = new SetClock('2026-11-20T12:00:00.000Z');
const SIGNING = Buffer.from('a signing key of ops').toString('base64');
const SECRETS: Record<string, string> = {
  OPS_TOKEN: 'ops-test\n',
  OPS_SIGNING: `whsec_${SIGNING}`,
  EMPTY: '',
  ODD: 'sch€me',
};
const KEY = '01JCYZ7Q8M3N5P7R9T1V3X5Z7B.runbook.1.drain';

const calls = runbookCalls({ secrets: { get: async (name) => SECRETS[name] }, clock });
const said = (text: string) => expect.stringContaining(text) as string;

/** Calls a vendor with this reply. Returns the result and the received requests. */
async function called(
  given: Partial<Record<keyof HttpWith, unknown>>,
  reply: Reply = {},
): Promise<{ answer: HttpAnswer; received: Received[] }> {
  const { url, received } = await vendor(reply);
  const request = HttpWith.parse({ method: 'POST', url: `${url}/drains?of=checkout`, ...given });
  return { answer: await calls.call(request, KEY), received };
}

describe('a call of a runbook', () => {
  test('is sent as written, with the key of the action', async () => {
    const { received } = await called({ body: { service: 'checkout', since: 3 }, headers: { 'X-Reason': 'incident' } });
    expect(received).toMatchObject([
      {
        method: 'POST',
        path: '/drains?of=checkout',
        body: '{"service":"checkout","since":3}',
        headers: { 'content-type': 'application/json', 'x-reason': 'incident', 'idempotency-key': KEY },
      },
    ]);
  });

  test('with a text body has the type text, unless its headers set another one', async () => {
    const plain = await called({ body: 'service=checkout' });
    expect(plain.received[0]?.headers['content-type']).toBe('text/plain; charset=utf-8');
    const form = await called({
      body: 'service=checkout',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    });
    expect(form.received[0]?.headers['content-type']).toBe('application/x-www-form-urlencoded');
  });

  test.each([
    ['bearer', { bearer: 'OPS_TOKEN' }, 'authorization', 'Bearer ops-test'],
    [
      'basic',
      { basic: { user: 'ops', password: 'OPS_TOKEN' } },
      'authorization',
      `Basic ${Buffer.from('ops:ops-test').toString('base64')}`,
    ],
    ['a header', { header: 'X-Api-Key', secret: 'OPS_TOKEN' }, 'x-api-key', 'ops-test'],
  ])('has its credential: %s', async (_, auth, header, value) => {
    const { received } = await called({ auth });
    expect(received[0]?.headers[header]).toBe(value);
  });

  test('is signed in the Standard Webhooks format, over the body as sent', async () => {
    const { received } = await called({ auth: { webhookSignature: 'OPS_SIGNING' }, body: { a: 1 } });
    const { headers, body = '' } = received[0] ?? { headers: {} };
    const at = String(Math.floor(clock.millis / 1000));
    const signature = createHmac('sha256', 'a signing key of ops').update(`${KEY}.${at}.${body}`).digest('base64');
    expect(headers).toMatchObject({
      'webhook-id': KEY,
      'webhook-timestamp': at,
      'webhook-signature': `v1,${signature}`,
    });
  });

  test.each<[string, Partial<Record<keyof HttpWith, unknown>>, string]>([
    ['without its secret', { auth: { bearer: 'MISSING' } }, 'the secret MISSING is not set'],
    ['with an empty secret', { auth: { bearer: 'EMPTY' } }, 'the secret EMPTY is not set'],
    ['with a secret that no header carries', { auth: { bearer: 'ODD' } }, 'the header authorization'],
    ['with a header that no header may be', { headers: { 'X-Title': 'Käse für 3 €' } }, 'the header x-title'],
    ['that reads, with a body', { method: 'GET', body: 'text' }, 'a GET request cannot have a body'],
  ])('%s is not sent, and the result has the reason', async (_, given, why) => {
    const { answer, received } = await called(given);
    expect(answer).toEqual({ kind: 'refused', detail: said(why) });
    expect(received).toEqual([]);
    expect(JSON.stringify(answer)).not.toContain('sch€me');
  });
});

describe('the response', () => {
  test.each<[string, Reply, HttpAnswer]>([
    [
      'JSON',
      { status: 201, body: '{"id":"d-7"}' },
      { kind: 'answered', status: 201, body: { id: 'd-7' }, afterSeconds: null },
    ],
    ['a text', { status: 200, body: 'done' }, { kind: 'answered', status: 200, body: 'done', afterSeconds: null }],
    ['nothing', { status: 204 }, { kind: 'answered', status: 204, body: '', afterSeconds: null }],
    ['a no', { status: 403, body: '{}' }, { kind: 'answered', status: 403, body: {}, afterSeconds: null }],
    [
      'to come again later',
      { status: 503, headers: { 'retry-after': '17' } },
      { kind: 'answered', status: 503, body: '', afterSeconds: 17 },
    ],
    [
      'to redirect to another host, which must not receive its credential',
      { status: 307, headers: { location: 'http://127.0.0.1:9/' } },
      { kind: 'answered', status: 307, body: '', afterSeconds: null },
    ],
  ])('%s', async (_, reply, expected) => {
    expect((await called({ auth: { bearer: 'OPS_TOKEN' } }, reply)).answer).toEqual(expected);
  });

  test.each<[string, Reply]>([
    ['is cut off', { cut: 200 }],
    ['is a book', { body: 'x'.repeat(1024 * 1024 + 1) }],
  ])('that %s is "later", because the call may have had its effect', async (_, reply) => {
    expect((await called({}, reply)).answer).toEqual({ kind: 'later', detail: said('POST http://127.0.0.1') });
  });

  test('that doesn\'t arrive within a third of the function\'s time is "later"', async () => {
    const limits = impatient();
    expect((await called({}, 'hang')).answer).toEqual({ kind: 'later', detail: said('no answer in time') });
    expect(limits).toEqual([15_000]);
  });

  test('without a listener at the address is "later"', async () => {
    const request = HttpWith.parse({ method: 'POST', url: `${await nobody()}/drains` });
    expect(await calls.call(request, KEY)).toEqual({ kind: 'later', detail: said('POST http://127.0.0.1') });
  });
});
