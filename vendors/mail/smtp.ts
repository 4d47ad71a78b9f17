import type { SMTPConnectionOptions } from 'nodemailer/lib/smtp-connection';

/** The settings in nodemailer's format. `auth` holds the credentials in the URL. */
export type SmtpSettings = SMTPConnectionOptions & { auth?: { user: string; pass: string } | undefined };

/** Returns what is wrong with the settings, without showing them, because the URL can contain a password. */
export function smtpFault(url: string, sender: string): string | undefined {
  const parsed = URL.parse(url);
  // nodemailer treats an invalid URL as localhost.
  if (parsed === null || !/^smtps?:$/.test(parsed.protocol) || parsed.hostname === '')
    return 'SMTP_URL is not a mail server address, such as smtps://user:password@mail.example.com:465';
  if (!/[^\s@]@[^\s@]/.test(sender))
    return 'MAIL_FROM contains no email address, such as Firebreak <firebreak@example.com>';
  return undefined;
}

/**
 * Returns the connection settings. Sends a password to another machine only over TLS, even if the server doesn't offer
 * it, because an attacker on the network could remove the offer. `?requireTLS=false` at the end of the URL turns this
 * off.
 *
 * @param url a URL that `smtpFault` accepts
 * @param timeoutMs milliseconds for each of: DNS lookup, connection, greeting, and every following response
 */
export async function smtpSettings(url: string, timeoutMs: number): Promise<SmtpSettings> {
  const { parseConnectionUrl } = await import('nodemailer/lib/shared'); // loaded on demand
  const parsed = parseConnectionUrl(url) as SmtpSettings;
  return {
    requireTLS: parsed.auth !== undefined && !parsed.secure && !isLoopback(parsed.host ?? ''),
    ...parsed,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
  };
}

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d+){3}|\[?::1\]?)$/.test(host);
