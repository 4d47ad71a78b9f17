import { deps } from '../aws/deps.ts';
import { smtpMail } from '../integrations/mail/mail.ts';
import { digest } from '../jobs/digest/digest.ts';

/** Sends stakeholders what is due. Only this function sends email, so only its bundle contains the SMTP client. */
export const handler = (): Promise<{ sent: number }> => {
  const { secrets } = deps();
  const letters = smtpMail({ url: () => secrets.get('SMTP_URL'), from: () => secrets.get('MAIL_FROM') });
  return digest({ ...deps(), emails: letters });
};
