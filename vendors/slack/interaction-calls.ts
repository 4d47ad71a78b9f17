import * as z from 'zod';
import type { ChatMessage } from '../../core/domain/messages/chat-message.ts';
import type { SlackUser } from '../../core/domain/people/people.ts';
import type { Secrets } from '../../core/domain/ports/system.ts';
import { respondByUrl, responseUrlFault } from './response-url.ts';
import { bodyOf } from './blocks.ts';
import { callSlackOnce, SlackRefused } from './minimal-client.ts';
import { slackUserOf, UserObject } from './users/user.ts';

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

  async function callSlack(method: string, args: Record<string, unknown>, timeoutMs: number) {
    const token = await secrets.get('SLACK_BOT_TOKEN');
    if (!token) throw new SlackRefused(method, 'not_connected');
    return callSlackOnce({ apiUrl: await apiUrl(), token, timeoutMs }, method, args);
  }

  return {
    async openView(trigger: string, view: object): Promise<void> {
      await callSlack('views.open', { trigger_id: trigger, view }, OPEN_TIMEOUT_MS);
    },
    async user(id: string, workspaces: readonly string[]): Promise<SlackUser> {
      const response = z
        .object({ user: UserObject })
        .safeParse(await callSlack('users.info', { user: id }, USER_TIMEOUT_MS));
      if (!response.success) throw new SlackRefused('users.info', 'no_user');
      return slackUserOf(response.data.user, workspaces, []);
    },
    async sendEphemeral(
      { user, responseUrl }: { user: string; responseUrl: string | null },
      message: ChatMessage,
    ): Promise<void> {
      const byUrl = responseUrl !== null && responseUrlFault(responseUrl, await apiUrl()) === undefined;
      if (byUrl && (await respondByUrl(responseUrl, message, false)).kind === 'done') return;
      await callSlack('chat.postMessage', { channel: user, ...bodyOf(message) }, OPEN_TIMEOUT_MS);
    },
  };
}
