import * as z from 'zod';
import type { VendorResponse } from '../../../../core/domain/ports/vendor-response.ts';
import type { ForeignComponent, ForeignSubscriber } from '../../decisions/import/statuspage.ts';
import { statuspageClient, type StatuspageOptions } from './client.ts';
import { EXPORT_PAGES, PAGE_ITEMS } from './limits.ts';

const Component = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string().nullish(),
  group: z.boolean().nullish(),
  group_id: z.string().nullish(),
});

const Subscriber = z.object({
  id: z.string(),
  mode: z.string(),
  email: z.string().nullish(),
  endpoint: z.string().nullish(),
  display_phone_number: z.string().nullish(),
  obfuscated_channel_name: z.string().nullish(),
  quarantined_at: z.string().nullish(),
  /** IDs. Absent or empty: the page as a whole. */
  components: z.array(z.string()).nullish(),
});

/** Calls before the first pause: half of the calls of a minute, because others use the same key. */
const CALLS_AT_ONCE = 30;

/** What an import needs of a page at Statuspage. */
export type StatuspageExport = { components: ForeignComponent[]; subscribers: ForeignSubscriber[] };

/** States of subscribers; the list contains only `active` ones unless it is asked for others. */
const STATES = { active: 'confirmed', unconfirmed: 'unconfirmed', quarantined: 'quarantined' } as const;

/**
 * Reads all components and subscribers of a page. Sixty calls per minute are permitted, so a page of 10,000 subscribers
 * takes a few minutes.
 *
 * @param pause waits slightly longer than a second, so that the calls after the first ones stay below the rate limit
 */
export async function exportStatuspage(
  options: StatuspageOptions,
  pause: () => Promise<void>,
): Promise<VendorResponse<StatuspageExport>> {
  const client = statuspageClient(options);
  let calls = 0;

  async function readAll<T>(path: string, firstPage: number, schema: z.ZodType<T>): Promise<VendorResponse<T[]>> {
    const items: T[] = [];
    for (let page = firstPage; page < firstPage + EXPORT_PAGES; page += 1) {
      if ((calls += 1) > CALLS_AT_ONCE) await pause();
      const response = await client({ method: 'GET', path: `/${path}&page=${page}`, schema: z.array(schema) });
      if (response.kind !== 'done') return response;
      items.push(...response.value);
      if (response.value.length < PAGE_ITEMS) break;
    }
    return { kind: 'done', value: items };
  }

  const components = await readAll(`components?per_page=${PAGE_ITEMS}`, 1, Component);
  if (components.kind !== 'done') return components;
  const subscribers: ForeignSubscriber[] = [];
  for (const [state, meaning] of Object.entries(STATES)) {
    // Pages of subscribers count from 0, those of components from 1.
    const found = await readAll(`subscribers?state=${state}&limit=${PAGE_ITEMS}`, 0, Subscriber);
    if (found.kind !== 'done') return found;
    subscribers.push(...found.value.map((subscriber) => subscriberOf(subscriber, meaning)));
  }
  const groups = new Map(components.value.filter(({ group }) => group === true).map(({ id, name }) => [id, name]));
  return {
    kind: 'done',
    value: {
      components: components.value
        .filter(({ group }) => group !== true)
        .map(({ id, name, description, group_id }) => ({
          id,
          name,
          description: description ?? null,
          group: groups.get(group_id ?? '') ?? null,
        })),
      subscribers,
    },
  };
}

const subscriberOf = (
  subscriber: z.infer<typeof Subscriber>,
  state: (typeof STATES)[keyof typeof STATES],
): ForeignSubscriber => ({
  channel: subscriber.mode,
  address:
    subscriber.email ??
    subscriber.endpoint ??
    subscriber.display_phone_number ??
    subscriber.obfuscated_channel_name ??
    subscriber.id,
  state: subscriber.quarantined_at == null ? state : 'quarantined',
  components: subscriber.components == null || subscriber.components.length === 0 ? null : subscriber.components,
});
