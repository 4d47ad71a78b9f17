import * as z from 'zod';

const Option = z.object({ value: z.string().max(2000) });

/** Submitted value of an element, with the fields of the elements that Firebreak uses. */
const Value = z.object({
  type: z.string().max(64),
  /** Value of a text field. Slack accepts 3,000 characters. */
  value: z.string().max(3000).nullish(),
  selected_option: Option.nullish(),
  selected_user: z.string().max(32).nullish(),
});

/** Values by block ID and action ID. */
export const ViewValues = z.record(z.string().max(255), z.record(z.string().max(255), Value));
export type ViewValues = z.infer<typeof ViewValues>;

/**
 * Modal, with the fields that Firebreak uses.
 * @see https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
 */
export const View = z.object({
  id: z.string().min(1).max(64),
  /** Changes with each version of the view. */
  hash: z.string().max(128).default(''),
  callback_id: z.string().max(255).default(''),
  private_metadata: z.string().max(3000).default(''),
  state: z.object({ values: ViewValues.default({}) }).default({ values: {} }),
});
export type View = z.infer<typeof View>;
