import { deps } from '../aws/deps.ts';
import { smtpMail } from '../integrations/mail/mail.ts';
import { digest } from '../jobs/digest/digest.ts';

/**
 * Sends the status updates, reports, and team digests that are due. The SMTP client is only in the bundles of functions
 * that send email.
 */
export const handler = (): Promise<{ sent: number }> => {
  const { secrets } = deps();
  const emails = smtpMail({ url: () => secrets.get('SMTP_URL'), from: () => secrets.get('MAIL_FROM') });
  return digest({ ...deps(), emails });
};
