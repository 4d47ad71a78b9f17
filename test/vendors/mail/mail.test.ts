import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { callbackify } from 'node:util';
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { smtpMail } from '../../../vendors/mail/mail.ts';

const EMAIL = { to: 'cto@acme.example', subject: 'It\nfails', text: 'since noon', key: 'an email' };

/** Milliseconds: a server that responds is never too slow. */
const PATIENT = { response: 60_000, email: 90_000 };

type Received = { from: string | false; to: string[]; body: string };

/** Creates an error response of a mail server. */
const refusal = (responseCode: number, message: string): Error => Object.assign(new Error(message), { responseCode });

/** Starts a mail server that accepts emails by default. */
async function mailServer(options: SMTPServerOptions = {}): Promise<{ port: number; received: Received[] }> {
  const received: Received[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onData: callbackify(async (stream: Readable, { envelope: { mailFrom, rcptTo } }: SMTPServerSession) => {
      const body = await text(stream);
      received.push({ from: mailFrom && mailFrom.address, to: rcptTo.map(({ address }) => address), body });
    }),
    ...options,
  });
  server.on('error', () => undefined); // ignore disconnecting clients
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { port: (server.server.address() as AddressInfo).port, received };
}

/** Starts a listener that is not a mail server. */
async function listener(talk: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    talk(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const mailTo = (port: number, more: { user?: string; from?: string | undefined; timeoutsMs?: typeof PATIENT } = {}) =>
  smtpMail({
    url: async () => `smtp://${more.user === undefined ? '' : `${more.user}@`}127.0.0.1:${port}`,
    from: async () => ('from' in more ? more.from : 'Firebreak <noreply@acme.example>'),
    timeoutsMs: more.timeoutsMs ?? PATIENT,
  });

describe('an email', () => {
  test('is sent to its recipient only', async () => {
    const { port, received } = await mailServer();
    expect(await mailTo(port).send(EMAIL)).toEqual({ kind: 'done', value: null });
    expect(received).toMatchObject([{ from: 'noreply@acme.example', to: ['cto@acme.example'] }]);
    const body = received[0]?.body ?? '';
    expect(body).toMatch(/^To: cto@acme\.example\r$/m);
    expect(body).toMatch(/^From: Firebreak <noreply@acme\.example>\r$/m);
    expect(body).toMatch(/^Subject: It fails\r$/m);
    expect(body).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    expect(body).toMatch(/\r\n\r\nsince noon\r\n$/);
  });

  test('is identified by its key', async () => {
    const { port, received } = await mailServer();
    for (const key of ['one', 'one', 'another']) await mailTo(port).send({ ...EMAIL, key });
    const ids = received.map(({ body }) => /^Message-ID: (\S+)/m.exec(body)?.[1]);
    expect(ids[0]).toMatch(/^<\w{40}@firebreak\.invalid>$/);
    expect(ids).toEqual([ids[0], ids[0], expect.not.stringMatching(ids[0] ?? '')]);
  });

  test('uses the user and password in the URL', async () => {
    const logins: unknown[] = [];
    const { port } = await mailServer({
      onAuth: ({ username, password }, _session, done) => {
        logins.push([username, password]);
        done(null, { user: username ?? '' });
      },
    });
    expect(await mailTo(port, { user: 'AKIA:p%40ss' }).send(EMAIL)).toMatchObject({ kind: 'done' });
    expect(logins).toEqual([['AKIA', 'p@ss']]);
  });
});

describe('a password', () => {
  /** Returns a local address that doesn't look local. */
  const elsewhere = (port: number, more = ''): string => `smtp://u:secret@0.0.0.0:${port}${more}`;
  const from = async () => 'noreply@acme.example';

  test.each<[string, (port: number) => string, string, number]>([
    ['is not sent to another machine without TLS', (port) => elsewhere(port), 'closed', 0],
    ['is sent there with requireTLS=false', (port) => elsewhere(port, '?requireTLS=false'), 'done', 1],
    ['is sent to this machine', (port) => `smtp://u:secret@localhost:${port}`, 'done', 1],
  ])('%s', async (_, url, kind, expectedLogins) => {
    let logins = 0;
    const { port } = await mailServer({
      onAuth: (_auth, _session, done) => {
        logins += 1;
        done(null, { user: 'u' });
      },
    });
    const result = await smtpMail({ url: async () => url(port), from, timeoutsMs: PATIENT }).send(EMAIL);
    expect([result.kind, logins]).toEqual([kind, expectedLogins]);
  });
});

describe('a refusal of', () => {
  test.each<[what: string, how: string, options: SMTPServerOptions, user?: string]>([
    [
      'the recipient concerns this email, and is permanent',
      'refused',
      { onRcptTo: (_to, _s, done) => done(refusal(550, '5.1.1 no such user')) },
    ],
    [
      'the recipient for now is retried',
      'later',
      { onRcptTo: (_to, _s, done) => done(refusal(451, '4.7.1 come again later')) },
    ],
    [
      'relaying to the recipient can be fixed, and is retried',
      'later',
      { onRcptTo: (_to, _s, done) => done(refusal(554, '5.7.1 relay access denied')) },
    ],
    [
      'the text can be fixed, and is retried',
      'later',
      {
        onData: callbackify(async (stream: Readable, _session: SMTPServerSession) => {
          await text(stream);
          throw refusal(554, 'address is not verified');
        }),
      },
    ],
    [
      'the sender concerns all emails',
      'closed',
      { onMailFrom: (_from, _s, done) => done(refusal(550, '5.1.8 sender refused')) },
    ],
    [
      'the password concerns all emails',
      'closed',
      { onAuth: (_auth, _s, done) => done(refusal(535, '5.7.8 wrong')) },
      'u:p',
    ],
    [
      'the connection concerns all emails',
      'closed',
      { onConnect: (_session, done) => done(refusal(554, 'no service')) },
    ],
    [
      'any command while the server shuts down concerns all emails',
      'closed',
      { onRcptTo: (_to, _s, done) => done(refusal(421, '4.3.2 going down')) },
    ],
  ])('%s', async (_what, kind, options, user) => {
    const { port, received } = await mailServer(options);
    const result = await mailTo(port, user === undefined ? {} : { user }).send(EMAIL);
    expect(result).toMatchObject({ kind, detail: expect.stringMatching(/\b[45]\d\d\b/) });
    expect(received).toEqual([]);
  });
});

describe('an unresponsive server', () => {
  test.each<[string, (socket: Socket) => void]>([
    ['from the beginning', () => undefined],
    ['after its greeting', (socket) => socket.write('220 hello\r\n')],
    ['that responds in another protocol', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['that hangs up', (socket) => socket.destroy()],
  ])('%s: accepts no email, which is detected soon', async (_, talk) => {
    const mail = mailTo(await listener(talk), { timeoutsMs: { ...PATIENT, response: 100 } });
    expect(await mail.send(EMAIL)).toMatchObject({ kind: 'closed' });
  });

  test('that has received the text may have accepted the email', async () => {
    const real = setTimeout;
    let expire = (): void => undefined;
    const timers = vi.spyOn(globalThis, 'setTimeout').mockImplementation((callback, ms, ...args) => {
      if (ms === PATIENT.email) expire = callback;
      return real(callback, ms, ...args);
    });
    onTestFinished(() => timers.mockRestore());
    const { port } = await mailServer({ onData: (stream) => stream.once('data', () => expire()).resume() });
    expect(await mailTo(port).send(EMAIL)).toMatchObject({ kind: 'unclear' });
  });

  test('that keeps responding is abandoned at the time limit', async () => {
    const port = await listener((socket) => {
      socket.write('220 hello\r\n');
      const talking = setInterval(() => socket.write('250-and more\r\n'), 100);
      socket.on('close', () => clearInterval(talking));
    });
    const timeoutsMs = { ...PATIENT, email: 300 };
    expect(await mailTo(port, { timeoutsMs }).send(EMAIL)).toMatchObject({
      kind: 'closed',
      detail: `the mail server took ${timeoutsMs.email} ms`,
    });
  });

  test('without a listener at its address accepts no email', async () => {
    const mail = smtpMail({ url: async () => 'smtp://127.0.0.1:1', from: async () => 'noreply@acme.example' });
    expect(await mail.send(EMAIL)).toMatchObject({ kind: 'closed' });
  });
});

describe('settings', () => {
  test.each<[string, string | undefined, string | undefined, object]>([
    ['no address is off', undefined, 'a@acme.example', { kind: 'off', detail: 'SMTP_URL is not set' }],
    ['no sender is off', 'smtp://127.0.0.1:1', undefined, { kind: 'off', detail: 'MAIL_FROM is not set' }],
    ['an invalid address is reported, without its text', 'user:secret@mail', 'a@acme.example', { kind: 'closed' }],
    [
      'an invalid sender is reported',
      'smtp://127.0.0.1:1',
      'Firebreak',
      { kind: 'closed', detail: expect.stringContaining('MAIL_FROM') },
    ],
  ])('%s', async (_, url, from, expected) => {
    const result = await smtpMail({ url: async () => url, from: async () => from }).send(EMAIL);
    expect(result).toMatchObject(expected);
    expect(JSON.stringify(result)).not.toContain('secret');
  });
});
