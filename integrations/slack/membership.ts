import * as z from 'zod';
import { isRefusal } from './answers.ts';
import type { Ask } from './client.ts';

/**
 * Calls about what is in a channel. Where the app is not in it, it joins and calls once more: people put apps out of
 * channels, and into a team's channel nobody may have asked it. Only by an id; a name cannot be joined.
 */
export const inside =
  (ask: Ask, channel: string): Ask =>
  async (method, args, answer) => {
    try {
      return await ask(method, args, answer);
    } catch (error) {
      if (!isRefusal(error, 'not_in_channel') || channel.startsWith('#')) throw error;
      await ask('conversations.join', { channel }, z.unknown());
      return await ask(method, args, answer);
    }
  };
