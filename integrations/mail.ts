import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { Delivered, Letter, Mail } from '../domain/outlets.ts';
import { smtpFault, smtpSettings, type SmtpSettings } from './smtp.ts';

/** Milliseconds: to connect, to be greeted, and for each answer after that. */
const ANSWER_TIMEOUT_MS = 10_000;

/** Milliseconds for all of a letter, however lively the server is. */
const LETTER_TIMEOUT_MS = 20_000;

const SUBJECT_MAX_CHARS = 200;

type Options = {
  /** `smtp://user:password@host:587`, `smtps://…:465`; Amazon SES has such addresses, too. */
  url: () => Promise<string | undefined>;
  /** The sender: `Firebreak <firebreak@acme.example>`. */
  from: () => Promise<string | undefined>;
  /** Of an answer and of a letter. Absent: as above. */
  timeoutsMs?: { answer: number; letter: number };
};

/** Mail by SMTP. Each letter has a connection of its own: they are few, and one that fails leaves nothing behind. */
export function smtpMail({ url, from, timeoutsMs }: Options): Mail {
  const { answer, letter: whole } = timeoutsMs ?? { answer: ANSWER_TIMEOUT_MS, letter: LETTER_TIMEOUT_MS };
  return {
    async send(letter) {
      const [address, sender] = [await url(), await from()];
      if (!address || !sender) return { kind: 'off', detail: `${address ? 'MAIL_FROM' : 'SMTP_URL'} is not set` };
      const fault = smtpFault(address, sender);
      if (fault !== undefined) return closed(fault);
      return attempt(await smtpSettings(address, answer), { ...(await written(letter, sender)), timeoutMs: whole });
    },
  };
}

const closed = (detail: string): Delivered => ({ kind: 'closed', detail, afterSeconds: null });

type Envelope = { from: string; to: [string]; size: number };

/** The letter as it goes over the wire. Its libraries are loaded when there is one: nothing else should start later. */
async function written(
  { to, subject, text, key }: Letter,
  sender: string,
): Promise<{ envelope: Envelope; message: Buffer }> {
  const { default: MailComposer } = await import('nodemailer/lib/mail-composer');
  const composed = new MailComposer({
    from: sender,
    to: { name: '', address: to },
    subject: oneLine(subject),
    text,
    messageId: `<${createHash('sha256').update(key).digest('hex').slice(0, 40)}@firebreak.invalid>`,
    // Nobody's out-of-office answer is wanted. RFC 3834
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
  const message = await composed.build();
  return { envelope: { from: composed.getEnvelope().from || '', to: [to], size: message.length }, message };
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim().slice(0, SUBJECT_MAX_CHARS);

type Sending = { envelope: Envelope; message: Buffer; timeoutMs: number };

/** From the connection to the server's word that it has the letter. Never throws, and takes no longer than it may. */
async function attempt(
  { auth, ...options }: SmtpSettings,
  { envelope, message, timeoutMs }: Sending,
): Promise<Delivered> {
  const { default: Connection } = await import('nodemailer/lib/smtp-connection');
  const connection = new Connection(options);
  let begun = false;
  const text = Readable.from(
    (function* () {
      begun = true; // it is read once the server has asked for it
      yield message;
    })(),
  );
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`the mail server took ${timeoutMs} ms`)), timeoutMs);
      connection.on('error', reject); // whenever the connection breaks
      carry(connection, auth, { envelope, text }).then(resolve, reject);
    });
    return { kind: 'done', value: null };
  } catch (error) {
    return failureOf(error, begun);
  } finally {
    clearTimeout(timer);
    connection.close();
  }
}

async function carry(
  connection: SMTPConnection,
  auth: SmtpSettings['auth'],
  { envelope, text }: { envelope: Envelope; text: Readable },
): Promise<void> {
  await step((done) => connection.connect(done));
  if (auth !== undefined && connection.allowsAuth) await step((done) => connection.login(auth, done));
  await step((done) => connection.send(envelope, text, done));
}

const step = (start: (done: (error?: Error | null) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => start((error) => (error ? reject(error) : resolve())));

/** Errors of nodemailer carry what the server said, and to what. */
type SmtpError = Error & { responseCode?: number; command?: string };

/** The server ends the connection, whatever it was told last. RFC 5321, 3.8 */
const GOING_DOWN = 421;

/** About who may send, and not about whether the recipient is there. RFC 3463, 3.8 */
const POLICY = /\b5\.7\.\d/;

/**
 * That there is no such recipient is so for good. What is said of the text, or of who may send to them, somebody may set
 * right. Nothing said after the text was sent: it may have gone out.
 *
 * @param begun the server has asked for the text
 */
function failureOf(error: unknown, begun: boolean): Delivered {
  const { message, responseCode, command } = error as SmtpError;
  if (responseCode === GOING_DOWN) return closed(message);
  if (responseCode === undefined) return begun ? { kind: 'unclear', detail: message } : closed(message);
  if (command === 'RCPT TO' && responseCode >= 500 && !POLICY.test(message))
    return { kind: 'refused', code: String(responseCode), detail: message };
  return command === 'RCPT TO' || command === 'DATA'
    ? { kind: 'later', detail: message, afterSeconds: null }
    : closed(message);
}
