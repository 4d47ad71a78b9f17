import { SlackDialogs } from './dialogs.js';
import { listed } from './controls.js';

/** @typedef {import('./controls.js').Fields} Fields */
/** @typedef {{ detail?: string; options?: unknown }} Answer with only the fields that are used here */
/** @typedef {(method: string, path: string, body?: unknown) => Promise<{ ok: boolean; answer: Answer | null }>} Send */

/** Milliseconds without typing before the app is asked for options. */
const TYPING_MS = 200;

/**
 * The user's actions in the workspace: buttons, selections, commands, messages. They are sent to the stand-in, which
 * notifies the app as Slack does.
 */
export class SlackActs {
  /** The name of the person that the user acts as. */
  me = 'ada';
  /** The error of the last action; empty if it succeeded. */
  problem = '';
  /** @type {Send} */
  #send;
  /** Redraws the parts that depend on this state. @type {() => void} */
  #changed;
  /** @type {SlackDialogs} */
  dialogs = new SlackDialogs();
  /** The current options of menus, by block and action. @type {Map<string, readonly unknown[]>} */
  #suggestions = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #typing;

  /** @param {Send} send @param {() => void} changed */
  constructor(send, changed) {
    this.#send = send;
    this.#changed = changed;
    for (const type of ['click', 'change', 'input', 'submit', 'focusin']) {
      document.addEventListener(type, (event) => this.#handle(event));
    }
    document.addEventListener('click', ({ target }) => closeMenus(target));
    document.addEventListener('keydown', ({ key }) => key === 'Escape' && closeMenus(null));
    this.dialogs.onCancel((view, all) => void this.#act(`/views/${view}/close`, { all }));
  }

  /** @param {string} block @param {string} action */
  suggested = (block, action) => this.#suggestions.get(`${block} ${action}`) ?? [];

  /** @param {Event} event */
  #handle(event) {
    const target = event.target instanceof Element ? event.target.closest('[data-slack]') : null;
    if (!(target instanceof HTMLElement)) return;
    const act = target.dataset['slack'] ?? '';
    if (event.type === 'submit') event.preventDefault();
    const does = /** @type {Record<string, Record<string, (element: HTMLElement) => unknown>>} */ (this.#DOES)[
      event.type
    ]?.[act];
    void does?.(target);
  }

  /** Handlers by event type and `data-slack`. */
  #DOES = {
    click: {
      press: (/** @type {HTMLElement} */ element) => this.#press(element, element.dataset['value']),
      react: (/** @type {HTMLElement} */ element) => this.#react(element),
      shortcut: (/** @type {HTMLElement} */ element) => this.#shortcut(element),
      close: (/** @type {HTMLElement} */ element) => this.dialogs.cancel(element.dataset['all'] !== undefined),
    },
    change: {
      choose: (/** @type {HTMLElement} */ element) => this.#choose(element),
      search: (/** @type {HTMLElement} */ element) => this.#found(element),
      who: (/** @type {HTMLElement} */ element) => this.#become(element),
    },
    input: { search: (/** @type {HTMLElement} */ element) => this.#search(element) },
    focusin: { search: (/** @type {HTMLElement} */ element) => this.#search(element) },
    submit: {
      say: (/** @type {HTMLElement} */ element) => this.#say(element),
      submit: (/** @type {HTMLElement} */ element) =>
        this.#act(`/views/${element.dataset['view']}/submit`, { values: valuesIn(element) }),
    },
  };

  /** @param {string} path @param {object} body */
  async #act(path, body) {
    const { ok, answer } = await this.#send('POST', `/slack${path}`, { user: this.me, ...body });
    this.problem = ok ? '' : (answer?.detail ?? 'Something went wrong. Try again.');
    this.#changed();
    return ok ? answer : undefined;
  }

  /** @param {HTMLElement} element @param {unknown} value */
  async #press(element, value) {
    const { block, action, confirm } = element.dataset;
    if (confirm !== undefined && !(await this.dialogs.confirm(/** @type {Fields} */ (JSON.parse(confirm))))) return;
    const identity = { action_id: action, block_id: block, ...(value !== undefined && { value }) };
    await this.#act('/actions', { ...placeOf(element), ...identity, values: valuesIn(holderOf(element)) });
  }

