import type { Secrets } from '../../core/domain/ports/system.ts';
import { smtpMail } from '../../vendors/mail/mail.ts';

/** Returns what sends emails. The SMTP client is only in the bundles of functions that use this. */
export const emailsOf = ({ secrets }: { secrets: Secrets }): ReturnType<typeof smtpMail> =>
  smtpMail({ url: () => secrets.get('SMTP_URL'), from: () => secrets.get('MAIL_FROM') });
