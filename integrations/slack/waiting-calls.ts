import * as z from 'zod';
import type { ChatMessage } from '../../domain/messages/channels.ts';
import type { SlackUser } from '../../domain/people/people.ts';
import type { Secrets } from '../../domain/ports/system.ts';
import { answerByUrl, answerUrlFault } from './answers-by-url.ts';
import { bodyOf } from './blocks.ts';
import { askSlack, SlackRefused } from './small-client.ts';
import { slackUserOf, UserObject } from './user.ts';

/** Milliseconds. A trigger is valid for three seconds after the user's click. */
const OPEN_TIMEOUT_MS = 1_700;

/** Milliseconds. Short, because the caller can continue without the result. */
const USER_TIMEOUT_MS = 1_200;

const SLACK_API_URL = 'https://slack.com/api/';

/**
 * Creates a client for calls to Slack during a user's interaction, while Slack waits for a response. Reads URL and token
 * for each call.
 */
export function interactionCalls({ secrets }: { secrets: Secrets }) {
  const apiUrl = async (): Promise<string> => (await secrets.get('SLACK_API_URL')) || SLACK_API_URL;

  async function ask(method: string, args: Record<string, unknown>, timeoutMs: number) {
    const token = await secrets.get('SLACK_BOT_TOKEN');
    if (!token) throw new SlackRefused(method, 'not_connected');
    return askSlack({ apiUrl: await apiUrl(), token, timeoutMs }, method, args);
  }

  return {
    async openView(trigger: string, view: object): Promise<void> {
      await ask('views.open', { trigger_id: trigger, view }, OPEN_TIMEOUT_MS);
    },
    async user(id: string, workspaces: readonly string[]): Promise<SlackUser> {
      const said = z.object({ user: UserObject }).safeParse(await ask('users.info', { user: id }, USER_TIMEOUT_MS));
      if (!said.success) throw new SlackRefused('users.info', 'no_user');
      return slackUserOf(said.data.user, workspaces, []);
    },
    async sendEphemeral(
      { user, responseUrl }: { user: string; responseUrl: string | null },
      message: ChatMessage,
    ): Promise<void> {
      const byUrl = responseUrl !== null && answerUrlFault(responseUrl, await apiUrl()) === undefined;
      if (byUrl && (await answerByUrl(responseUrl, message, false)).kind === 'done') return;
      await ask('chat.postMessage', { channel: user, ...bodyOf(message) }, OPEN_TIMEOUT_MS);
    },
  };
}
