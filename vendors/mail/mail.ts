import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { Delivered, Email, Mail } from '../../core/domain/ports/mail.ts';
import { outgoing } from '../../core/domain/redaction/outgoing.ts';
import { smtpFault, smtpSettings, type SmtpSettings } from './smtp.ts';
import { truncated } from '../../schemas/parsing/text.ts';

/** Milliseconds for each of: DNS lookup, connection, greeting, and every following response. */
const RESPONSE_TIMEOUT_MS = 10_000;

/** Milliseconds for one email in total, even if the server keeps responding. */
const EMAIL_TIMEOUT_MS = 20_000;

const SUBJECT_MAX_CHARS = 200;

type Options = {
  /** `smtp://user:password@host:587` or `smtps://…:465`. Amazon SES also provides such addresses. */
  url: () => Promise<string | undefined>;
  /** The sender, for example `Firebreak <firebreak@acme.example>`. */
  from: () => Promise<string | undefined>;
  /** Milliseconds per response and per email. Defaults to the constants above. */
  timeoutsMs?: { response: number; email: number };
};

/**
 * Creates an SMTP client. Each email uses its own connection: emails are rare, and a failed one leaves no state behind.
 */
export function smtpMail({ url, from, timeoutsMs }: Options): Mail {
  const { response, email: total } = timeoutsMs ?? { response: RESPONSE_TIMEOUT_MS, email: EMAIL_TIMEOUT_MS };
  return {
    async send(email) {
      const [address, sender] = [await url(), await from()];
      if (!address || !sender) return { kind: 'off', detail: `${address ? 'MAIL_FROM' : 'SMTP_URL'} is not set` };
      const fault = smtpFault(address, sender);
      if (fault !== undefined) return notAccepted(fault);
      return deliver(await smtpSettings(address, response), { ...(await wireFormat(email, sender)), timeoutMs: total });
    },
  };
}

/** Returns the result of an email that the mail server did not accept, for a reason that is not its recipient. */
const notAccepted = (detail: string): Delivered => ({ kind: 'closed', detail, afterSeconds: null });

type Envelope = { from: string; to: [string]; size: number };

/**
 * Returns the email in wire format. Loads the libraries on the first email, to keep the start of everything else fast.
 */
async function wireFormat(
  { to, subject, text, html, key, unsubscribe }: Email,
  sender: string,
): Promise<{ envelope: Envelope; message: Buffer }> {
  const { default: MailComposer } = await import('nodemailer/lib/mail-composer');
  const composed = new MailComposer({
    from: sender,
    to: { name: '', address: to },
    subject: oneLine(outgoing(subject)),
    text: outgoing(text),
    ...(html !== undefined && { html: outgoing(html) }),
    messageId: `<${createHash('sha256').update(key).digest('hex').slice(0, 40)}@firebreak.invalid>`,
    // Suppresses out-of-office replies (RFC 3834).
    headers: {
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      ...(unsubscribe !== undefined && {
        'List-Unsubscribe': { prepared: true, value: `<${unsubscribe}>` },
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      }),
    },
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
  const message = await composed.build();
  return { envelope: { from: composed.getEnvelope().from || '', to: [to], size: message.length }, message };
}

const oneLine = (text: string): string => truncated(text.replaceAll(/\s+/g, ' ').trim(), SUBJECT_MAX_CHARS);

type Delivery = { envelope: Envelope; message: Buffer; timeoutMs: number };

/** Sends an email, from the connection to the server's acceptance. Never throws, and observes the time limit. */
async function deliver(
  { auth, ...options }: SmtpSettings,
  { envelope, message, timeoutMs }: Delivery,
): Promise<Delivered> {
  const { default: Connection } = await import('nodemailer/lib/smtp-connection');
  const connection = new Connection(options);
  let isTextRequested = false;
  const text = Readable.from(
    (function* () {
      isTextRequested = true; // read only after the server has asked for the text
      yield message;
    })(),
  );
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`the mail server took ${timeoutMs} ms`)), timeoutMs);
      connection.on('error', reject); // emitted whenever the connection breaks
      sendOver(connection, auth, { envelope, text }).then(resolve, reject);
    });
    return { kind: 'done', value: null };
  } catch (error) {
    return failureOf(error, isTextRequested);
  } finally {
    clearTimeout(timer);
    connection.close();
  }
}

async function sendOver(
  connection: SMTPConnection,
  auth: SmtpSettings['auth'],
  { envelope, text }: { envelope: Envelope; text: Readable },
): Promise<void> {
  await promised((done) => connection.connect(done));
  if (auth !== undefined && connection.allowsAuth) await promised((done) => connection.login(auth, done));
  await promised((done) => connection.send(envelope, text, done));
}

const promised = (start: (done: (error?: Error | null) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => start((error) => (error ? reject(error) : resolve())));

/** A nodemailer error with the server's response and the SMTP command. */
type SmtpError = Error & { responseCode?: number; command?: string };

/** The server closes the connection, whatever the command was (RFC 5321, section 3.8). */
const GOING_DOWN = 421;

/** A status code about permission to send, not about the existence of the recipient (RFC 3463, section 3.8). */
const POLICY = /\b5\.7\.\d/;

/**
 * Converts an error. An unknown recipient is a permanent failure. A rejection of the text or of the sender can be fixed
 * by a person. No response after the text was sent is unclear, because the email may have been accepted.
 *
 * @param isTextRequested the server has asked for the text
 */
function failureOf(error: unknown, isTextRequested: boolean): Delivered {
  const { message, responseCode, command } = error as SmtpError;
  if (responseCode === GOING_DOWN) return notAccepted(message);
  if (responseCode === undefined) return isTextRequested ? { kind: 'unclear', detail: message } : notAccepted(message);
  if (command === 'RCPT TO' && responseCode >= 500 && !POLICY.test(message))
    return { kind: 'refused', code: String(responseCode), detail: message };
  return command === 'RCPT TO' || command === 'DATA'
    ? { kind: 'later', detail: message, afterSeconds: null }
    : notAccepted(message);
}
