import { chars, isObject } from './delivery/arguments.ts';
import { optionsOf } from './blocks/elements.ts';
import type { Fields } from './delivery/refusal.ts';

/**
 * A value that was selected or entered: an option's `value`, an ID, a text, several of them, or an option from an app.
 */
export type InputValue = string | readonly string[] | null | { value: string; text: string };

/** Values by `block_id` and `action_id`. */
export type Values = Record<string, Record<string, InputValue>>;

/** An element with its location. */
export type Element = {
  block: string;
  action: string;
  item: Fields;
  /** The block that contains it. */
  containingBlock: Fields;
};

/** Returns all interactive elements of blocks. */
export function elementsOf(blocks: readonly unknown[]): Element[] {
  return blocks.filter(isObject).flatMap((containingBlock) => {
    const { type, element, accessory, elements } = containingBlock;
    const items: readonly unknown[] =
      type === 'input' ? [element] : type === 'actions' && Array.isArray(elements) ? elements : [accessory];
    return items.filter(isObject).flatMap((item): Element[] => {
      const action = item['action_id'];
      return typeof action === 'string'
        ? [{ block: String(containingBlock['block_id']), action, item, containingBlock }]
        : [];
    });
  });
}

/**
 * Returns `state.values` of a payload: every element that has a state, with its entered value, or else its initial
 * value.
 *
 * @see https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload (read 2026-11)
 */
export function stateOf(blocks: readonly unknown[], given: Values): Record<string, Record<string, Fields>> {
  const state: Record<string, Record<string, Fields>> = {};
  for (const { block, action, item } of elementsOf(blocks)) {
    const entry = stateEntry(item, given[block]?.[action]);
    if (entry) (state[block] ??= {})[action] = entry;
  }
  return state;
}

/** The field that contains the selection of each element type, and its kind. */
const SELECTION_FIELDS: ReadonlyMap<unknown, readonly [field: string, of: 'option' | 'id']> = new Map([
  ['static_select', ['selected_option', 'option']],
  ['external_select', ['selected_option', 'option']],
  ['radio_buttons', ['selected_option', 'option']],
  ['overflow', ['selected_option', 'option']],
  ['multi_static_select', ['selected_options', 'option']],
  ['multi_external_select', ['selected_options', 'option']],
  ['checkboxes', ['selected_options', 'option']],
  ['users_select', ['selected_user', 'id']],
  ['multi_users_select', ['selected_users', 'id']],
  ['conversations_select', ['selected_conversation', 'id']],
  ['multi_conversations_select', ['selected_conversations', 'id']],
  ['channels_select', ['selected_channel', 'id']],
  ['multi_channels_select', ['selected_channels', 'id']],
  ['datepicker', ['selected_date', 'id']],
  ['timepicker', ['selected_time', 'id']],
] as const);

/** @param input `undefined` if the person has not changed it */
export function stateEntry(item: Fields, input: InputValue | undefined): Fields | undefined {
  const type = item['type'];
  if (type === 'button' || type === 'workflow_button') return undefined;
  if (type === 'datetimepicker') {
    const at = typeof input === 'string' && input !== '' ? Number(input) : (item['initial_date_time'] ?? null);
    return { type, selected_date_time: input === null ? null : at };
  }
  const chosen = SELECTION_FIELDS.get(type);
  if (!chosen) return { type, value: input === undefined ? (item['initial_value'] ?? null) : textOf(input) };
  const [field, of] = chosen;
  const several = field.endsWith('s');
  if (input === undefined)
    return { type, [field]: item[field.replace('selected', 'initial')] ?? (several ? [] : null) };
  const selected = of === 'option' ? listOf(input).map((one) => optionOf(item, one)) : listOf(input).map(textOf);
  return { type, [field]: several ? selected : (selected[0] ?? null) };
}

const listOf = (input: InputValue): (string | { value: string; text: string })[] => {
  if (input === null || input === '') return [];
  return typeof input === 'object' && !('value' in input) ? [...input] : [input];
};

const textOf = (input: InputValue): string | null => {
  if (typeof input === 'string') return input === '' ? null : input;
  return input !== null && 'value' in input ? input.value : null;
};

/**
 * Returns the option of the element. An option that the app suggested is not stored in the element, so it is built from
 * the selection.
 */
function optionOf(item: Fields, given: string | { value: string; text: string }): unknown {
  const { value, text } = typeof given === 'string' ? { value: given, text: given } : given;
  const ownOption = optionsOf(item).find((option) => option['value'] === value);
  return ownOption ?? { text: { type: 'plain_text', text, emoji: true }, value };
}

/** Returns the errors that Slack reports before it sends a submission to the app, by `block_id`. */
export function inputErrors(blocks: readonly unknown[], given: Values): Record<string, string> {
  const errors: Record<string, string> = {};
  for (const { block, action, item, containingBlock } of elementsOf(blocks)) {
    if (containingBlock['type'] !== 'input') continue;
    const error = inputError(item, stateEntry(item, given[block]?.[action]), containingBlock['optional'] === true);
    if (error !== undefined) errors[block] = error;
  }
  return errors;
}

function inputError(item: Fields, entry: Fields | undefined, isOptional: boolean): string | undefined {
  const [value] = Object.entries(entry ?? {}).flatMap(([field, one]) => (field === 'type' ? [] : [one]));
  const isEmpty = value === null || value === undefined || (Array.isArray(value) && value.length === 0);
  if (isEmpty) return isOptional ? undefined : 'Please complete this required field.';
  const length = typeof value === 'string' && entry && 'value' in entry ? chars(value) : undefined;
  if (length === undefined) return undefined;
  const { min_length: min, max_length: max } = item;
  if (typeof min === 'number' && length < min) return `Must be at least ${min} characters.`;
  return typeof max === 'number' && length > max ? `Must be no more than ${max} characters.` : undefined;
}
