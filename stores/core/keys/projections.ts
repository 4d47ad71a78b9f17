import type { DigestOf } from '../../../domain/ports/messages.ts';
import type { PageEvent } from '../../../domain/ports/status.ts';
import type { Subject, ProjectionTargetName } from '../../../schemas/incidents/projection.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { sha256 } from '../hash.ts';
import { type Key, part } from './parts.ts';

/** Keys of what targets, status pages, and stakeholders are shown. */
export const projectionKeys = {
  /** Updates that targets still have to show. */
  due: (subject: Subject): Key => ({ pk: 'DUE', sk: subject }),
  dues: (): Pick<Key, 'pk'> => ({ pk: 'DUE' }),
  /** The lease of a projection target, and its remaining call quota. */
  projector: (target: ProjectionTargetName): Key => ({ pk: `PROJECTOR#${target}`, sk: 'PROJECTOR' }),
  /** What a projection target shows of a subject. */
  projection: (target: ProjectionTargetName, subject: Subject): Key => ({ pk: `PRJ#${subject}`, sk: target }),
  /** A message that a projection target has been sent. */
  sent: (target: ProjectionTargetName, subject: Subject, key: string): Key => ({
    pk: `PRJ#${subject}`,
    sk: `${target}#${part(key)}`,
  }),
  /** An incident as the public sees it: by its public ID, by the month of its start, and while it is not resolved. */
  publicIncident: (id: string): Key => ({ pk: `PUBLIC#${part(id)}`, sk: 'PUBLIC' }),
  publicMonth: (startedAt: Timestamp, id: string): Key => ({
    pk: `PUBLICMONTH#${startedAt.slice(0, 7)}`,
    sk: `${startedAt}#${id}`,
  }),
  publicMonths: (month: string): Pick<Key, 'pk'> => ({ pk: `PUBLICMONTH#${month}` }),
  publicOpen: (id: string): Key => ({ pk: 'PUBLICOPEN', sk: id }),
  publicOpens: (): Pick<Key, 'pk'> => ({ pk: 'PUBLICOPEN' }),
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
  /** The last notification of a stakeholder: about an incident, or of the shadow report. */
  digest: (of: DigestOf, stakeholder: string): Key => ({
    pk: of === 'shadow-report' ? 'REPORT#shadow' : `INC#${of}`,
    sk: `DIGEST#${stakeholder}`,
  }),
  /** A channel to stakeholders that is paused. */
  digestPause: (channel: string): Key => ({ pk: 'DIGESTPAUSE', sk: channel }),
  digestPauses: (): Pick<Key, 'pk'> => ({ pk: 'DIGESTPAUSE' }),
  /** The last number of a sequence. */
  counter: (row: string): Key => ({ pk: `COUNTER#${part(row)}`, sk: 'COUNTER' }),
};
