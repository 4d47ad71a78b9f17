import * as z from 'zod';
import { cutText } from '../parsing/text.ts';

/** Slack ID of a user, workspace, channel, or app. */
export const SlackId = z.string().regex(/^[A-Z0-9]{2,32}$/, 'a Slack ID has uppercase letters and digits');

/** Maximum length of a command. Longer texts are truncated. */
const COMMAND_MAX_CHARS = 4000;

/** Form of a slash command. @see https://docs.slack.dev/interactivity/implementing-slash-commands */
export const SlashCommand = z.object({
  /** Command with its slash, such as `/incident`. */
  command: z.string().regex(/^\/[^\s/]{1,32}$/, 'a command consists of a slash and a word'),
  text: cutText(COMMAND_MAX_CHARS).default(''),
  user_id: SlackId,
  team_id: SlackId,
  channel_id: SlackId,
  /** Name of the channel; `directmessage` or `privategroup` if the app has no access. */
  channel_name: z.string().max(128).default(''),
  response_url: z.url().max(2048),
  /** Opens one modal, within three seconds. */
  trigger_id: z.string().min(1).max(256),
  /** IDs of this installation. */
  api_app_id: z.string().max(64).optional(),
  enterprise_id: z.string().max(64).optional(),
});
export type SlashCommand = z.infer<typeof SlashCommand>;