  /** @param {HTMLElement} element */
  async #choose(element) {
    if (element.dataset['silent'] !== undefined) return;
    const holder = element.closest('fieldset') ?? element;
    const value = valueOf(holder);
    await this.#press(element, value);
    if (element instanceof HTMLSelectElement && element.getAttribute('aria-label') === 'More actions')
      element.value = '';
  }

  /** @param {HTMLElement} element */
  #search(element) {
    clearTimeout(this.#typing);
    const { value } = /** @type {HTMLInputElement} */ (element);
    if (value.length < Number(element.dataset['min'])) return;
    this.#typing = setTimeout(() => void this.#suggest(element), TYPING_MS);
  }

  /** @param {HTMLElement} element */
  async #suggest(element) {
    const { block, action } = element.dataset;
    const query = /** @type {HTMLInputElement} */ (element).value;
    const search = { ...placeOf(element), block_id: block, action_id: action, query };
    const answer = await this.#act('/options', search);
    this.#suggestions.set(`${block} ${action}`, listed(answer?.options));
    this.#changed();
  }

  /** Handles the selection of an offered option. @param {HTMLElement} element */
  #found(element) {
    const value = valueOf(element);
    if (element.dataset['silent'] === undefined && value !== null) void this.#press(element, value);
  }

  /** @param {HTMLElement} element */
  #become(element) {
    this.me = /** @type {HTMLSelectElement} */ (element).value;
    this.#changed();
  }

  /** @param {HTMLElement} element */
  async #say(element) {
    const box = element.querySelector('input');
    const text = box?.value.trim() ?? '';
    if (!box || text === '') return;
    const { name = '' } = element.dataset;
    box.value = '';
    if (text.startsWith('/')) await this.#act('/commands', { channel: name, text });
    else await this.#act(`/channels/${encodeURIComponent(name)}/messages`, { text });
    if (this.problem !== '' && box.value === '') box.value = text;
  }

  /** @param {HTMLElement} element */
  async #react(element) {
    closeMenu(element);
    const { name, reaction, ts } = element.dataset;
    await this.#act(`/channels/${encodeURIComponent(name ?? '')}/reactions`, { ts, name: reaction });
  }

  /** @param {HTMLElement} element */
  async #shortcut(element) {
    closeMenu(element);
    const { id, channel, ts } = element.dataset;
    await this.#act('/shortcuts', { callback_id: id, ...(ts !== undefined && { channel, ts }) });
  }
}

/** @param {HTMLElement} element */
function closeMenu(element) {
  element.closest('details')?.removeAttribute('open');
}

/**
 * Closes open menus that do not contain `target`. Focus inside a menu returns to its button.
 *
 * @param {EventTarget | null} target
 */
function closeMenus(target) {
  for (const menu of document.querySelectorAll('.menu[open]')) {
    if (target instanceof Node && menu.contains(target)) continue;
    if (menu.contains(document.activeElement)) menu.querySelector('summary')?.focus();
    menu.removeAttribute('open');
  }
}

/** Returns the message or modal that contains an element. @param {Element} element */
const holderOf = (element) => /** @type {HTMLElement} */ (element.closest('[data-view], [data-ts]') ?? element);

/** @param {Element} element */
function placeOf(element) {
  const { view, channel, ts } = holderOf(element).dataset;
  return view === undefined ? { channel, ts } : { view };
}

/** Returns the selected and entered values in a message or modal, by block and action. @param {Element} holder */
function valuesIn(holder) {
  /** @type {Record<string, Record<string, unknown>>} */
  const values = {};
  for (const element of holder.querySelectorAll('[data-kind]')) {
    const { block = '', action = '' } = /** @type {HTMLElement} */ (element).dataset;
    (values[block] ??= {})[action] = valueOf(/** @type {HTMLElement} */ (element));
  }
  return values;
}

/** @param {HTMLElement} element */
function valueOf(element) {
  const checked = () =>
    Array.from(element.querySelectorAll('input:checked'), (box) => /** @type {HTMLInputElement} */ (box).value);
  // A group of checkboxes has no value of its own.
  const value = 'value' in element && typeof element.value === 'string' ? element.value : '';
  switch (element.dataset['kind']) {
    case 'many':
      return Array.from(/** @type {HTMLSelectElement} */ (element).selectedOptions, (option) => option.value);
    case 'checkbox':
      return checked();
    case 'radio':
      return checked()[0] ?? null;
    case 'search':
      return offered(/** @type {HTMLInputElement} */ (element));
    case 'datetime-local':
      return value === '' ? null : String(Math.floor(new Date(value).getTime() / 1000));
    case undefined:
    default:
      return value === '' ? null : value;
  }
}

/** Returns the option whose text was entered in a search menu; `null` if there is none. @param {HTMLInputElement} element */
function offered(element) {
  const { value: text } = element;
  const option = Array.from(element.list?.options ?? []).find((one) => one.value === text);
  const current = text !== '' && text === element.getAttribute('value') ? element.dataset['value'] : undefined;
  const value = option?.dataset['value'] ?? current;
  return value === undefined ? null : { value, text };
}
