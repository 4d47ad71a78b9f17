import type { Product } from '../product.ts';
import { route } from '../../../core/jobs/queues/route.ts';
import type { Consumer } from '../../../platforms/queues.ts';

/** Admits the alerts of a batch of messages. */
export const routeConsumer =
  (deps: Product): Consumer =>
  (batch) =>
    route(deps, batch);
