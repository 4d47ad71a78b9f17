import { isObject } from '../delivery/arguments.ts';
import {
  optionalInteger,
  PLAIN_OR_MRKDWN,
  listProblems,
  optionalText,
  PLAIN_ONLY,
  optionalPlainText,
  withPointer,
  textObject,
  requiredText,
} from './checks.ts';
import type { Check } from './checks.ts';
import * as limits from '../delivery/limits.ts';
import type { Fields } from '../delivery/refusal.ts';

/**
 * Returns the errors of an interactive element.
 *
 * @param where `actions`: an actions block or the accessory of a section; `input`: an input block
 * @see https://docs.slack.dev/reference/block-kit/block-elements (read 2026-11)
 */
export function elementProblems(item: unknown, at: string, where: 'actions' | 'input'): string[] {
  if (!isObject(item)) return [withPointer('must be an object', at)];
  const check = (where === 'actions' ? IN_ACTIONS : IN_INPUT).get(item['type']);
  if (!check) return [withPointer(`unsupported type: ${String(item['type'])}`, `${at}/type`)];
  return [
    ...optionalText(item['action_id'], limits.ACTION_ID_MAX_CHARS, `${at}/action_id`),
    ...confirm(item['confirm'], `${at}/confirm`),
    ...optionalPlainText(item['placeholder'], `${at}/placeholder`, limits.PLACEHOLDER_MAX_CHARS),
    ...check(item, at),
  ];
}

const button: Check = ({ text, value, url, style, accessibility_label: label }, at) => [
  ...textObject(text, `${at}/text`, limits.BUTTON_TEXT_MAX_CHARS, PLAIN_ONLY),
  ...optionalText(value, limits.BUTTON_VALUE_MAX_CHARS, `${at}/value`),
  ...optionalText(url, limits.URL_MAX_CHARS, `${at}/url`),
  ...optionalText(label, limits.ACCESSIBILITY_LABEL_MAX_CHARS, `${at}/accessibility_label`),
  ...styleProblems(style, `${at}/style`),
];

const overflow: Check = ({ options }, at) =>
  listProblems(options ?? null, limits.OVERFLOW_OPTIONS_MAX, `${at}/options`, optionProblems);

/** Checks that there are either options or option groups. */
const menu: Check = (item, at) => {
  const { options, option_groups: groups } = item;
  if ((options === undefined) === (groups === undefined)) {
    return [withPointer('must define either `options` or `option_groups`', at)];
  }
  return [
    ...listProblems(options, limits.OPTIONS_MAX, `${at}/options`, optionProblems),
    ...listProblems(groups, limits.OPTION_GROUPS_MAX, `${at}/option_groups`, optionGroup),
    ...initialOptionProblems(item, at),
  ];
};

const choices: Check = ({ options }, at) =>
  listProblems(options ?? null, limits.CHOICES_MAX, `${at}/options`, choiceProblems);

const textInput: Check = (item, at) => [
  ...optionalInteger(item['min_length'], 0, limits.INPUT_LENGTH_MAX, `${at}/min_length`),
  ...optionalInteger(item['max_length'], 1, limits.INPUT_LENGTH_MAX, `${at}/max_length`),
  ...optionalText(item['initial_value'], limits.INPUT_LENGTH_MAX, `${at}/initial_value`),
];

const externalMenu: Check = ({ min_query_length: min, initial_option: initial }, at) => [
  ...optionalInteger(min, 0, limits.INPUT_LENGTH_MAX, `${at}/min_query_length`),
  ...(initial === undefined ? [] : optionProblems(initial, `${at}/initial_option`)),
];

const unchecked: Check = () => [];

const CHOOSERS: readonly (readonly [string, Check])[] = [
  ['static_select', menu],
  ['multi_static_select', menu],
  ['external_select', externalMenu],
  ['multi_external_select', externalMenu],
  ...['users_select', 'conversations_select', 'channels_select'].flatMap((type) => [
    [type, unchecked] as const,
    [`multi_${type}`, unchecked] as const,
  ]),
  ['checkboxes', choices],
  ['radio_buttons', choices],
  ['datepicker', unchecked],
  ['timepicker', unchecked],
  ['datetimepicker', unchecked],
];

