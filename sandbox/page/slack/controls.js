import { h, link } from '../dom.js';
import { withEmoji } from '../emoji.js';
import { unescaped } from './mrkdwn.js';

/**
 * Interactive elements of messages and modals. Their attributes identify element and block; `acts.js` handles the
 * interactions.
 *
 * @see https://docs.slack.dev/reference/block-kit/block-elements
 */

/** @typedef {import('./mrkdwn.js').Around} Around */
/** @typedef {import('../dom.js').Pieces} Pieces */
/** @typedef {Record<string, unknown>} Fields */

/**
 * The context of an element. `label`: its accessible name if there is no visible label. `silent`: selections are sent
 * only with the submission.
 *
 * @typedef {{ around: Around; block: string; label?: string; silent?: boolean }} Place
 */

/** Renders an element. `undefined` if its type is not supported. @param {Fields} item @param {Place} place */
export const control = (item, place) => CONTROLS[String(item['type'])]?.(item, place);

/** Renders a field of a modal with its label and hint. @param {Fields} block @param {Around} around */
export function field(block, around) {
  const { element: item, hint, optional, dispatch_action: dispatches } = block;
  if (!isFields(item)) return null;
  const id = textIn(block, 'block_id');
  const words = [plain(block['label']), optional === true && h('span', { class: 'quiet' }, ' (optional)')];
  const place = { around, block: id, label: textOf(block['label']), silent: dispatches !== true };
  const inside = control(item, place) ?? h('span', { class: 'quiet' }, `[${String(item['type'])}]`);
  const isGroup = item['type'] === 'checkboxes' || item['type'] === 'radio_buttons';
  return h(
    'div',
    { class: 'field', 'data-key': `field ${id}`, 'data-field-of': id },
    isGroup ? inside : h('label', {}, h('span', { class: 'field-label' }, words), inside),
    isFields(hint) && h('p', { class: 'quiet' }, plain(hint)),
  );
}

/** @type {Record<string, (item: Fields, place: Place) => Pieces>} */
const CONTROLS = {
  button: (item, place) => {
    const { text, url, value, style } = item;
    const className = `block-button ${style === 'primary' || style === 'danger' ? style : ''}`;
    if (typeof url === 'string') return link(url, plain(text), className);
    const attributes = { type: 'button', class: className, 'data-slack': 'press', ...ids(item, place) };
    return h('button', { ...attributes, 'data-value': typeof value === 'string' && value }, plain(text));
  },
  overflow: (item, place) => menu(item, { ...place, label: 'More actions' }, optionsIn(item), '⋯'),
  static_select: (item, place) => menu(item, place, grouped(item)),
  multi_static_select: (item, place) => menu(item, place, grouped(item)),
  users_select: (item, place) => menu(item, place, place.around.people.map(named)),
  multi_users_select: (item, place) => menu(item, place, place.around.people.map(named)),
  channels_select: (item, place) => menu(item, place, place.around.channels.map(named)),
  multi_channels_select: (item, place) => menu(item, place, place.around.channels.map(named)),
  conversations_select: (item, place) => menu(item, place, place.around.channels.map(named)),
  multi_conversations_select: (item, place) => menu(item, place, place.around.channels.map(named)),
  external_select: search,
  plain_text_input: (item, place) =>
    item['multiline'] === true ? lines(item, place) : input('text', item, place, 'value'),
  email_text_input: (item, place) => input('email', item, place, 'value'),
  url_text_input: (item, place) => input('url', item, place, 'value'),
  number_input: (item, place) => input('text', item, place, 'value'),
  datepicker: (item, place) => input('date', item, place, 'selected_date'),
  timepicker: (item, place) => input('time', item, place, 'selected_time'),
  datetimepicker: (item, place) => input('datetime-local', item, place, 'selected_date_time'),
  checkboxes: (item, place) => boxes('checkbox', item, place),
  radio_buttons: (item, place) => boxes('radio', item, place),
};

/** @param {{ id: string; name: string }} one */
const named = ({ id, name }) => h('option', { value: id }, name);

