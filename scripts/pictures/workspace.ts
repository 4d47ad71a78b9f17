import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { type Firebreak, ignoreFailedRequest } from '../../packages/demo/firebreak.ts';

const Channel = z.object({
  messages: z.array(z.object({ ts: z.string(), text: z.string() })),
  ephemerals: z.array(z.object({ user: z.string(), text: z.string() })),
});

/** A channel that does not exist yet. */
const EMPTY_CHANNEL: z.infer<typeof Channel> = { messages: [], ephemerals: [] };

const POLL_MS = 100;
const TRIES_MAX = 600;

/** Actions of people in the sandbox's Slack. */
export class Workspace {
  readonly #firebreak: Firebreak;

  constructor(firebreak: Firebreak) {
    this.#firebreak = firebreak;
  }

  /** Sends a slash command and waits for a matching response. */
  async command(user: string, channel: string, text: string, answer: RegExp): Promise<void> {
    await this.#do('commands', { user, channel, text });
    await this.until(channel, answer);
  }

  /** Posts a message. */
  say = (user: string, channel: string, text: string): Promise<unknown> =>
    this.#do(`channels/${channel}/messages`, { user, text });

  /** Joins a channel. */
  join = (user: string, channel: string): Promise<unknown> => this.#do(`channels/${channel}/members`, { user });

  /** Presses a button of the channel's pinned message. */
  press = async (user: string, channel: string, verb: string): Promise<void> => {
    const { messages } = await this.#read(channel);
    const [pinned] = messages;
    await this.#do('actions', { user, channel, ts: pinned?.ts, action_id: `firebreak:${verb}` });
  };

  /** Waits for a matching message in a channel, visible to all or to one person. */
  async until(channel: string, words: RegExp): Promise<void> {
    for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
      const { messages, ephemerals } = (await this.#read(channel).catch(ignoreFailedRequest)) ?? EMPTY_CHANNEL;
      if ([...messages, ...ephemerals].some(({ text }) => words.test(text))) return;
      await sleep(POLL_MS);
    }
    throw new Error(`no message in #${channel} matches ${String(words)}`);
  }

  #read = (channel: string): Promise<z.infer<typeof Channel>> =>
    this.#firebreak.get(`/sandbox/slack/channels/${channel}`, Channel);

  #do = (what: string, body: object): Promise<unknown> =>
    this.#firebreak.post(`/sandbox/slack/${what}`, body, z.unknown());
}