const IN_ACTIONS: ReadonlyMap<unknown, Check> = new Map<unknown, Check>([
  ...CHOOSERS,
  ['button', button],
  ['overflow', overflow],
  ['workflow_button', unchecked],
]);

const IN_INPUT: ReadonlyMap<unknown, Check> = new Map<unknown, Check>([
  ...CHOOSERS,
  ['plain_text_input', textInput],
  ...['number_input', 'email_text_input', 'url_text_input', 'rich_text_input', 'file_input'].map(
    (type) => [type, unchecked] as const,
  ),
]);

export const optionProblems = (item: unknown, at: string): string[] => optionProblemsWith(item, at, PLAIN_ONLY);

/** Checks an option of checkboxes or radio buttons, whose text can be formatted. */
const choiceProblems = (item: unknown, at: string): string[] => optionProblemsWith(item, at, PLAIN_OR_MRKDWN);

function optionProblemsWith(item: unknown, at: string, types: readonly string[]): string[] {
  if (!isObject(item)) return [withPointer('must provide an object', at)];
  const { text, value, description } = item;
  return [
    ...textObject(text, `${at}/text`, limits.OPTION_TEXT_MAX_CHARS, types),
    ...requiredText(value, limits.OPTION_VALUE_MAX_CHARS, `${at}/value`),
    ...(description === undefined
      ? []
      : textObject(description, `${at}/description`, limits.OPTION_TEXT_MAX_CHARS, types)),
  ];
}

function optionGroup(item: unknown, at: string): string[] {
  if (!isObject(item)) return [withPointer('must provide an object', at)];
  return [
    ...textObject(item['label'], `${at}/label`, limits.OPTION_TEXT_MAX_CHARS, PLAIN_ONLY),
    ...listProblems(item['options'] ?? null, limits.OPTIONS_MAX, `${at}/options`, optionProblems),
  ];
}

/** Checks that the initial option is one of the options. */
function initialOptionProblems(item: Fields, at: string): string[] {
  const initial = item['initial_option'];
  if (initial === undefined) return [];
  const isOffered = optionsOf(item).some(({ value }) => isObject(initial) && initial['value'] === value);
  return isOffered ? [] : [withPointer('must be one of the provided options', `${at}/initial_option`)];
}

/** Returns all options of a menu, including those in groups. */
export function optionsOf({ options, option_groups: groups }: Fields): Fields[] {
  const listed = (items: unknown): Fields[] => (Array.isArray(items) ? items.filter(isObject) : []);
  return [...listed(options), ...listed(groups).flatMap((group) => listed(group['options']))];
}

function confirm(dialog: unknown, at: string): string[] {
  if (dialog === undefined) return [];
  if (!isObject(dialog)) return [withPointer('must provide an object', at)];
  const { title, text, confirm: confirmText, deny: denyText, style } = dialog;
  return [
    ...textObject(title, `${at}/title`, limits.CONFIRM_TITLE_MAX_CHARS, PLAIN_ONLY),
    ...textObject(text, `${at}/text`, limits.CONFIRM_TEXT_MAX_CHARS, PLAIN_OR_MRKDWN),
    ...textObject(confirmText, `${at}/confirm`, limits.CONFIRM_BUTTON_MAX_CHARS, PLAIN_ONLY),
    ...textObject(denyText, `${at}/deny`, limits.CONFIRM_BUTTON_MAX_CHARS, PLAIN_ONLY),
    ...styleProblems(style, `${at}/style`),
  ];
}

const styleProblems = (style: unknown, at: string): string[] =>
  style === undefined || style === 'primary' || style === 'danger'
    ? []
    : [withPointer('must be a valid enum value', at)];
