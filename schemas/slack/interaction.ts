import * as z from 'zod';
import { cutText } from '../parsing/text.ts';
import { SlackId } from './command.ts';
import { View } from './view.ts';

/** Maximum length of a message text. Longer texts are truncated. */
const MESSAGE_MAX_CHARS = 8000;

const Ts = z.string().regex(/^\d{1,12}\.\d{1,9}$/, 'a Slack timestamp has the format 1795157390.000200');

const Channel = z.object({ id: SlackId, name: z.string().max(128).default('') });

/** Fields of all interactions. */
const common = {
  user: z.object({ id: SlackId, team_id: SlackId.nullish() }),
  team: z.object({ id: SlackId }).nullish(),
};

const trigger = { trigger_id: z.string().min(1).max(256) };

const Message = z.object({
  ts: Ts,
  thread_ts: Ts.nullish(),
  text: cutText(MESSAGE_MAX_CHARS).default(''),
  user: SlackId.nullish(),
  bot_id: SlackId.nullish(),
});

/** A pressed button, or a selection. */
const ElementAction = z.object({
  type: z.string().max(64),
  action_id: z.string().max(255),
  value: z.string().max(2000).nullish(),
  selected_option: z.object({ value: z.string().max(2000) }).nullish(),
  selected_user: SlackId.nullish(),
  action_ts: Ts.nullish(),
});
export type ElementAction = z.infer<typeof ElementAction>;

/** @see https://docs.slack.dev/reference/interaction-payloads/block_actions-payload */
const BlockActions = z.object({
  type: z.literal('block_actions'),
  ...common,
  ...trigger,
  channel: Channel.nullish(),
  container: z.object({ type: z.string().max(64), message_ts: Ts.nullish(), is_ephemeral: z.boolean().nullish() }),
  message: Message.nullish(),
  view: View.nullish(),
  actions: z.array(ElementAction).min(1).max(25),
  response_url: z.url().max(2048).nullish(),
});
export type BlockActions = z.infer<typeof BlockActions>;

/**
 * Text typed into a menu with search.
 * @see https://docs.slack.dev/reference/interaction-payloads/block_suggestion-payload
 */
const BlockSuggestion = z.object({
  type: z.literal('block_suggestion'),
  ...common,
  action_id: z.string().max(255),
  value: z.string().max(255).default(''),
  view: View.nullish(),
});
export type BlockSuggestion = z.infer<typeof BlockSuggestion>;

const ViewSubmission = z.object({ type: z.literal('view_submission'), ...common, ...trigger, view: View });
export type ViewSubmission = z.infer<typeof ViewSubmission>;

const ViewClosed = z.object({ type: z.literal('view_closed'), ...common, view: View });

/** Global shortcut. @see https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload */
const Shortcut = z.object({
  type: z.literal('shortcut'),
  ...common,
  ...trigger,
  callback_id: z.string().max(255),
});

/** Message shortcut. */
const MessageAction = z.object({
  type: z.literal('message_action'),
  ...common,
  ...trigger,
  callback_id: z.string().max(255),
  channel: Channel,
  message: Message,
  response_url: z.url().max(2048).nullish(),
});
export type MessageAction = z.infer<typeof MessageAction>;

/** Interaction, from the field `payload` of the form, with the fields that Firebreak uses. */
export const Interaction = z.discriminatedUnion('type', [
  BlockActions,
  BlockSuggestion,
  ViewSubmission,
  ViewClosed,
  Shortcut,
  MessageAction,
]);
export type Interaction = z.infer<typeof Interaction>;

/** Returns whether the type is supported. Other types are ignored. */
export const isInteraction = (type: string): boolean =>
  Interaction.options.some((option) => option.shape.type.value === type);
