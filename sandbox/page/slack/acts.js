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
    const does = /** @type {Record<string, Record<string, (it: HTMLElement) => unknown>>} */ (this.#DOES)[event.type]?.[
      act
    ];
    void does?.(target);
  }

  /** Handlers by event type and `data-slack`. */
  #DOES = {
    click: {
      press: (/** @type {HTMLElement} */ it) => this.#press(it, it.dataset['value']),
      react: (/** @type {HTMLElement} */ it) => this.#react(it),
      shortcut: (/** @type {HTMLElement} */ it) => this.#shortcut(it),
      close: (/** @type {HTMLElement} */ it) => this.dialogs.cancel(it.dataset['all'] !== undefined),
    },
    change: {
      choose: (/** @type {HTMLElement} */ it) => this.#choose(it),
      search: (/** @type {HTMLElement} */ it) => this.#found(it),
      who: (/** @type {HTMLElement} */ it) => this.#become(it),
    },
    input: { search: (/** @type {HTMLElement} */ it) => this.#search(it) },
    focusin: { search: (/** @type {HTMLElement} */ it) => this.#search(it) },
    submit: {
      say: (/** @type {HTMLElement} */ it) => this.#say(it),
      submit: (/** @type {HTMLElement} */ it) =>
        this.#act(`/views/${it.dataset['view']}/submit`, { values: valuesIn(it) }),
    },
  };

  /** @param {string} path @param {object} body */
  async #act(path, body) {
    const { ok, answer } = await this.#send('POST', `/slack${path}`, { user: this.me, ...body });
    this.problem = ok ? '' : (answer?.detail ?? 'Something went wrong. Try again.');
    this.#changed();
    return ok ? answer : undefined;
  }

  /** @param {HTMLElement} it @param {unknown} value */
  async #press(it, value) {
    const { block, action, confirm } = it.dataset;
    if (confirm !== undefined && !(await this.dialogs.confirm(/** @type {Fields} */ (JSON.parse(confirm))))) return;
    const element = { action_id: action, block_id: block, ...(value !== undefined && { value }) };
    await this.#act('/actions', { ...placeOf(it), ...element, values: valuesIn(holderOf(it)) });
  }

  /** @param {HTMLElement} it */
  async #choose(it) {
    if (it.dataset['silent'] !== undefined) return;
    const holder = it.closest('fieldset') ?? it;
    const value = valueOf(holder);
    await this.#press(it, value);
    if (it instanceof HTMLSelectElement && it.getAttribute('aria-label') === 'More actions') it.value = '';
  }

  /** @param {HTMLElement} it */
  #search(it) {
    clearTimeout(this.#typing);
    const { value } = /** @type {HTMLInputElement} */ (it);
    if (value.length < Number(it.dataset['min'])) return;
    this.#typing = setTimeout(() => void this.#suggest(it), TYPING_MS);
  }

  /** @param {HTMLElement} it */
  async #suggest(it) {
    const { block, action } = it.dataset;
    const query = /** @type {HTMLInputElement} */ (it).value;
    const search = { ...placeOf(it), block_id: block, action_id: action, query };
    const answer = await this.#act('/options', search);
    this.#suggestions.set(`${block} ${action}`, listed(answer?.options));
    this.#changed();
  }

  /** Handles the selection of an offered option. @param {HTMLElement} it */
  #found(it) {
    const value = valueOf(it);
    if (it.dataset['silent'] === undefined && value !== null) void this.#press(it, value);
  }

  /** @param {HTMLElement} it */
  #become(it) {
    this.me = /** @type {HTMLSelectElement} */ (it).value;
    this.#changed();
  }

  /** @param {HTMLElement} it */
  async #say(it) {
    const box = it.querySelector('input');
    const text = box?.value.trim() ?? '';
    if (!box || text === '') return;
    const { name = '' } = it.dataset;
    box.value = '';
    if (text.startsWith('/')) await this.#act('/commands', { channel: name, text });
    else await this.#act(`/channels/${encodeURIComponent(name)}/messages`, { text });
    if (this.problem !== '' && box.value === '') box.value = text;
  }

  /** @param {HTMLElement} it */
  async #react(it) {
    closeMenu(it);
    const { name, reaction, ts } = it.dataset;
    await this.#act(`/channels/${encodeURIComponent(name ?? '')}/reactions`, { ts, name: reaction });
  }

  /** @param {HTMLElement} it */
  async #shortcut(it) {
    closeMenu(it);
    const { id, channel, ts } = it.dataset;
    await this.#act('/shortcuts', { callback_id: id, ...(ts !== undefined && { channel, ts }) });
  }
}

/** @param {HTMLElement} it */
function closeMenu(it) {
  it.closest('details')?.removeAttribute('open');
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

/** Returns the message or modal that contains an element. @param {Element} it */
const holderOf = (it) => /** @type {HTMLElement} */ (it.closest('[data-view], [data-ts]') ?? it);

/** @param {Element} it */
function placeOf(it) {
  const { view, channel, ts } = holderOf(it).dataset;
  return view === undefined ? { channel, ts } : { view };
}

/** Returns the selected and entered values in a message or modal, by block and action. @param {Element} holder */
function valuesIn(holder) {
  /** @type {Record<string, Record<string, unknown>>} */
  const values = {};
  for (const it of holder.querySelectorAll('[data-kind]')) {
    const { block = '', action = '' } = /** @type {HTMLElement} */ (it).dataset;
    (values[block] ??= {})[action] = valueOf(/** @type {HTMLElement} */ (it));
  }
  return values;
}

/** @param {HTMLElement} it */
function valueOf(it) {
  const checked = () =>
    Array.from(it.querySelectorAll('input:checked'), (box) => /** @type {HTMLInputElement} */ (box).value);
  // A group of checkboxes has no value of its own.
  const value = 'value' in it && typeof it.value === 'string' ? it.value : '';
  switch (it.dataset['kind']) {
    case 'many':
      return Array.from(/** @type {HTMLSelectElement} */ (it).selectedOptions, (option) => option.value);
    case 'checkbox':
      return checked();
    case 'radio':
      return checked()[0] ?? null;
    case 'search':
      return offered(/** @type {HTMLInputElement} */ (it));
    case 'datetime-local':
      return value === '' ? null : String(Math.floor(new Date(value).getTime() / 1000));
    case undefined:
    default:
      return value === '' ? null : value;
  }
}

/** Returns the option whose text was entered in a search menu; `null` if there is none. @param {HTMLInputElement} it */
function offered(it) {
  const { value: text } = it;
  const option = Array.from(it.list?.options ?? []).find((one) => one.value === text);
  const kept = text !== '' && text === it.getAttribute('value') ? it.dataset['value'] : undefined;
  const value = option?.dataset['value'] ?? kept;
  return value === undefined ? null : { value, text };
}
