import * as z from 'zod';
import type { DeploymentProtection } from '../../types.ts';
import { InstantIn } from '../../../../schemas/time/time.ts';
import type { GithubAccess } from '../../../../vendors/github/access.ts';
import { type GithubOptions, PAGE_ITEMS, request } from '../../../../vendors/github/rest.ts';

const TIMEOUT_MS = 4_000;

/** Maximum payloads to fetch at once; the next check fetches the others. */
const FETCH_MAX = 20;

const Delivery = z.object({
  id: z.number().int(),
  /** The same for redeliveries. */
  guid: z.string(),
  delivered_at: InstantIn,
  event: z.string(),
  action: z.string().nullish(),
  /** The status of Firebreak's response, or the status that GitHub records if there was none. */
  status_code: z.number().int(),
});
type Delivery = z.infer<typeof Delivery>;

const DeliveryWithPayload = z.object({ request: z.object({ payload: z.unknown() }) });

/**
 * Returns webhook deliveries that were not received. GitHub sends a webhook once, and keeps its delivery log for three
 * days. Requires the GitHub App, because the webhook belongs to the app.
 *
 * @see https://docs.github.com/en/rest/apps/webhooks
 */
export async function undelivered(
  access: GithubAccess,
  known: ReadonlySet<string>,
): ReturnType<DeploymentProtection['undelivered']> {
  const options = await access.asAppWithoutInstallation();
  const path = `/app/hook/deliveries?per_page=${PAGE_ITEMS}`;
  const response = await request(options, { method: 'GET', path, schema: z.array(Delivery), timeoutMs: TIMEOUT_MS });
  if (response.kind !== 'done') return [];
  const lost = lostRequestsIn(response.value).filter(({ guid }) => !known.has(guid));
  const found = await Promise.all(lost.slice(0, FETCH_MAX).map((delivery) => withPayload(options, delivery)));
  return found.flatMap((delivery) => delivery ?? []);
}

/** Returns the deployment protection requests of which no delivery succeeded. */
function lostRequestsIn(deliveries: readonly Delivery[]): Delivery[] {
  const requested = deliveries.filter(
    ({ event, action }) => event === 'deployment_protection_rule' && action === 'requested',
  );
  const received = new Set(requested.filter(({ status_code: status }) => isSuccess(status)).map(({ guid }) => guid));
  const newest = new Map(requested.toReversed().map((delivery) => [delivery.guid, delivery]));
  return [...newest.values()].filter(({ guid }) => !received.has(guid));
}

const isSuccess = (status: number): boolean => status >= 200 && status < 300;

async function withPayload(options: GithubOptions, { id, guid, delivered_at: at }: Delivery) {
  const path = `/app/hook/deliveries/${id}`;
  const response = await request(options, { method: 'GET', path, schema: DeliveryWithPayload, timeoutMs: TIMEOUT_MS });
  return response.kind === 'done' ? { id: guid, at, payload: response.value.request.payload } : undefined;
}
