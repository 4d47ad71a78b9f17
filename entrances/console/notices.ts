import { html } from 'hono/html';
import { killSwitchText } from '../../core/domain/automation/automation.ts';
import { configurationFindings } from '../../core/domain/catalogue/doctor-findings.ts';
import { capitalized } from '../../core/domain/messages/decision-lines.ts';
import type { Refusal } from '../../core/domain/refusal.ts';
import type { Automation } from '../../schemas/access/access.ts';
import type { Viewer } from '../http/context.ts';
import { SETTINGS_PATH } from './pages/settings/settings.ts';
import { type Confirmation, type ConsolePage, fieldProblems, type PageAction, type Undo } from './pages/page.ts';
import { actionForm, type Html, sentence, type Shown } from './parts.ts';
import type { MarkedField, RefusedForm } from './refused-form.ts';
import { truncated } from '../../schemas/parsing/text.ts';

/** What a page says about the form that a viewer sent. */

export const doneNotice = (text: Html): Html => html`<div class="notice" role="status">${text}</div>`;

/** Returns why a form was refused. Use cases say also in which part of a request of the API the reason is. */
const reasonText = (detail: string): string => sentence(detail.replace(/^json: /, ''));

/** Says why a form was refused, with links to the fields that are the reason. */
export const refusalNotice = ({ detail }: Refusal, marked: readonly MarkedField[]): Html =>
  html`<div class="notice error" role="alert">
    ${
      marked.length === 0
        ? html`<p>${reasonText(detail)}</p>`
        : html`<p>Nothing was done.</p>
            <ul>
              ${marked.map(({ id, label, text }) => html`<li><a href="#${id}">${label}</a>: ${sentence(text)}</li>`)}
            </ul>`
    }
  </div>`;

/** Errors of a configuration in the banner; the settings show all. */
const ERRORS_SHOWN = 3;

/** Says that the newest configuration is not in force, and why. It is a part of the page, so that it goes when it is repaired. */
export function configurationNotice(problems: readonly string[]): Html | undefined {
  const errors = configurationFindings(problems).filter(({ verdict }) => verdict === 'no');
  if (errors.length === 0) return undefined;
  return html`<div class="notice error" role="alert" id="configuration" data-part>
    <p>The configuration is invalid. The last valid one stays active.</p>
    <ul>
      ${errors.slice(0, ERRORS_SHOWN).map(({ text }) => html`<li>${text}</li>`)}
    </ul>
    <p><a href="${SETTINGS_PATH}">${errors.length > ERRORS_SHOWN ? `All ${errors.length} errors` : 'Settings'}</a></p>
  </div>`;
}

/** Says that the kill switch is on, so that nobody expects automation to act, or an approval to have an effect. @param read null: unknown */
export function killSwitchNotice(read: Automation | null): Html | undefined {
  if (read?.paused === false) return undefined;
  const text =
    read === null
      ? 'Whether the kill switch is on could not be read'
      : `${capitalized(killSwitchText(read))}. Nothing is rolled back, and an approval has no effect`;
  return html`<div class="notice error" role="alert" id="kill-switch" data-part><p>${text}.</p></div>`;
}

/** Known values that a notice names. */
const KNOWN_SHOWN = 20;

/** Longest unknown value that is repeated, in UTF-16 code units. */
const VALUE_MAX_CHARS = 100;

