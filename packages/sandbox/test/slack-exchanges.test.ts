import { describe, expect, test } from 'vitest';
import type { StandIns } from '../core/index.ts';
import { client, newChannel, post } from './slack-support.ts';
import { clock, exchange, send, setFault, start, type Exchange } from './support.ts';

/** Returns the types in a value: for a list, the types of its items. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape);
  if (typeof value !== 'object' || value === null) return value === null ? null : typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shape(item)]));
}

type Answer = { ok: boolean; error?: string };

/** Expects the documented status and error, and all fields of the documented response. There may be more. */
async function expectAnswer(response: Response, { response: documented }: Exchange): Promise<void> {
  expect(response.status).toBe(documented.status);
  expect(response.headers.get('content-type')).toBe(documented.headers['Content-Type']);
  expect(response.headers.get('x-oauth-scopes')).toContain('chat:write,');
  expect(response.headers.get('x-slack-req-id')).toBeTruthy();
  const body = JSON.parse(documented.body) as Answer;
  const answer = (await response.json()) as Answer;
  expect({ ok: answer.ok, error: answer.error }).toEqual({ ok: body.ok, error: body.error });
  expect(shape(answer)).toMatchObject(shape(body) as object);
}

/** Sends the request of a documented exchange, and expects its response. */
async function replay(standIns: StandIns, name: string, change: Record<string, unknown> = {}): Promise<void> {
  const documented = exchange(`slack/${name}`);
  await expectAnswer(await send(standIns.urls.slack, documented, change), documented);
}

describe('documented exchanges', () => {
  test.each([
    'conversations-create-ok',
    'conversations-create-invalid_name_specials',
    'chat-postMessage-channel_not_found',
  ])('%s, in a fresh workspace', async (name) => {
    await replay(await start(), name);
  });

  test('conversations-create-name_taken, even by an archived channel', async () => {
    const standIns = await start();
    await replay(standIns, 'conversations-create-ok');
    await replay(standIns, 'conversations-create-name_taken');
    const archived = await newChannel(client(standIns), 'another');
    await client(standIns).conversations.archive({ channel: archived });
    await replay(standIns, 'conversations-create-name_taken', { name: 'another' });
  });

  test('conversations-create-invalid_name_maxlength', async () => {
    await replay(await start(), 'conversations-create-invalid_name_maxlength', { name: 'x'.repeat(81) });
  });

  test('conversations-create-invalid_auth', async () => {
    const { urls } = await start();
    const documented = exchange('slack/conversations-create-invalid_auth');
    const headers = { ...documented.request.headers, Authorization: 'Bearer nonsense' };
    const response = await send(urls.slack, { ...documented, request: { ...documented.request, headers } });
    await expectAnswer(response, documented);
  });

  test('for messages', async () => {
    const standIns = await start();
    const channel = await newChannel(client(standIns));
    await replay(standIns, 'chat-postMessage-ok', { channel });
    await replay(standIns, 'chat-postMessage-no_text', { channel });
    await replay(standIns, 'chat-postMessage-msg_too_long', { channel, text: 'x'.repeat(40_001) });
    await replay(standIns, 'chat-postMessage-invalid_blocks', {
      channel,
      blocks: [{ type: 'section', text: { type: 'mrkdwn' } }],
    });
    await client(standIns).conversations.archive({ channel });
    await replay(standIns, 'chat-postMessage-is_archived', { channel });
    await replay(standIns, 'conversations-archive-already_archived', { channel });
  });

  test('chat-postMessage-429: more than five at once', async () => {
    const standIns = await start({ now: clock().now });
    const channel = await newChannel(client(standIns));
    for (let i = 0; i < 5; i++) await post(client(standIns), channel);
    const documented = exchange('slack/chat-postMessage-429');
    const response = await send(standIns.urls.slack, documented, { channel });
    expect(response.headers.get('retry-after')).toBe('5');
    await expectAnswer(response, documented);
  });

  test('for invitations and topics', async () => {
    const standIns = await start();
    const channel = await newChannel(client(standIns));
    await replay(standIns, 'conversations-setTopic-ok', { channel });
    await replay(standIns, 'conversations-invite-cant_invite_self', { channel });
    await replay(standIns, 'conversations-invite-partial', { channel });
    await replay(standIns, 'conversations-invite-already_in_channel', { channel });
    await replay(standIns, 'conversations-invite-ok', { channel: await newChannel(client(standIns), 'another') });
  });

  test.each([
    'conversations-create-account_inactive',
    'conversations-create-missing_scope',
    'conversations-create-restricted_action',
    'conversations-create-token_revoked',
    'chat-postMessage-not_in_channel',
    'chat-postMessage-rate_limited',
    'chat-postMessage-500',
  ])('%s is a fault', async (name) => {
    const standIns = await start();
    const documented = exchange(`slack/${name}`);
    const { status, body } = documented.response;
    await setFault(standIns, { vendor: 'slack', fault: { kind: 'status', status, body }, times: 1 });
    const response = await send(standIns.urls.slack, documented);
    expect({ status: response.status, body: await response.text() }).toEqual({ status, body });
  });
});
