import type { SMTPConnectionOptions } from 'nodemailer/lib/smtp-connection';

/** As nodemailer takes it. `auth`: whom the address names. */
export type SmtpSettings = SMTPConnectionOptions & { auth?: { user: string; pass: string } | undefined };

/** What is wrong with the settings, in words that do not show them: the address may hold a password. */
export function smtpFault(url: string, sender: string): string | undefined {
  const parsed = URL.parse(url);
  // What is no such address, the library takes for one of this machine.
  if (parsed === null || !/^smtps?:$/.test(parsed.protocol) || parsed.hostname === '')
    return 'SMTP_URL is no address of a mail server, as smtps://user:password@mail.example.com:465 is';
  if (!/[^\s@]@[^\s@]/.test(sender))
    return 'MAIL_FROM holds no e-mail address, as Firebreak <firebreak@example.com> does';
  return undefined;
}

/**
 * A password goes to another machine through TLS alone, whatever the server offers: somebody in between could take the
 * offer out. `?requireTLS=false` at the end of the address is for those who know their network.
 *
 * @param url in which `smtpFault` has found nothing wrong
 * @param timeoutMs to find it, to connect, to be greeted, and for each answer after that
 */
export async function smtpSettings(url: string, timeoutMs: number): Promise<SmtpSettings> {
  const { parseConnectionUrl } = await import('nodemailer/lib/shared'); // loaded when it is needed
  const written = parseConnectionUrl(url) as SmtpSettings;
  return {
    requireTLS: written.auth !== undefined && !written.secure && !isLoopback(written.host ?? ''),
    ...written,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
  };
}

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d+){3}|\[?::1\]?)$/.test(host);
