import type { Deps } from '../domain/ports/deps.ts';
import { processInbound } from '../jobs/queues/process-inbound.ts';
import { project } from '../jobs/queues/project.ts';
import { route } from '../jobs/queues/route.ts';
import type { Consumer } from '../platforms/queues.ts';
import { emailsOf } from './emails.ts';

/** Admits the alerts of a batch of messages. */
export const routeConsumer =
  (deps: Deps): Consumer =>
  (batch) =>
    route(deps, batch);

/** Processes requests of people, which Slack and PagerDuty delivered. */
export const inboundConsumer =
  (deps: Deps): Consumer =>
  (batch) =>
    processInbound(deps, batch);

/** Updates the projection targets, such as Slack or Statuspage, that a batch of messages names. */
export function projectConsumer(deps: Deps): Consumer {
  const emails = emailsOf(deps);
  return (batch) => project({ ...deps, emails }, batch);
}
