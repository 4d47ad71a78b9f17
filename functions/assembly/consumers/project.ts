import type { Product } from '../product.ts';
import { project } from '../../../core/jobs/queues/project.ts';
import type { Consumer } from '../../../platforms/queues.ts';
import { emailsOf } from '../emails.ts';

/** Updates the projection targets, such as Slack or Statuspage, that a batch of messages names. */
export function projectConsumer(deps: Product): Consumer {
  const emails = emailsOf(deps);
  return (batch) => project({ ...deps, emails }, batch);
}
