import * as z from 'zod';
import type { Channel } from '../channels.ts';
import type { ProductResponse } from '../delivery/deliveries.ts';
import { COMMANDS, type Person } from '../directory.ts';
import { escapeTyped } from '../blocks/escape.ts';
import { requireChannel, requireOpenChannel, WorkspaceUser } from '../lookups.ts';
import { POST_TEXT_MAX_CHARS } from '../delivery/limits.ts';
import { commandRequest } from '../delivery/payloads.ts';
import { Refused } from '../delivery/refusal.ts';
import { answerOf, respond } from '../delivery/responses.ts';
import type { ProductRequest } from '../delivery/product-requests.ts';
import { addEphemeral, type Workspace } from '../workspace.ts';

export const Command = z.strictObject({
  user: WorkspaceUser,
  channel: z.string(),
  /** The complete command as typed, such as `/incident severity critical`. */
  text: z.string().regex(/^\/\S/, 'a command must start with a slash').max(POST_TEXT_MAX_CHARS),
});

/**
 * Runs a slash command. The app's immediate response is a message. If the app does not respond, or the command does not
 * exist, Slack shows an error.
 *
 * @param base origin of `response_url`
 */
export function typeCommand(
  { user: person, channel: name, text: typed }: z.infer<typeof Command>,
  { workspace, base, at }: { workspace: Workspace; base: string; at: number },
): ProductRequest | undefined {
  const channel = requireChannel(workspace, name);
  requireOpenChannel(channel);
  const [, command = '', text = ''] = /^(\S+)\s*([^]*)$/.exec(typed) ?? [];
  if (!COMMANDS.some((one) => one === command)) {
    showSlackbotMessage(workspace, channel, person, `\`${command}\` is not a valid command.`, at);
    return undefined;
  }
  // A command has no message that a response could replace, so `ts` is null.
  const target = { user: person.id, channel: channel.seq, ts: null, ephemeral: 0 };
  const responseUrl = base + workspace.responseUrls.create('commands', target, at);
  const triggerId = workspace.triggers.create({ user: person.id, view: null }, at);
  const typedCommand = { command, text: escapeTyped(text.trimEnd(), workspace, 'command') };
  return {
    outgoing: commandRequest(typedCommand, person, channel, { responseUrl, triggerId }),
    handleResponse(answer) {
      const error = responseError(answer) ?? errorCodeOf(() => show(answer));
      if (error !== undefined)
        showSlackbotMessage(workspace, channel, person, `${command} failed with the error "${error}"`, at);
    },
  };

  /** Shows the app's response: nothing if it is empty, otherwise a message from text or JSON. */
  function show({ body }: ProductResponse): void {
    if (body.trim() === '') return;
    const isJson = body.trimStart().startsWith('{');
    respond(workspace, target, isJson ? answerOf(body) : { text: body }, at);
  }
}

/** Returns Slack's error code for an invalid response, or `undefined` if it is valid. */
const responseError = ({ status, error }: ProductResponse): string | undefined =>
  error === 'operation_timeout' ? error : status === 200 ? undefined : 'dispatch_failed';

function errorCodeOf(show: () => void): string | undefined {
  try {
    show();
    return undefined;
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
}

/** Shows a message from Slackbot to one person. */
export function showSlackbotMessage(
  workspace: Workspace,
  channel: Channel,
  person: Person,
  text: string,
  at: number,
): void {
  addEphemeral(workspace, channel, { user: person.id, author: 'slackbot', content: { text } }, at);
}
