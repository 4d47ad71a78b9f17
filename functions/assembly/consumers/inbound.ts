import type { Product } from '../product.ts';
import { processInbound } from '../../../core/jobs/queues/process-inbound.ts';
import type { Consumer } from '../../../platforms/queues.ts';

/** Processes requests of people, which Slack and PagerDuty delivered. */
export const inboundConsumer =
  (deps: Product): Consumer =>
  (batch) =>
    processInbound(deps, batch);
