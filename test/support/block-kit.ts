import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';

/**
 * Slack's Block Kit according to its reference: the content of messages and modals, for the blocks and elements that
 * Firebreak uses. Written from the reference alone, independently of the limits in the product and in the sandbox's
 * Slack, so that a mistake would have to be made twice.
 *
 * Characters are UTF-16 units, which are at least as many as Slack counts. Like Slack, it rejects fields that the
 * reference does not mention. It also rejects blank texts, which Slack accepts but are unreadable.
 *
 * @see https://docs.slack.dev/reference/block-kit (read 2026-11)
 */

const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((one) => one.isWellFormed(), 'half a surrogate pair is not a character')
    .refine((one) => one.trim() !== '', 'is blank');

/** @see https://docs.slack.dev/reference/block-kit/composition-objects/text-object */
const TEXT_MAX = 3000;
const plainText = (max = TEXT_MAX) =>
  z.strictObject({ type: z.literal('plain_text'), text: text(max), emoji: z.boolean().optional() });
const mrkdwn = (max = TEXT_MAX) =>
  z.strictObject({ type: z.literal('mrkdwn'), text: text(max), verbatim: z.boolean().optional() });
const anyText = (max = TEXT_MAX) => z.discriminatedUnion('type', [plainText(max), mrkdwn(max)]);

/** @see https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object */
const Confirm = z.strictObject({
  title: plainText(100),
  text: plainText(300),
  confirm: plainText(30),
  deny: plainText(30),
  style: z.enum(['primary', 'danger']).optional(),
});

/** @see https://docs.slack.dev/reference/block-kit/composition-objects/option-object */
const Option = z.strictObject({
  text: plainText(75),
  value: z.string().min(1).max(150),
  description: plainText(75).optional(),
});

const Id = text(255);
const acted = { action_id: Id.optional() };
const chosen = { ...acted, placeholder: plainText(150).optional(), focus_on_load: z.boolean().optional() };

/** @see https://docs.slack.dev/reference/block-kit/block-elements/button-element */
const Button = z.strictObject({
  type: z.literal('button'),
  ...acted,
  text: plainText(75),
  value: z.string().max(2000).optional(),
  url: z.httpUrl().max(3000).optional(),
  style: z.enum(['primary', 'danger']).optional(),
  confirm: Confirm.optional(),
  accessibility_label: z.string().max(75).optional(),
});

/** @see https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element */
const StaticSelect = z
  .strictObject({
    type: z.literal('static_select'),
    ...chosen,
    options: z.array(Option).min(1).max(100),
    initial_option: Option.optional(),
  })
  .refine(
    ({ options, initial_option: initial }) =>
      initial === undefined || options.some((one) => isDeepStrictEqual(one, initial)),
    { path: ['initial_option'], message: 'is not exactly one of the options' },
  )
  .refine(({ options }) => new Set(options.map(({ value }) => value)).size === options.length, {
    path: ['options'],
    message: 'two options have the same value',
  });
const ExternalSelect = z.strictObject({
  type: z.literal('external_select'),
  ...chosen,
  initial_option: Option.optional(),
  min_query_length: z.int().min(0).optional(),
});
const UsersSelect = z.strictObject({
  type: z.literal('users_select'),
  ...chosen,
  initial_user: z
    .string()
    .regex(/^[UW][A-Z0-9]+$/)
    .optional(),
});

/** @see https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element */
const TextInput = z
  .strictObject({
    type: z.literal('plain_text_input'),
    ...chosen,
    initial_value: z.string().optional(),
    multiline: z.boolean().optional(),
    min_length: z.int().min(0).max(3000).optional(),
    max_length: z.int().min(1).max(3000).optional(),
  })
  .refine(({ initial_value: initial = '', max_length: max = 3000 }) => initial.length <= max, {
    path: ['initial_value'],
    message: 'is longer than max_length',
  });

const placed = { block_id: Id.optional() };

/** @see https://docs.slack.dev/reference/block-kit/blocks/section-block */
const Section = z
  .strictObject({
    type: z.literal('section'),
    ...placed,
    text: anyText().optional(),
    fields: z.array(anyText(2000)).min(1).max(10).optional(),
    accessory: Button.optional(),
    expand: z.boolean().optional(),
  })
  .refine(({ text: words, fields }) => words !== undefined || fields !== undefined, 'has neither text nor fields');

