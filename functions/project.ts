import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { deps } from '../aws/deps.ts';
import { smtpMail } from '../integrations/mail/mail.ts';
import { project } from '../jobs/queues/project.ts';

/** Brings the targets that a batch of SQS messages names up to date. */
export const handler = (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
  const { secrets } = deps();
  const emails = smtpMail({ url: () => secrets.get('SMTP_URL'), from: () => secrets.get('MAIL_FROM') });
  return project({ ...deps(), emails }, event, context);
};
