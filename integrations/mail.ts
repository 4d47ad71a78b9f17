import { createHash } from 'node:crypto';
import type { Letter, Mail, Told } from '../domain/outlets.ts';

/** Milliseconds: to connect, to be greeted, and for each answer after that. */
const TIMEOUT_MS = 8000;

const SUBJECT_MAX_CHARS = 200;

type Options = {
  /** `smtp://user:password@host:587`, `smtps://…:465`; Amazon SES has such addresses, too. */
  url: () => Promise<string | undefined>;
  /** The sender: `Firebreak <firebreak@acme.example>`. */
  from: () => Promise<string | undefined>;
};

/** Mail by SMTP. Each letter has a connection of its own: they are few, and one that fails leaves nothing behind. */
export function smtpMail({ url, from }: Options): Mail {
  return {
    async send(letter) {
      const [address, sender] = [await url(), await from()];
      if (!address || !sender) return { kind: 'off', detail: `${address ? 'MAIL_FROM' : 'SMTP_URL'} is not set` };
      // Loaded when there is a letter: nothing else should start later for it.
      const { createTransport } = await import('nodemailer');
      const transport = createTransport({
        url: address,
        connectionTimeout: TIMEOUT_MS,
        greetingTimeout: TIMEOUT_MS,
        socketTimeout: TIMEOUT_MS,
        dnsTimeout: TIMEOUT_MS,
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      try {
        await transport.sendMail(messageOf(letter, sender));
        return { kind: 'done', value: null };
      } catch (error) {
        return failureOf(error);
      } finally {
        transport.close();
      }
    },
  };
}

function messageOf({ to, subject, text, key }: Letter, from: string) {
  return {
    from,
    // Nobody has to see who else is told.
    bcc: [...to],
    to: from,
    subject: oneLine(subject),
    text,
    messageId: `<${createHash('sha256').update(key).digest('hex').slice(0, 40)}@firebreak.invalid>`,
    // Nobody's out-of-office answer is wanted. RFC 3834
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
  };
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim().slice(0, SUBJECT_MAX_CHARS);

/** Errors of nodemailer carry what the server said, and how far it had come. */
type SmtpError = Error & { code?: string; responseCode?: number; command?: string };

/**
 * A refusal (5xx) is one until somebody changes something. What broke after the text was sent may have gone out; letters
 * may repeat, so that is `later`, too.
 */
function failureOf(error: unknown): Told<null> {
  const { message, responseCode, code } = error as SmtpError;
  if (responseCode !== undefined && responseCode >= 500)
    return { kind: 'refused', code: String(responseCode), detail: message };
  if (code === 'EAUTH' || code === 'EENVELOPE') return { kind: 'refused', code, detail: message };
  return { kind: 'later', detail: message, afterSeconds: null };
}
