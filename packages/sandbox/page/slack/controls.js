import { h, link } from '../dom.js';
import { withEmoji } from '../emoji.js';
import { unescaped } from './mrkdwn.js';

/**
 * Interactive elements of messages and modals. Their attributes identify element and block; `acts.js` handles the
 * interactions.
 *
 * @see https://docs.slack.dev/reference/block-kit/block-elements
 */

/** @typedef {import('./mrkdwn.js').TextContext} TextContext */
/** @typedef {import('../dom.js').Pieces} Pieces */
/** @typedef {Record<string, unknown>} Fields */

/**
 * The context of an element. `label`: its accessible name if there is no visible label. `silent`: selections are sent
 * only with the submission.
 *
 * @typedef {{ context: TextContext; block: string; label?: string; silent?: boolean }} ElementContext
 */

/** Renders an element. `undefined` if its type is not supported. @param {Fields} item @param {ElementContext} elementContext */
export const control = (item, elementContext) => CONTROLS[String(item['type'])]?.(item, elementContext);

/** Renders a field of a modal with its label and hint. @param {Fields} block @param {TextContext} context */
export function field(block, context) {
  const { element: item, hint, optional, dispatch_action: dispatches } = block;
  if (!isFields(item)) return null;
  const id = textIn(block, 'block_id');
  const words = [plain(block['label']), optional === true && h('span', { class: 'quiet' }, ' (optional)')];
  const elementContext = { context, block: id, label: textOf(block['label']), silent: dispatches !== true };
  const inside = control(item, elementContext) ?? h('span', { class: 'quiet' }, `[${String(item['type'])}]`);
  const isGroup = item['type'] === 'checkboxes' || item['type'] === 'radio_buttons';
  return h(
    'div',
    { class: 'field', 'data-key': `field ${id}`, 'data-field-of': id },
    isGroup ? inside : h('label', {}, h('span', { class: 'field-label' }, words), inside),
    isFields(hint) && h('p', { class: 'quiet' }, plain(hint)),
  );
}

/** @type {Record<string, (item: Fields, elementContext: ElementContext) => Pieces>} */
const CONTROLS = {
  button: (item, elementContext) => {
    const { text, url, value, style } = item;
    const className = `block-button ${style === 'primary' || style === 'danger' ? style : ''}`;
    if (typeof url === 'string') return link(url, plain(text), className);
    const attributes = { type: 'button', class: className, 'data-slack': 'press', ...ids(item, elementContext) };
    return h('button', { ...attributes, 'data-value': typeof value === 'string' && value }, plain(text));
  },
  overflow: (item, elementContext) => menu(item, { ...elementContext, label: 'More actions' }, optionsIn(item), '⋯'),
  static_select: (item, elementContext) => menu(item, elementContext, grouped(item)),
  multi_static_select: (item, elementContext) => menu(item, elementContext, grouped(item)),
  users_select: (item, elementContext) => menu(item, elementContext, elementContext.context.people.map(named)),
  multi_users_select: (item, elementContext) => menu(item, elementContext, elementContext.context.people.map(named)),
  channels_select: (item, elementContext) => menu(item, elementContext, elementContext.context.channels.map(named)),
  multi_channels_select: (item, elementContext) =>
    menu(item, elementContext, elementContext.context.channels.map(named)),
  conversations_select: (item, elementContext) =>
    menu(item, elementContext, elementContext.context.channels.map(named)),
  multi_conversations_select: (item, elementContext) =>
    menu(item, elementContext, elementContext.context.channels.map(named)),
  external_select: search,
  plain_text_input: (item, elementContext) =>
    item['multiline'] === true ? lines(item, elementContext) : input('text', item, elementContext, 'value'),
  email_text_input: (item, elementContext) => input('email', item, elementContext, 'value'),
  url_text_input: (item, elementContext) => input('url', item, elementContext, 'value'),
  number_input: (item, elementContext) => input('text', item, elementContext, 'value'),
  datepicker: (item, elementContext) => input('date', item, elementContext, 'selected_date'),
  timepicker: (item, elementContext) => input('time', item, elementContext, 'selected_time'),
  datetimepicker: (item, elementContext) => input('datetime-local', item, elementContext, 'selected_date_time'),
  checkboxes: (item, elementContext) => boxes('checkbox', item, elementContext),
  radio_buttons: (item, elementContext) => boxes('radio', item, elementContext),
};

/** @param {{ id: string; name: string }} one */
const named = ({ id, name }) => h('option', { value: id }, name);

/** Returns the attributes that identify an element. @param {Fields} item @param {ElementContext} elementContext */
const ids = (item, { block, silent }) => ({
  'data-block': block,
  'data-action': textIn(item, 'action_id'),
  'data-confirm': isFields(item['confirm']) && JSON.stringify(item['confirm']),
  'data-silent': silent,
});

/** Returns the accessible name of an element. @param {Fields} item @param {ElementContext} elementContext */
const called = (item, { label }) => label ?? (textOf(item['placeholder']) || textIn(item, 'action_id'));

/** Returns the current selection of an element. @param {Fields} item @param {ElementContext} elementContext @returns {Fields} */
function chosen(item, { context, block }) {
  const stored = context.state?.[block]?.[textIn(item, 'action_id')];
  if (isFields(stored)) return stored;
  const initial = Object.entries(item).flatMap(([name, value]) =>
    name.startsWith('initial_')
      ? [[name === 'initial_value' ? 'value' : name.replace('initial', 'selected'), value]]
      : [],
  );
  return /** @type {Fields} */ (Object.fromEntries(initial));
}

