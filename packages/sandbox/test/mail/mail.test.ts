import { createTransport } from 'nodemailer';
import { describe, expect, test } from 'vitest';
import type { FaultRule } from '../../core/faults.ts';
import { MAILBOX } from '../../mail/mail.ts';
import { calls, sandbox, setFault, start } from '../support.ts';

/** Starts the stand-ins, with this fault of the mail server. */
async function withFault(fault?: FaultRule['fault'], more: Partial<FaultRule> = {}) {
  const standIns = await start();
  if (fault) await setFault(standIns, { vendor: MAILBOX, fault, ...more });
  return standIns;
}
type StandIns = Awaited<ReturnType<typeof withFault>>;

/** Returns the last reply of the server, or the end of the connection. */
async function send(
  { mail }: StandIns,
  to: string | string[] = 'ada@acme.example',
  patienceMs = 60_000,
): Promise<string> {
  const transport = createTransport({ url: mail, socketTimeout: patienceMs });
  try {
    const email = { from: 'f@acme.example', to, subject: 'checkout is down', text: 'since ten' };
    return (await transport.sendMail(email)).response;
  } catch (error) {
    const { responseCode, command, code, message } = error as Error &
      Record<'responseCode' | 'command' | 'code', unknown>;
    return responseCode === undefined ? String(code) : `${String(command)}: ${message}`;
  } finally {
    transport.close();
  }
}

const received = async (standIns: StandIns) =>
  (await calls(standIns, `?vendor=${MAILBOX}`))
    .toReversed()
    .map(({ path, outcome, status, fault, body }) => ({ path, outcome, status, fault, came: body !== null }));

const ADA = '/ada@acme.example';

test('accepts all messages, and delivers none', async () => {
  const standIns = await withFault();
  expect(await send(standIns, ['ada@acme.example', 'bob@acme.example'])).toMatch(/^250 /);
  const taken = { outcome: 250, status: 250, fault: null, came: true };
  expect(await received(standIns)).toEqual([
    { path: ADA, ...taken },
    { path: '/bob@acme.example', ...taken },
  ]);
  expect((await calls(standIns))[0]?.body).toMatch(/^Subject: checkout is down$/m);
});

test('accepts any user and password, keeps lines that begin with a dot, and refuses what is too large', async () => {
  const standIns = await start();
  const url = standIns.mail.replace('smtp://', 'smtp://ada:secret@');
  const transport = createTransport({ url });
  const email = { from: 'f@acme.example', to: 'ada@acme.example' };
  await transport.sendMail({ ...email, text: 'one\n.two\n..three\n.\nfour' });
  await expect(transport.sendMail({ ...email, text: 'x'.repeat(2 ** 21) })).rejects.toThrow(/552|large|size/i);
  transport.close();
  const [{ body = '' } = {}, ...others] = await calls(standIns, `?vendor=${MAILBOX}`);
  expect(body).toMatch(/\r\none\r\n\.two\r\n\.\.three\r\n\.\r\nfour\r\n$/);
  expect(others).toEqual([]);
});

describe('the effect of each fault', () => {
  test.each<[string, FaultRule['fault'], string, number]>([
    ['permanent', { kind: 'status', status: 550, body: '5.1.1 no such user' }, '550 5.1.1 no such user', 550],
    ['temporary', { kind: 'status', status: 450 }, '450 Fault set in the sandbox', 450],
    ['rate limit', { kind: 'rate_limit' }, '451 4.7.1 Too many messages, try again later', 451],
  ])('a recipient is refused: %s', async (_, fault, said, status) => {
    const standIns = await withFault(fault);
    expect(await send(standIns)).toContain(`RCPT TO: Can't send mail - all recipients were rejected: ${said}`);
    expect(await received(standIns)).toEqual([{ path: ADA, outcome: status, status, fault: fault.kind, came: false }]);
  });

  test('the message is refused after it was received', async () => {
    const standIns = await withFault({ kind: 'status', status: 554, body: '5.6.0 no' }, { match: { method: 'DATA' } });
    expect(await send(standIns)).toBe('DATA: Message failed: 554 5.6.0 no');
    expect(await received(standIns)).toEqual([{ path: ADA, outcome: 554, status: 554, fault: 'status', came: true }]);
  });

  test('slow: accepted at once, a late reply', async () => {
    const standIns = await withFault({ kind: 'slow', delay_ms: 300_000 });
    const said = send(standIns);
    await expect.poll(() => received(standIns)).toHaveLength(1);
    expect(await received(standIns)).toEqual([{ path: ADA, outcome: 250, status: null, fault: 'slow', came: true }]);
    await standIns.close();
    expect(await said).not.toMatch(/^250/);
    expect(await send(await withFault({ kind: 'slow', delay_ms: 20 }))).toMatch(/^250 /);
  });

  test('lost: accepted, without a reply', async () => {
    const standIns = await withFault({ kind: 'lost' }, { times: 1 });
    expect(await send(standIns)).toMatch(/^ECONN/);
    expect(await received(standIns)).toEqual([{ path: ADA, outcome: 250, status: null, fault: 'lost', came: true }]);
    expect(await send(standIns)).toMatch(/^250 /);
  });

  test('reset: not accepted, and the connection is closed', async () => {
    const standIns = await withFault({ kind: 'reset' });
    expect(await send(standIns)).toMatch(/^E(CONN|SOCKET)/);
    expect(await received(standIns)).toEqual([{ path: ADA, outcome: null, status: null, fault: 'reset', came: false }]);
  });

  test('hang: not accepted, without a reply', async () => {
    const standIns = await withFault({ kind: 'hang' });
    expect(await send(standIns, undefined, 1000)).toBe('ETIMEDOUT');
    expect(await received(standIns)).toEqual([{ path: ADA, outcome: null, status: null, fault: 'hang', came: false }]);
  });

  test('for one recipient, and a number of times', async () => {
    const standIns = await withFault({ kind: 'status', status: 450 }, { match: { path: ADA }, times: 1 });
    expect(await send(standIns, 'bob@acme.example')).toMatch(/^250 /);
    expect(await send(standIns)).toContain('450');
    expect(await send(standIns)).toMatch(/^250 /);
    expect(await sandbox(standIns, 'GET', '/faults')).toMatchObject({ items: [] });
  });
});

test.each<[string, FaultRule['fault']]>([
  ['the mail server has no fault', { kind: 'late', delay_ms: 10 }],
  ['not 200', { kind: 'status', status: 200 }],
])('%s', async (said, fault) => {
  const standIns = await start();
  await expect(setFault(standIns, { vendor: MAILBOX, fault })).rejects.toThrow(said);
});
