import { plainOneLine } from '../../../vendors/slack/mrkdwn.ts';
import type { ModalView } from '../../../core/domain/ports/slack.ts';
import type { ModalContext } from './form.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

/**
 * Slack's limits for modals, in characters as sent. Sources read on 2026-11-20.
 * @see https://docs.slack.dev/reference/views/modal-views
 * @see https://docs.slack.dev/reference/block-kit/blocks/input-block
 * @see https://docs.slack.dev/reference/block-kit/composition-objects/option-object
 */
const TITLE_MAX = 24;
const METADATA_MAX = 3000;
const LABEL_MAX = 2000;
const PLACEHOLDER_MAX = 150;
export const OPTIONS_MAX = 100;
const OPTION_MAX = 75;
export const OPTION_VALUE_MAX = 150;

const plainText = (text: string, max: number) => ({
  type: 'plain_text' as const,
  text: plainOneLine(text, max) || '—',
  emoji: true,
});

export type Block = { type: string; [key: string]: unknown };

/** Slack's limit for a text field, in characters. */
export const TEXT_MAX = 3000;

type Modal = { id: string; title: string; submit: string; modalContext: ModalContext; blocks: Block[] };

export const modal = ({ id, title, submit, modalContext, blocks }: Modal): ModalView => ({
  type: 'modal',
  callback_id: id,
  private_metadata: metadata(modalContext),
  title: plainText(title, TITLE_MAX),
  submit: plainText(submit, TITLE_MAX),
  close: plainText('Cancel', TITLE_MAX),
  blocks,
});

/** Returns a modal that asks for nothing. */
export const readOnlyModal = (id: string, title: string, blocks: readonly object[]): ModalView => ({
  type: 'modal',
  callback_id: id,
  private_metadata: '',
  title: plainText(title, TITLE_MAX),
  close: plainText('Close', TITLE_MAX),
  blocks,
});

/** Serializes the context. If it is too long, the text of the message is omitted. */
function metadata(modalContext: ModalContext): string {
  const whole = JSON.stringify(modalContext);
  if (whole.length <= METADATA_MAX) return whole;
  return JSON.stringify({ ...modalContext, message: modalContext.message && { ...modalContext.message, text: '' } });
}

/** Maximum length of a quotation. Slack's limit for a section is 3,000, but a few lines identify a message. */
const QUOTED_MAX = 300;

/** Returns a text without formatting. */
export const quoted = (text: string): Block[] =>
  text.trim() === '' ? [] : [{ type: 'section', text: plainText(text, QUOTED_MAX) }];

type Input = { field: string; label: string; hint?: string; optional?: boolean };

const input = ({ field, label, hint, optional = false }: Input, element: object): Block => ({
  type: 'input',
  block_id: field,
  optional,
  label: plainText(label, LABEL_MAX),
  ...(hint !== undefined && { hint: plainText(hint, LABEL_MAX) }),
  element: { action_id: field, ...element },
});

type TextInput = Input & { initial?: string | null; max: number; lines?: boolean; placeholder?: string };

export const textInput = ({ initial, max, lines = false, placeholder, ...rest }: TextInput): Block =>
  input(rest, {
    type: 'plain_text_input',
    multiline: lines,
    max_length: max,
    ...(initial && { initial_value: truncated(initial, max) }),
    ...(placeholder !== undefined && { placeholder: plainText(placeholder, PLACEHOLDER_MAX) }),
  });

export const option = (value: string, text = value) => ({ text: plainText(text, OPTION_MAX), value });

/** Returns whether a menu can offer all values. Slack refuses an empty menu. */
export const fitMenu = (values: readonly string[]): boolean =>
  values.length > 0 && values.length <= OPTIONS_MAX && values.every(({ length }) => length <= OPTION_VALUE_MAX);

type Select = Input & { options: { value: string; text?: string }[]; initial?: string | null };

/** Returns a menu. It omits values that exceed Slack's limit. */
export function select({ options, initial, ...rest }: Select): Block {
  const offered = options.filter(({ value }) => value.length <= OPTION_VALUE_MAX).slice(0, OPTIONS_MAX);
  const first = offered.find(({ value }) => value === initial);
  return input(rest, {
    type: 'static_select',
    options: offered.map(({ value, text }) => option(value, text)),
    ...(first && { initial_option: option(first.value, first.text) }),
  });
}

/** Returns a menu with search: Slack requests the options while the user types. */
export const searchSelect = ({ initial, ...rest }: Input & { initial?: string | null }): Block =>
  input(rest, {
    type: 'external_select',
    min_query_length: 0,
    placeholder: plainText('Type to search', PLACEHOLDER_MAX),
    ...(initial && initial.length <= OPTION_VALUE_MAX && { initial_option: option(initial) }),
  });

export const personSelect = ({ initial, ...rest }: Input & { initial?: string | null }): Block =>
  input(rest, { type: 'users_select', ...(initial && { initial_user: initial }) });

export const severitySelect = (field: string, initial: string | null): Block =>
  select({
    field,
    label: 'Severity',
    initial,
    options: [
      { value: 'critical', text: '🔴 critical: SEV1, pages the on-call responder' },
      { value: 'warning', text: '🟠 warning: SEV2 and SEV3' },
      { value: 'info', text: '🔵 info: SEV4 and SEV5' },
    ],
  });
