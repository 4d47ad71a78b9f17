import type { Product } from './product.ts';
import { processInbound } from '../../core/jobs/queues/process-inbound.ts';
import { project } from '../../core/jobs/queues/project.ts';
import { route } from '../../core/jobs/queues/route.ts';
import type { Consumer } from '../../platforms/queues.ts';
import { emailsOf } from './emails.ts';

/** Admits the alerts of a batch of messages. */
export const routeConsumer =
  (deps: Product): Consumer =>
  (batch) =>
    route(deps, batch);

/** Processes requests of people, which Slack and PagerDuty delivered. */
export const inboundConsumer =
  (deps: Product): Consumer =>
  (batch) =>
    processInbound(deps, batch);

/** Updates the projection targets, such as Slack or Statuspage, that a batch of messages names. */
export function projectConsumer(deps: Product): Consumer {
  const emails = emailsOf(deps);
  return (batch) => project({ ...deps, emails }, batch);
}
