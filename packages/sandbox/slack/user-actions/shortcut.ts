import * as z from 'zod';
import { problem } from '../../core/problem.ts';
import { SHORTCUTS } from '../directory.ts';
import { requireChannel, messageNotFound, Ts, WorkspaceUser } from '../lookups.ts';
import { messageObject } from '../blocks/objects.ts';
import { channelOf, interactionRequest } from '../delivery/payloads.ts';
import type { ProductRequest } from '../delivery/product-requests.ts';
import { tsText } from '../ts.ts';
import type { Workspace } from '../workspace.ts';

const IDS = SHORTCUTS.map(({ callback_id: id }) => id);

export const Shortcut = z.strictObject({
  user: WorkspaceUser,
  callback_id: z.enum(IDS),
  /** The channel and `ts` of the message, for a message shortcut. */
  channel: z.string().optional(),
  ts: Ts.optional(),
});

/** @see https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload (read 2026-11) */
export function useShortcut(
  { user: person, callback_id: id, channel: name, ts }: z.infer<typeof Shortcut>,
  { workspace, base, at }: { workspace: Workspace; base: string; at: number },
): ProductRequest {
  const isGlobal = SHORTCUTS.some((one) => one.callback_id === id && one.of === 'global');
  if (isGlobal !== (name === undefined && ts === undefined)) {
    throw problem(
      422,
      isGlobal
        ? `${id} is a global shortcut; omit \`channel\` and \`ts\``
        : `${id} needs a message; set \`channel\` and \`ts\``,
    );
  }
  const triggerId = workspace.triggers.create({ user: person.id, view: null }, at);
  const common = { callback_id: id, trigger_id: triggerId, action_ts: tsText(Math.floor(at) * 1000) };
  const take = (): void => undefined;
  if (name === undefined || ts === undefined)
    return { outgoing: interactionRequest('shortcut', person, common), handleResponse: take };

  const channel = requireChannel(workspace, name);
  const message = workspace.messages.get(channel.seq, ts);
  if (!message) throw messageNotFound(channel, tsText(ts));
  const target = { user: person.id, channel: channel.seq, ts, ephemeral: 0 };
  const fields = {
    ...common,
    channel: channelOf(channel),
    message_ts: tsText(ts),
    message: messageObject(message),
    response_url: base + workspace.responseUrls.create('app', target, at),
  };
  return { outgoing: interactionRequest('message_action', person, fields), handleResponse: take };
}