/** Says which values in the address select nothing, so that nobody takes the list for a filtered one. */
export function unknownValuesNotice(query: URLSearchParams, known: Shown['known'] = {}): Html | undefined {
  const unknown = Object.entries(known).flatMap(([name, values]) => {
    const value = query.get(name)?.trim() ?? '';
    if (value === '' || values.includes(value)) return [];
    const more = values.length - KNOWN_SHOWN;
    const listed = `${values.slice(0, KNOWN_SHOWN).join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
    const shown = truncated(value, VALUE_MAX_CHARS);
    return [`Unknown ${name} “${shown}”. ${listed === '' ? 'None is known.' : `Known values: ${listed}.`}`];
  });
  if (unknown.length === 0) return undefined;
  return html`<div class="notice error" role="status" id="unknown-values" data-part>
    ${unknown.map((text) => html`<p>${text}</p>`)}
  </div>`;
}

/** @param paths of the action */
export const refusedFormOf = (
  error: Refusal,
  sent: URLSearchParams,
  paths: readonly string[],
  { fieldNames, shownBy }: Pick<PageAction, 'fieldNames' | 'shownBy'> = {},
): RefusedForm => ({
  paths: shownBy === undefined ? paths : paths.map((path) => `${path.slice(0, path.lastIndexOf('/') + 1)}${shownBy}`),
  sent,
  problems: fieldProblems(error, sent, fieldNames).map(({ field, text }) => ({ field, text: sentence(text) })),
  text: reasonText(error.detail),
});

/** Returns the query with which a page says that an action was done, and how it is undone. */
export const doneQuery = (name: string, undo?: Undo): string =>
  new URLSearchParams({
    done: name,
    ...(undo !== undefined && { undo: undo.action, ...prefixed(undo.fields) }),
  }).toString();

const prefixed = (fields: Undo['fields']): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [`undo.${name}`, value]));

/** Returns whether a parameter of an address is about the last action. */
export const isOfLastAction = (name: string): boolean => /^(?:done|undo)(?:$|\.)/.test(name);

/**
 * Says that the action in the address was done, with a button to undo it. The address names only actions and fields that the
 * page declares.
 *
 * @param path of the page
 */
export function noticeOf(
  { actions = {} }: Pick<ConsolePage, 'actions'>,
  query: URLSearchParams,
  path: string,
  { csrfToken, may }: Viewer,
): Html | undefined {
  const action = actionNamed(actions, query.get('done'));
  if (action === undefined) return undefined;
  const undo = query.get('undo') ?? '';
  const { undoneBy = {} } = action;
  const inverse = Object.hasOwn(undoneBy, undo) ? actionNamed(actions, undo) : undefined;
  return doneNotice(
    html`<p>${action.done}</p>
      ${
        inverse === undefined || !may(inverse.permission, {})
          ? ''
          : undoForm(path, csrfToken, {
              action: undo,
              fields: Object.fromEntries((undoneBy[undo] ?? []).map((name) => [name, query.get(`undo.${name}`) ?? ''])),
            })
      }`,
  );
}

/** A button that undoes an action. @param path of the page */
export const undoForm = (path: string, csrfToken: string, { action, fields }: Undo): Html =>
  actionForm(
    path,
    action,
    csrfToken,
    html`${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
      <button class="plain-button" id="undo">Undo</button>`,
  );

export const actionNamed = (
  actions: Readonly<Record<string, PageAction>>,
  name: string | null | undefined,
): PageAction | undefined => (name != null && Object.hasOwn(actions, name) ? actions[name] : undefined);

/** The name of the field that says that a person has confirmed an action. */
export const CONFIRMED = 'confirmed';

/**
 * Asks whether an action is to be done, and repeats what it does.
 *
 * @param address of the page to which cancelling leads
 */
export const confirmationOf = (
  { question, effect, button }: Confirmation,
  {
    page,
    address,
    action,
    csrfToken,
    form,
  }: { page: string; address: string; action: string; csrfToken: string; form: URLSearchParams },
): Shown => ({
  title: question,
  main: html`<section class="panel asks question-page" aria-labelledby="confirm-title">
    <h1 id="confirm-title">${question}</h1>
    <p>${effect}</p>
    ${actionForm(
      page,
      action,
      csrfToken,
      html`${[...form].map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
        <input type="hidden" name="${CONFIRMED}" value="yes" />
        <div class="buttons">
          <button class="danger" id="do-confirm">${button}</button><a class="button" href="${address}">Cancel</a>
        </div>`,
    )}
  </section>`,
});
