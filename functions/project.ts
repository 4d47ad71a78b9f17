import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { deps } from '../aws/deps.ts';
import { smtpMail } from '../integrations/mail/mail.ts';
import { project } from '../jobs/queues/project.ts';

/** Updates the projection targets, such as Slack or Statuspage, that a batch of SQS messages names. */
export const handler = (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
  const { secrets } = deps();
  const emails = smtpMail({ url: () => secrets.get('SMTP_URL'), from: () => secrets.get('MAIL_FROM') });
  return project({ ...deps(), emails }, event, context);
};
