import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import { smtpFault, smtpSettings } from './smtp.ts';

/** Milliseconds for each of: DNS lookup, connection, greeting, and every following response. */
const TIMEOUT_MS = 4000;

type Options = {
  /** `smtp://user:password@host:587`, `smtps://…:465`. */
  url: () => Promise<string | undefined>;
  /** The sender, for example `Firebreak <firebreak@acme.example>`. */
  from: () => Promise<string | undefined>;
};

/** Checks that the mail server accepts the credentials. Sends no email. */
export async function checkMail({ url, from }: Options): Promise<VendorResponse<null>> {
  const [address, sender] = [await url(), await from()];
  if (!address || !sender) return { kind: 'off', detail: `${address ? 'MAIL_FROM' : 'SMTP_URL'} is not set` };
  const fault = smtpFault(address, sender);
  if (fault !== undefined) return invalidSettings(fault);
  // Loaded on demand. This part of nodemailer opens the connection.
  const { default: SMTPTransport } = await import('nodemailer/lib/smtp-transport');
  const transport = new SMTPTransport(await smtpSettings(address, TIMEOUT_MS));
  try {
    await transport.verify();
    return { kind: 'done', value: null };
  } catch (error) {
    return failureOf(error);
  } finally {
    transport.close();
  }
}

const invalidSettings = (detail: string): VendorResponse<never> => ({ kind: 'refused', code: 'not_set_right', detail });

/** An error with the server's response and the failed step. */
type SmtpError = Error & { code?: string; responseCode?: number };

function failureOf(error: unknown): VendorResponse<never> {
  const { message, responseCode = 0, code = '' } = error as SmtpError;
  if (code === 'EAUTH')
    return invalidSettings(`${message}: the mail server does not know the user and password of SMTP_URL`);
  return responseCode >= 500
    ? { kind: 'refused', code: String(responseCode), detail: message }
    : { kind: 'later', detail: message, afterSeconds: null };
}
