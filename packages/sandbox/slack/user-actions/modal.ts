import * as z from 'zod';
import { isObject } from '../delivery/arguments.ts';
import { mergeValues, CONNECTION_PROBLEM, ValuesIn } from './press.ts';
import type { ProductResponse } from '../delivery/deliveries.ts';
import { requireModal, WorkspaceUser } from '../lookups.ts';
import { givenView } from '../blocks/modal-check.ts';
import type { Modal } from '../blocks/modals.ts';
import { interactionRequest } from '../delivery/payloads.ts';
import { Refused, type Fields } from '../delivery/refusal.ts';
import { answerOf } from '../delivery/responses.ts';
import { inputErrors } from '../state.ts';
import type { ProductRequest } from '../delivery/product-requests.ts';
import { pushView, viewObject } from '../blocks/views.ts';
import type { Workspace } from '../workspace.ts';

export const Submission = z.strictObject({ user: WorkspaceUser, values: ValuesIn.default({}) });

/** `all`: closes the whole stack, as the cross in the corner does. */
export const Closing = z.strictObject({ user: WorkspaceUser, all: z.boolean().default(false) });

type ActionContext = { workspace: Workspace; at: number };

/**
 * Submits a modal. Slack reports missing inputs itself, without a request to the app.
 *
 * @see https://docs.slack.dev/surfaces/modals (read 2026-11), "Updating, pushing, and closing views"
 */
export function submit(
  id: string,
  input: z.infer<typeof Submission>,
  { workspace, at }: ActionContext,
): ProductRequest | undefined {
  const { modals, triggers } = workspace;
  const { user: person } = input;
  const modal = requireModal(workspace, id, person);
  const given = mergeValues(modal.given, input.values);
  const errors = inputErrors(modal.view.blocks, given);
  const saved = modals.saveState(modal, { given, errors, problem: '' });
  if (Object.keys(errors).length > 0) return undefined;
  const triggerId = triggers.create({ user: person.id, view: modal.seq }, at);
  const fields = { trigger_id: triggerId, view: viewObject(saved), response_urls: [] };
  return {
    outgoing: interactionRequest('view_submission', person, fields),
    handleResponse(answer) {
      const current = modals.bySeq(modal.seq); // the app may have changed it in the meantime
      if (current) applyResponse(workspace, current, answer, at);
    },
  };
}

/** Closes a modal. The app is notified if it has requested it. */
export function close(
  id: string,
  input: z.infer<typeof Closing>,
  { workspace }: ActionContext,
): ProductRequest | undefined {
  const { modals } = workspace;
  const { user: person, all } = input;
  const modal = requireModal(workspace, id, person);
  const isCleared = all || modal.view.clear_on_close;
  if (isCleared) modals.clear(modal);
  else modals.close(modal);
  if (!modal.view.notify_on_close) return undefined;
  const fields = { view: viewObject(modal), is_cleared: isCleared };
  return { outgoing: interactionRequest('view_closed', person, fields), handleResponse: () => undefined };
}

/** Applies the app's response to a submission. An empty response closes the modal. */
function applyResponse(workspace: Workspace, modal: Modal, { status, body }: ProductResponse, at: number): void {
  const { modals } = workspace;
  if (status !== 200) return void modals.saveState(modal, { problem: CONNECTION_PROBLEM });
  if (body.trim() === '') return modals.close(modal);
  try {
    applyResponseAction(workspace, modal, answerOf(body), at);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const details = Array.isArray(error.extraFields['errors']) ? `: ${error.extraFields['errors'].join('; ')}` : '';
    modals.saveState(modal, { problem: `${CONNECTION_PROBLEM} (${error.code}${details})` });
  }
}

/** @throws Refused if Slack does not accept the response */
function applyResponseAction(workspace: Workspace, modal: Modal, answer: Fields, at: number): void {
  const { modals } = workspace;
  switch (answer['response_action']) {
    case undefined:
      return modals.close(modal);
    case 'clear':
      return modals.clear(modal);
    case 'update':
      return void modals.update(modal, givenView(answer), at);
    case 'push':
      return void pushView(workspace, modal, givenView(answer), at);
    case 'errors':
      return void modals.saveState(modal, { errors: errorsIn(answer, modal) });
    default:
      throw new Refused('invalid_response_action');
  }
}

/** Returns errors for input blocks of the modal. Slack does not show errors for other blocks. */
function errorsIn({ errors }: Fields, { view }: Modal): Record<string, string> {
  const inputs = view.blocks.filter(({ type }) => type === 'input').map(({ block_id: id }) => id);
  const all = isObject(errors) ? Object.entries(errors) : [];
  const isValid = all.length > 0 && all.every(([id, words]) => inputs.includes(id) && typeof words === 'string');
  if (!isValid) throw new Refused('invalid_errors');
  return Object.fromEntries(all.map(([id, words]) => [id, String(words)]));
}
