import { describe, expect, test } from 'vitest';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { freeze } from '../freezes-support.ts';
import { type Received, type Reply, vendorThat } from '../../../../test/vendors/server.ts';
import { cli } from '../../../../test/entrances/cli/support.ts';

const OPEN = ['freeze', 'open', '--service', 'checkout', '--until-lifted', '--reason', 'Migration'];

const OPENED = {
  ...freeze('frz_1', '2026-11-20T12:00:00.000Z' as Timestamp),
  state: 'in_force',
  warnings: [],
  services: ['checkout'],
};

/** Opens a freeze at a Firebreak with these replies, and returns the requests that create it. */
async function opened(reply: (n: number) => Reply): Promise<{ code: number | null; err: string; sent: Received[] }> {
  const server = await vendorThat((_, n) => reply(n));
  const env = { FIREBREAK_URL: server.url, FIREBREAK_TOKEN: 'token' };
  const { code, err } = await cli(OPEN, { env });
  return { code, err, sent: server.received.filter(({ method }) => method === 'POST') };
}

const created: Reply = { status: 201, body: JSON.stringify(OPENED) };
const problem = (status: number, code: string): Reply => ({
  status,
  body: JSON.stringify({ code, detail: 'Refused' }),
});

describe('a command that creates something', () => {
  test.each<[string, Reply]>([
    ['the response breaks off', { cut: 201 }],
    ['a gateway has lost it', { status: 504, body: 'Gateway Timeout' }],
    ['the first request is in progress', problem(409, 'idempotency-key-running')],
  ])('repeats the same request if %s', async (_, lost) => {
    const { code, err, sent } = await opened((n) => (n === 0 ? lost : created));
    expect([code, err]).toEqual([0, expect.any(String)]);
    const [first, second, ...more] = sent.map(({ path, headers, body }) => [path, headers['idempotency-key'], body]);
    expect(first?.[1]).toMatch(/^[0-9a-f-]{36}$/);
    expect([second, more]).toEqual([first, []]);
  });

  test('repeats it until the process that died no longer blocks the key', async () => {
    const running = problem(409, 'idempotency-key-running');
    const replies: Reply[] = [{ cut: 201 }, running, problem(503, 'unavailable'), running, created];
    const { code, sent } = await opened((n) => replies[n] ?? created);
    expect([code, sent.length]).toEqual([0, replies.length]);
    expect(new Set(sent.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  });

  test('does not repeat what is refused, and gives up when nothing answers', async () => {
    const refused = await opened(() => problem(422, 'invalid'));
    expect([refused.code, refused.sent.length]).toEqual([2, 1]);
    const away = await cli(OPEN, { env: { FIREBREAK_URL: 'http://127.0.0.1:1', FIREBREAK_TOKEN: 'token' } });
    expect([away.code, away.err]).toEqual([1, expect.stringContaining('cannot reach Firebreak')]);
  });
});
