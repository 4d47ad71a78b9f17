import * as z from 'zod';

/** Ids of Slack: of people, workspaces, channels, apps. */
export const SlackId = z.string().regex(/^[A-Z0-9]{2,32}$/, 'an id of Slack has capitals and digits');

/** Messages have at most 40,000 characters; nobody types a command as long as that. */
const COMMAND_MAX_CHARS = 4000;

/** A slash command as Slack sends it, of its form. @see https://docs.slack.dev/interactivity/implementing-slash-commands */
export const SlashCommand = z.object({
  /** With its slash, as `/incident`. */
  command: z.string().regex(/^\/[^\s/]{1,32}$/, 'a command is a slash and a word'),
  text: z
    .string()
    .default('')
    .transform((text) => text.slice(0, COMMAND_MAX_CHARS).toWellFormed()),
  user_id: SlackId,
  team_id: SlackId,
  channel_id: SlackId,
  /** As people call it; `directmessage` and `privategroup` where the app may not know. */
  channel_name: z.string().max(128).default(''),
  response_url: z.url().max(2048),
  /** Opens one modal, for three seconds. */
  trigger_id: z.string().min(1).max(256),
  /** They belong to this installation. */
  api_app_id: z.string().max(64).optional(),
  enterprise_id: z.string().max(64).optional(),
});
export type SlashCommand = z.infer<typeof SlashCommand>;
