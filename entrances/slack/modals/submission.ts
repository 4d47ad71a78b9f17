import type { NamedIncident } from '../../../core/domain/slack/commands/reference.ts';
import type { View } from '../../../schemas/slack/view.ts';
import { type ActionRequest, dialogWith } from '../commands/lookup.ts';
import type { Dialog } from '../commands/verb.ts';
import { type ModalContext, contextOf, Fields } from './form.ts';

/**
 * `request` undefined: it requires no action. `named`: the selected incident, if not by ID. `errors`: messages by field.
 */
export type Submission =
  | {
      ok: true;
      dialog: Dialog<object, object>;
      request: ActionRequest | undefined;
      modalContext: ModalContext;
      named: NamedIncident | null;
    }
  | { ok: false; errors: Record<string, string> };

/** Parses a submitted modal. Undefined: not a modal of Firebreak. */
export function readSubmission(view: View): Submission | undefined {
  const found = dialogWith(view.callback_id);
  if (found === undefined) return undefined;
  const { act, dialog } = found;
  const fields = new Fields(view);
  const modalContext = contextOf(view.private_metadata);
  const read = dialog.read(fields, modalContext);
  const chosen = fields.incident();
  if (Object.keys(fields.errors).length > 0) return { ok: false, errors: fields.errors };
  const request = read && { act, ...read };
  const submission = { ok: true, dialog, request } as const;
  return chosen !== null && 'id' in chosen
    ? { ...submission, modalContext: { ...modalContext, incident: chosen.id }, named: null }
    : { ...submission, modalContext, named: chosen };
}