/** @see https://docs.slack.dev/reference/block-kit/blocks/actions-block */
const Actions = z
  .strictObject({
    type: z.literal('actions'),
    ...placed,
    elements: z
      .array(z.discriminatedUnion('type', [Button, StaticSelect, ExternalSelect, UsersSelect]))
      .min(1)
      .max(25),
  })
  .refine(({ elements }) => areUnique(elements.map(({ action_id: id }) => id)), {
    path: ['elements'],
    message: 'two elements have the same action_id',
  });

/** @see https://docs.slack.dev/reference/block-kit/blocks/input-block */
const Input = z.strictObject({
  type: z.literal('input'),
  ...placed,
  label: plainText(2000),
  element: z.discriminatedUnion('type', [TextInput, StaticSelect, ExternalSelect, UsersSelect]),
  hint: plainText(2000).optional(),
  optional: z.boolean().optional(),
  dispatch_action: z.boolean().optional(),
});

/** @see https://docs.slack.dev/reference/block-kit/blocks */
const shared = [
  z.strictObject({ type: z.literal('header'), ...placed, text: plainText(150) }),
  Section,
  z.strictObject({ type: z.literal('context'), ...placed, elements: z.array(anyText()).min(1).max(10) }),
  z.strictObject({ type: z.literal('divider'), ...placed }),
  Actions,
] as const;

const areUnique = (ids: readonly (string | undefined)[]): boolean => {
  const given = ids.filter((id) => id !== undefined);
  return new Set(given).size === given.length;
};
const areApart = (blocks: readonly { block_id?: string | undefined }[]): boolean =>
  areUnique(blocks.map(({ block_id: id }) => id));

/**
 * Maximum characters of all texts (`msg_blocks_too_long`). Slack does not document a number; no reported failure is
 * below this one.
 *
 * @see https://github.com/slackapi/bolt-js/issues/2509
 */
const ALL_TEXTS_MAX = 11_000;

function lengthOfTexts(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return Object.entries(value).reduce(
    (sum, [key, inside]) =>
      sum + (key === 'text' && typeof inside === 'string' ? inside.length : lengthOfTexts(inside)),
    0,
  );
}

/**
 * A message to post, an update, or a response to a command or interaction. An updated `text` can have 4,000 bytes, and
 * is required: notifications and screen readers use it instead of the blocks.
 *
 * @see https://docs.slack.dev/reference/methods/chat.update
 */
const Message = z.strictObject({
  text: text(4000).refine((one) => Buffer.byteLength(one) <= 4000, 'has more than 4,000 bytes'),
  blocks: z
    .array(z.discriminatedUnion('type', shared))
    .min(1)
    .max(50)
    .refine(areApart, 'two blocks have the same block_id')
    .refine((blocks) => lengthOfTexts(blocks) <= ALL_TEXTS_MAX, 'together they are longer than Slack has ever taken'),
});

/** @see https://docs.slack.dev/reference/views/modal-views */
const Modal = z
  .strictObject({
    type: z.literal('modal'),
    title: plainText(24),
    submit: plainText(24).optional(),
    close: plainText(24).optional(),
    blocks: z
      .array(z.discriminatedUnion('type', [...shared, Input]))
      .max(100)
      .refine(areApart, 'two blocks have the same block_id'),
    private_metadata: z.string().max(3000).optional(),
    callback_id: Id.optional(),
    clear_on_close: z.boolean().optional(),
    notify_on_close: z.boolean().optional(),
  })
  .refine(({ blocks, submit }) => submit !== undefined || !blocks.some(({ type }) => type === 'input'), {
    path: ['submit'],
    message: 'is required for a modal with inputs',
  })
  .refine((view) => Buffer.byteLength(JSON.stringify(view)) <= 250_000, 'is larger than 250 kB');

/**
 * The options of a menu while a person types.
 *
 * @see https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element
 */
const Suggestions = z.strictObject({ options: z.array(Option).max(100) });

/** Returns a function for the errors that Slack would report, with their locations; empty if there are none. */
const problemsOf =
  (schema: z.ZodType) =>
  (value: unknown): string[] => {
    // Serialize first, because that is what is sent.
    const read = schema.safeParse(JSON.parse(JSON.stringify(value)));
    return read.success ? [] : read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  };

export const messageProblems = problemsOf(Message);
export const modalProblems = problemsOf(Modal);
export const suggestionProblems = problemsOf(Suggestions);
