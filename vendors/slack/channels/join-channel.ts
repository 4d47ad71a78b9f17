import * as z from 'zod';
import { isRefusal } from '../failures.ts';
import type { CallSlack } from '../client.ts';

/**
 * Calls a method about a channel's content. If the app is not a member, joins and retries once, because people can
 * remove apps from channels, and the app may not have been invited to a team's channel. Joining requires a channel ID;
 * a name doesn't work.
 */
export const joiningIfNeeded =
  (callSlack: CallSlack, channel: string): CallSlack =>
  async (method, args, schema) => {
    try {
      return await callSlack(method, args, schema);
    } catch (error) {
      if (!isRefusal(error, 'not_in_channel') || channel.startsWith('#')) throw error;
      await callSlack('conversations.join', { channel }, z.unknown());
      return await callSlack(method, args, schema);
    }
  };
