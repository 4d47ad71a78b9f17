import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Tickets } from '../../../core/domain/ports/tickets.ts';
import { webhookTickets } from '../../../vendors/webhook/ticket.ts';
import { SetClock } from '../../support/fake-deps.ts';
import { vendor } from '../server.ts';
import { sent, respondsAsAgreed } from '../vendor-responses.ts';

const NOON = '2026-11-20T12:00:00.000Z';
const SECRET = 'a plain secret';

const at = (url: string, signature: string | null = 'TICKET_SIGNING', secret: string | undefined = SECRET): Tickets =>
  webhookTickets({
    url,
    signature,
    secrets: { get: async (name) => (name === 'TICKET_SIGNING' ? secret : undefined) },
    clock: new SetClock(NOON),
  });

const ticket = { key: '01TEST.ticket', title: 'disk fills up', body: 'since noon', labels: ['warning'] };

describe('each call', () => {
  respondsAsAgreed({
    read: {},
    write: {
      open: (url) => at(url).open(ticket),
      comment: (url) => at(url).comment('01TEST.ticket', 'text', '01TEST.end'),
    },
  });

  test.each([200, 201, 202, 204])('with the response status %i is done, regardless of the body', async (status) => {
    const { url } = await vendor({ status, body: status === 204 ? '' : 'ok' });
    expect(await at(url).open(ticket)).toEqual({ kind: 'done', value: { id: ticket.key, url: null } });
  });

  test('without its secret sends nothing unsigned', async () => {
    const { url, received } = await vendor({});
    for (const response of [await at(url, 'TICKET_SIGNING', '').open(ticket), await at(url, 'OTHER').open(ticket)])
      expect(response).toMatchObject({ kind: 'refused', code: 'no_secret' });
    expect(received).toEqual([]);
  });
});

test('a ticket is a signed webhook whose ID is its key', async () => {
  const { url, received } = await vendor({ status: 204 });
  await at(`${url}/tickets`).open(ticket);
  const [request] = received;
  expect(request).toMatchObject({
    method: 'POST',
    path: '/tickets',
    headers: { 'content-type': 'application/json', 'webhook-id': ticket.key },
  });
  expect(sent(received)).toEqual([{ type: 'ticket.opened', timestamp: NOON, data: ticket }]);
  const signed = `${ticket.key}.${Date.parse(NOON) / 1000}.${request?.body ?? ''}`;
  expect(request?.headers['webhook-signature']).toBe(
    `v1,${createHmac('sha256', SECRET).update(signed).digest('base64')}`,
  );
});

test('a comment is also a signed webhook, with its own key', async () => {
  const { url, received } = await vendor({ status: 200 });
  expect(await at(url).comment('01TEST.ticket', 'It is over.', '01TEST.end')).toEqual({ kind: 'done', value: null });
  expect(received).toMatchObject([{ headers: { 'webhook-id': '01TEST.end' } }]);
  expect(sent(received)).toEqual([
    {
      type: 'ticket.commented',
      timestamp: NOON,
      data: { ticket: '01TEST.ticket', key: '01TEST.end', text: 'It is over.' },
    },
  ]);
});

test("a receiver that doesn't verify signatures gets only the key", async () => {
  const { url, received } = await vendor({ status: 200 });
  await at(url, null).open(ticket);
  expect(received[0]?.headers).toMatchObject({ 'webhook-id': ticket.key });
  expect(received[0]?.headers).not.toHaveProperty('webhook-signature');
});

test('a search sends nothing and finds nothing', async () => {
  const { url, received } = await vendor({ status: 200 });
  expect(await at(url).find(ticket.key)).toEqual({ kind: 'done', value: null });
  expect(received).toEqual([]);
});
