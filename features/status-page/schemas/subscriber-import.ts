import * as z from 'zod';
import { SUBSCRIBER_ADDRESSES } from './subscriber.ts';

/** The most subscribers in one request. */
export const IMPORT_MAX = 500;

/** Confirmed subscriptions of another status page. */
export const SubscriberImport = z.strictObject({
  /** Nothing is stored; the result says what would be. */
  dry_run: z.boolean().default(false),
  subscribers: z
    .array(
      z.strictObject({
        email: SUBSCRIBER_ADDRESSES.email,
        /** Names of components. Null: all of the page, including later ones. */
        components: z.array(z.string().min(1).max(100)).min(1).max(500).nullable(),
      }),
    )
    .min(1)
    .max(IMPORT_MAX),
});
export type SubscriberImport = z.infer<typeof SubscriberImport>;

/**
 * What became, or would become, of a subscriber. `known`: already subscribed here, and not changed. `left`: unsubscribed
 * here, so it is not imported again. `no_component`: none of its components is on the page.
 */
export const ImportOutcome = z.enum(['imported', 'confirmed', 'known', 'left', 'no_component']);
export type ImportOutcome = z.infer<typeof ImportOutcome>;

/** One outcome for each subscriber of the request, in its order. */
export const ImportResult = z.object({ page: z.string(), outcomes: z.array(ImportOutcome) });
export type ImportResult = z.infer<typeof ImportResult>;