/** Returns the attributes that identify an element. @param {Fields} item @param {Place} place */
const ids = (item, { block, silent }) => ({
  'data-block': block,
  'data-action': textIn(item, 'action_id'),
  'data-confirm': isFields(item['confirm']) && JSON.stringify(item['confirm']),
  'data-silent': silent,
});

/** Returns the accessible name of an element. @param {Fields} item @param {Place} place */
const called = (item, { label }) => label ?? (textOf(item['placeholder']) || textIn(item, 'action_id'));

/** Returns the current selection of an element. @param {Fields} item @param {Place} place @returns {Fields} */
function chosen(item, { around, block }) {
  const kept = around.state?.[block]?.[textIn(item, 'action_id')];
  if (isFields(kept)) return kept;
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

/** @param {Fields} item @param {Place} place @param {readonly HTMLElement[]} options @param {string} [first] */
function menu(item, place, options, first) {
  const several = String(item['type']).startsWith('multi_');
  const values = valuesOf(chosen(item, place));
  const all = options.flatMap((one) => (one.nodeName === 'OPTION' ? [one] : Array.from(one.children)));
  for (const option of all)
    if (values.includes(option.getAttribute('value') ?? '')) option.setAttribute('selected', '');
  const attributes = { class: 'block-select', 'data-slack': 'choose', 'data-kind': several ? 'many' : 'one' };
  return h(
    'select',
    { ...attributes, multiple: several, 'aria-label': called(item, place), ...ids(item, place) },
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
 * @param {Place} place
 */
function search(item, place) {
  const { around, block } = place;
  const action = textIn(item, 'action_id');
  const id = `options ${block} ${action}`.replaceAll(/[^\w-]/g, '_');
  const { selected_option: option } = chosen(item, place);
  const { min_query_length: min } = item;
  const attributes = { type: 'text', class: 'block-input', 'data-slack': 'search', 'data-kind': 'search', list: id };
  return [
    h('input', {
      ...attributes,
      value: isFields(option) && textOf(option['text']),
      'data-value': isFields(option) && textIn(option, 'value'),
      'aria-label': called(item, place),
      placeholder: textOf(item['placeholder']) || 'Search',
      autocomplete: 'off',
      'data-min': typeof min === 'number' ? min : QUERY_MIN_CHARS,
      ...ids(item, place),
    }),
    h(
      'datalist',
      { id },
      listed(around.suggested?.(block, action)).map((one) =>
        h('option', { value: textOf(one['text']), 'data-value': textIn(one, 'value') }),
      ),
    ),
  ];
}

/** @param {string} type @param {Fields} item @param {Place} place @param {string} name name of the stored value */
function input(type, item, place, name) {
  const kept = chosen(item, place)[name];
  const value = type === 'datetime-local' && typeof kept === 'number' ? localTime(kept) : kept;
  const attributes = { type, class: 'block-input', 'data-slack': 'write', 'data-kind': type };
  return h('input', {
    ...attributes,
    value: typeof value === 'string' && value,
    placeholder: textOf(item['placeholder']),
    'aria-label': called(item, place),
    ...ids(item, place),
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

/** @param {Fields} item @param {Place} place */
function lines(item, place) {
  const attributes = { class: 'block-input', rows: 4, 'data-slack': 'write', 'data-kind': 'text' };
  const words = { placeholder: textOf(item['placeholder']), 'aria-label': called(item, place) };
  return h('textarea', { ...attributes, ...words, ...ids(item, place) }, textIn(chosen(item, place), 'value'));
}

/** @param {'checkbox' | 'radio'} type @param {Fields} item @param {Place} place */
function boxes(type, item, place) {
  const values = valuesOf(chosen(item, place));
  const name = `${place.block} ${textIn(item, 'action_id')}`;
  return h(
    'fieldset',
    { class: 'block-boxes', 'data-kind': type, ...ids(item, place) },
    h('legend', { class: 'field-label' }, called(item, place)),
    listed(item['options']).map((option) => {
      const value = textIn(option, 'value');
      const box = { type, name, value, checked: values.includes(value), 'data-slack': 'choose', ...ids(item, place) };
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
