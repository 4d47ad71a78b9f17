import * as z from 'zod';

const Option = z.object({ value: z.string().max(2000) });

/** What somebody has filled in, by the kind of its element; what kinds we do not use is not looked at. */
const Value = z.object({
  type: z.string().max(64),
  /** Of a text field. Slack takes 3,000 characters. */
  value: z.string().max(3000).nullish(),
  selected_option: Option.nullish(),
  selected_user: z.string().max(32).nullish(),
});

/** Values by block and by action, as they stand in the modal. */
export const Values = z.record(z.string().max(255), z.record(z.string().max(255), Value));
export type Values = z.infer<typeof Values>;

/** A modal, as far as it matters what is in it. @see https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload */
export const View = z.object({
  id: z.string().min(1).max(64),
  /** Changes with each version of the view. */
  hash: z.string().max(128).default(''),
  callback_id: z.string().max(255).default(''),
  private_metadata: z.string().max(3000).default(''),
  state: z.object({ values: Values.default({}) }).default({ values: {} }),
});
export type View = z.infer<typeof View>;
