import type { Allowance } from '../../../core/domain/time/token-bucket.ts';
import type { Method } from '../../../core/projectors/session.ts';

/**
 * Rate limits per Slack method, slightly below its tier, so that Firebreak prioritizes calls instead of being refused.
 * Within any minute, burst + 60 × perSecond is below the tier.
 *
 * @see https://docs.slack.dev/apis/web-api/rate-limits (tiers: 20, 50, 100 a minute; posting: 1 a second and channel),
 *   read 2026-11
 */
const TIER_2: Allowance = { perSecond: 16 / 60, burst: 4 };
const TIER_3: Allowance = { perSecond: 40 / 60, burst: 10 };
const PER_CHANNEL: Allowance = { perSecond: 1, burst: 3 };
/** Limit over all channels. Slack publishes no number; this rate works in practice. */
const PER_WORKSPACE: Allowance = { perSecond: 4, burst: 20 };

const method = (name: string, allowance: Allowance): Method => ({ name, allowances: { [name]: allowance } });

export const METHODS = {
  create: method('conversations.create', TIER_2),
  list: method('conversations.list', TIER_2),
  setPurpose: method('conversations.setPurpose', TIER_2),
  setTopic: method('conversations.setTopic', TIER_2),
  archive: method('conversations.archive', TIER_2),
  pin: method('pins.add', TIER_2),
  // One session lists and adds several bookmarks.
  bookmarks: method('bookmarks.add', { perSecond: 4 / 60, burst: 1 }),
  invite: method('conversations.invite', TIER_3),
  lookUp: method('users.lookupByEmail', TIER_3),
  // PagerDuty accepts many more; its answers are cached for a minute.
  onCall: method('PagerDuty on-calls', { perSecond: 1, burst: 20 }),
  history: method('conversations.history', TIER_3),
  edit: method('chat.update', TIER_3),
  post: (channel: string): Method => ({
    name: 'chat.postMessage',
    allowances: { 'chat.postMessage': PER_WORKSPACE, [`chat.postMessage ${channel}`]: PER_CHANNEL },
  }),
} as const;