/** Returns the selected values of a menu. @param {Fields} of @returns {string[]} */
const valuesOf = (of) =>
  Object.entries(of).flatMap(([name, value]) => {
    if (!name.startsWith('selected_')) return [];
    return (Array.isArray(value) ? value : [value]).flatMap((one) =>
      isFields(one) ? [textIn(one, 'value')] : typeof one === 'string' ? [one] : [],
    );
  });

/** @param {Fields} item @param {ElementContext} elementContext @param {readonly HTMLElement[]} options @param {string} [first] */
function menu(item, elementContext, options, first) {
  const several = String(item['type']).startsWith('multi_');
  const values = valuesOf(chosen(item, elementContext));
  const all = options.flatMap((one) => (one.nodeName === 'OPTION' ? [one] : Array.from(one.children)));
  for (const option of all)
    if (values.includes(option.getAttribute('value') ?? '')) option.setAttribute('selected', '');
  const attributes = { class: 'block-select', 'data-slack': 'choose', 'data-kind': several ? 'many' : 'one' };
  return h(
    'select',
    { ...attributes, multiple: several, 'aria-label': called(item, elementContext), ...ids(item, elementContext) },
    !several && h('option', { value: '' }, first ?? (textOf(item['placeholder']) || 'Choose')),
    options,
  );
}

/** @param {Fields} item */
const optionsIn = (item) =>
  listed(item['options']).map((option) => h('option', { value: textIn(option, 'value') }, textOf(option['text'])));

/** @param {Fields} item */
const grouped = (item) =>
  item['options'] !== undefined
    ? optionsIn(item)
    : listed(item['option_groups']).map((group) => h('optgroup', { label: textOf(group['label']) }, optionsIn(group)));

/** Minimum characters before the app is asked for options. The app can override it. */
const QUERY_MIN_CHARS = 3;

/**
 * Renders a menu with options from the app, which load while the user types.
 *
 * @param {Fields} item
 * @param {ElementContext} elementContext
 */
function search(item, elementContext) {
  const { context, block } = elementContext;
  const action = textIn(item, 'action_id');
  const id = `options ${block} ${action}`.replaceAll(/[^\w-]/g, '_');
  const { selected_option: option } = chosen(item, elementContext);
  const { min_query_length: min } = item;
  const attributes = { type: 'text', class: 'block-input', 'data-slack': 'search', 'data-kind': 'search', list: id };
  return [
    h('input', {
      ...attributes,
      value: isFields(option) && textOf(option['text']),
      'data-value': isFields(option) && textIn(option, 'value'),
      'aria-label': called(item, elementContext),
      placeholder: textOf(item['placeholder']) || 'Search',
      autocomplete: 'off',
      'data-min': typeof min === 'number' ? min : QUERY_MIN_CHARS,
      ...ids(item, elementContext),
    }),
    h(
      'datalist',
      { id },
      listed(context.suggested?.(block, action)).map((one) =>
        h('option', { value: textOf(one['text']), 'data-value': textIn(one, 'value') }),
      ),
    ),
  ];
}

/** @param {string} type @param {Fields} item @param {ElementContext} elementContext @param {string} name name of the stored value */
function input(type, item, elementContext, name) {
  const stored = chosen(item, elementContext)[name];
  const value = type === 'datetime-local' && typeof stored === 'number' ? localTime(stored) : stored;
  const attributes = { type, class: 'block-input', 'data-slack': 'write', 'data-kind': type };
  return h('input', {
    ...attributes,
    value: typeof value === 'string' && value,
    placeholder: textOf(item['placeholder']),
    'aria-label': called(item, elementContext),
    ...ids(item, elementContext),
  });
}

/**
 * Formats a time for a browser input, in the browser's time zone.
 *
 * @param {number} seconds seconds since the Unix epoch
 */
function localTime(seconds) {
  const date = new Date(seconds * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** @param {Fields} item @param {ElementContext} elementContext */
function lines(item, elementContext) {
  const attributes = { class: 'block-input', rows: 4, 'data-slack': 'write', 'data-kind': 'text' };
  const words = { placeholder: textOf(item['placeholder']), 'aria-label': called(item, elementContext) };
  return h(
    'textarea',
    { ...attributes, ...words, ...ids(item, elementContext) },
    textIn(chosen(item, elementContext), 'value'),
  );
}

/** @param {'checkbox' | 'radio'} type @param {Fields} item @param {ElementContext} elementContext */
function boxes(type, item, elementContext) {
  const values = valuesOf(chosen(item, elementContext));
  const name = `${elementContext.block} ${textIn(item, 'action_id')}`;
  return h(
    'fieldset',
    { class: 'block-boxes', 'data-kind': type, ...ids(item, elementContext) },
    h('legend', { class: 'field-label' }, called(item, elementContext)),
    listed(item['options']).map((option) => {
      const value = textIn(option, 'value');
      const box = {
        type,
        name,
        value,
        checked: values.includes(value),
        'data-slack': 'choose',
        ...ids(item, elementContext),
      };
      return h('label', {}, h('input', box), ' ', plain(option['text']));
    }),
  );
}

/** Renders the text of a text object without formatting. @param {unknown} object */
export const plain = (object) => withEmoji(textOf(object));

/** @param {unknown} object */
export const textOf = (object) => (isFields(object) ? unescaped(textIn(object, 'text')) : '');

/** @param {Fields} fields @param {string} name */
export function textIn(fields, name) {
  const value = fields[name];
  return typeof value === 'string' ? value : '';
}

/** @param {unknown} value @returns {value is Fields} */
export const isFields = (value) => typeof value === 'object' && value !== null;

/** @param {unknown} values */
export const listed = (values) => (Array.isArray(values) ? values.filter(isFields) : []);
