import { blocks } from './blocks.js';
import { draw, h } from '../dom.js';
import { plain, textOf } from './controls.js';

/** @typedef {import('../../slack/blocks/view.ts').ModalView} Modal */
/** @typedef {import('./mrkdwn.js').TextContext} TextContext */

/** Dialogs over the workspace: the modal that the person has open, and confirmation dialogs. */
export class SlackDialogs {
  #modal = dialog('slack-modal');
  #question = dialog('slack-question');
  /** @type {Modal | undefined} */
  #shown;
  /** @type {(view: string, all: boolean) => void} */
  #cancelled = () => undefined;

  constructor() {
    // The Escape key only sends a request. The modal closes when the stand-in reports it as closed.
    this.#modal.addEventListener('cancel', (event) => {
      event.preventDefault();
      this.cancel(true);
    });
    // Close the dialog in script, since the page's policy does not allow form submissions.
    this.#question.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      if (!button) return;
      event.preventDefault();
      this.#question.close(button.value);
    });
  }

  /** @param {(view: string, all: boolean) => void} cancelled */
  onCancel(cancelled) {
    this.#cancelled = cancelled;
  }

  /** @param {boolean} all whether to close the whole stack */
  cancel(all) {
    if (this.#shown) this.#cancelled(this.#shown.id, all);
  }

  /** @param {Modal | undefined} modal @param {TextContext} context */
  show(modal, context) {
    const isNew = modal?.id !== this.#shown?.id;
    this.#shown = modal;
    if (!modal) return this.#modal.close();
    draw(this.#modal, modalForm(modal, { ...context, state: modal.state }));
    if (!this.#modal.open) this.#modal.showModal();
    if (isNew) first(this.#modal)?.focus();
  }

  /**
   * Asks the user to confirm a press.
   *
   * @param {Record<string, unknown>} words
   * @returns {Promise<boolean>}
   */
  confirm({ title, text, confirm: confirmText, deny: denyText, style }) {
    const element = this.#question;
    const form = h(
      'form',
      { method: 'dialog', class: 'question' },
      h('h3', { id: 'slack-question-title' }, plain(title)),
      h('p', {}, plain(text)),
      h(
        'p',
        { class: 'answers' },
        h('button', { value: 'no', class: 'block-button' }, plain(denyText)),
        h(
          'button',
          { value: 'yes', class: `block-button ${style === 'danger' ? style : 'primary'}` },
          plain(confirmText),
        ),
      ),
    );
    draw(element, form);
    element.returnValue = 'no';
    element.showModal();
    return new Promise((resolve) =>
      element.addEventListener('close', () => resolve(element.returnValue === 'yes'), { once: true }),
    );
  }
}

/** @param {string} id */
function dialog(id) {
  const element = /** @type {HTMLDialogElement} */ (
    h('dialog', { id, class: 'slack-dialog', 'aria-labelledby': `${id}-title` })
  );
  document.body.append(element);
  return element;
}

/** Returns the first element to focus. @param {Element} element @returns {HTMLElement | null} */
const first = (element) => element.querySelector('.modal-body :is(input, select, textarea, button), .answers button');

/** @param {Modal} modal @param {TextContext} context */
function modalForm({ id, title, submit, close, blocks: all, errors, problem }, context) {
  const problems = Object.entries(errors);
  return h(
    'form',
    { 'data-slack': 'submit', 'data-view': id, 'data-key': id, novalidate: true },
    h(
      'header',
      {},
      h('h3', { id: 'slack-modal-title' }, plain(title)),
      h('button', { type: 'button', 'data-slack': 'close', 'data-all': true, 'aria-label': 'Close' }, '×'),
    ),
    h(
      'div',
      { class: 'modal-body' },
      problem !== '' && h('p', { class: 'problem', role: 'alert' }, problem),
      blocks(all, context).map((block, i) => [block, errorOf(all[i], problems)]),
    ),
    h(
      'p',
      { class: 'answers' },
      h('button', { type: 'button', class: 'block-button', 'data-slack': 'close' }, textOf(close) || 'Cancel'),
      submit !== null && h('button', { type: 'submit', class: 'block-button primary' }, textOf(submit) || 'Submit'),
    ),
  );
}

/** Renders the error of a field below element. @param {unknown} block @param {readonly [string, string][]} problems */
function errorOf(block, problems) {
  const id = /** @type {{ block_id?: unknown }} */ (block).block_id;
  const [, words] = problems.find(([at]) => at === id) ?? [];
  return words !== undefined && h('p', { class: 'problem', role: 'alert', 'data-key': `error ${String(id)}` }, words);
}
