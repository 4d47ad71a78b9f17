import type { Timestamp } from '../../schemas/time/time.ts';
import { sha256 } from '../../core/stores/hash.ts';
import { type Key, part } from '../../core/stores/keys/parts.ts';
import type { PageEvent } from './types.ts';

/** Keys of public incidents and of subscriptions. Functions that everybody can call may read and write only some of them. */
export const keys = {
  /** An incident as the public sees it: by its public ID, by the month of its start, and while it is not resolved. */
  publicIncident: (id: string): Key => ({ pk: `PUBLIC#${part(id)}`, sk: 'PUBLIC' }),
  publicMonth: (startedAt: Timestamp, id: string): Key => ({
    pk: `PUBLICMONTH#${startedAt.slice(0, 7)}`,
    sk: `${startedAt}#${id}`,
  }),
  publicMonths: (month: string): Pick<Key, 'pk'> => ({ pk: `PUBLICMONTH#${month}` }),
  publicOpen: (id: string): Key => ({ pk: 'PUBLICOPEN', sk: id }),
  publicOpens: (): Pick<Key, 'pk'> => ({ pk: 'PUBLICOPEN' }),
  /** Since when Firebreak watches each component: `sk` is its name. */
  publicComponent: (name: string): Key => ({ pk: 'PUBLICCOMPONENTS', sk: name }),
  publicComponents: (): Pick<Key, 'pk'> => ({ pk: 'PUBLICCOMPONENTS' }),
  /** A subscription to a status page. */
  subscriber: (page: string, id: string): Key => ({ pk: `SUBSCRIBERS#${part(page)}`, sk: id }),
  subscribers: (page: string): Pick<Key, 'pk'> => ({ pk: `SUBSCRIBERS#${part(page)}` }),
  /** That a subscription was removed. */
  formerSubscriber: (page: string, id: string): Key => ({ pk: `FORMERSUBSCRIBERS#${part(page)}`, sk: id }),
  /** The updates of an incident or a maintenance that a subscriber has been sent. */
  delivery: ({ page, kind, id }: PageEvent, subscriber: string): Key => ({
    pk: `DELIVERIES#${part(page)}#${kind}#${part(id)}`,
    sk: subscriber,
  }),
  /** Requests to subscribe: of one client or to one page in an hour, for one mailbox on a day. */
  subscriptionRequests: (who: string, period: string): Key => ({
    pk: `SUBREQUESTS#${sha256(who).slice(0, 32)}#${period}`,
    sk: 'SUBREQUESTS',
  }),
};
