import type { Deps } from '../domain/ports/deps.ts';
import { smtpMail } from '../integrations/mail/mail.ts';

/** Returns what sends emails. The SMTP client is only in the bundles of functions that use this. */
export const emailsOf = ({ secrets }: Pick<Deps, 'secrets'>): ReturnType<typeof smtpMail> =>
  smtpMail({ url: () => secrets.get('SMTP_URL'), from: () => secrets.get('MAIL_FROM') });
