import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { sha256 } from '../../../core/stores/hash.ts';
import type { PublicIncidentIds, SubscriberKeys } from '../types.ts';

export const publicIncidentIds: PublicIncidentIds = {
  idOf: (incident) => sha256(`public incident ${incident}`).slice(0, 12),
};

export const subscriberKeys: SubscriberKeys = {
  /** Letters of an address count as lowercase, so that each mailbox has one subscription. */
  idOf(page, channel, to) {
    const address = channel === 'email' ? to.toLowerCase() : to;
    return sha256(JSON.stringify(['subscriber', page, channel, address])).slice(0, 32);
  },
  newKey: () => randomBytes(32).toString('base64url'),
  codeOf: ({ page, id, key }, purpose) =>
    createHmac('sha256', key).update(`${purpose} ${page} ${id}`).digest('base64url'),
  secretOf: ({ page, id, key }) =>
    `whsec_${createHmac('sha256', key).update(`webhook ${page} ${id}`).digest('base64')}`,
  isCode(subscriber, purpose, code) {
    const [right, given] = [subscriberKeys.codeOf(subscriber, purpose), code].map((text) => Buffer.from(text));
    return right !== undefined && given?.byteLength === right.byteLength && timingSafeEqual(right, given);
  },
};
