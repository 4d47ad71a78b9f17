import type { SlackRefused } from '../../../vendors/slack/minimal-client.ts';
import { bodyOf } from '../../../vendors/slack/blocks.ts';
import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import type { IncidentDetails, ModalView, SlackDeps } from '../../../core/domain/ports/slack.ts';
import type { Dialog } from '../commands/verb.ts';
import { modal, readOnlyModal } from './blocks.ts';

/** Returns the modal of a dialog. */
export const modalOf = async <D>(
  dialog: Dialog<D, object>,
  opened: Parameters<Dialog<D, object>['blocks']>[0],
): Promise<ModalView> =>
  modal({
    ...dialog,
    modalContext: { ...opened.modalContext, ...dialog.context?.(opened.draft) },
    blocks: await dialog.blocks(opened),
  });

/** Returns the modal with the details of an incident. It keeps the limits of a message, which are below those of a modal. */
export const detailsModal = ({ message, ...incident }: IncidentDetails): ModalView =>
  readOnlyModal(
    'incident_details',
    incident.number === undefined ? 'Details' : `Details of ${incidentName(incident)}`,
    bodyOf(message).blocks,
  );

/** Opens a modal. Returns the error message for the user; null: the modal is open. */
export async function openModal(deps: SlackDeps, trigger: string, view: ModalView): Promise<string | null> {
  try {
    await deps.slack.openView(trigger, view);
    return null;
  } catch (error) {
    deps.log.warn('a Slack modal could not be opened', { modal: view.callback_id, error: String(error) });
    return failureText(error);
  }
}

/**
 * Returns the error code of Slack. Checks the name of the class, because the error can be of another copy of the class, in
 * another bundle.
 */
const codeOf = (error: unknown): string =>
  error instanceof Error && error.name === 'SlackRefused' ? (error as SlackRefused).code : 'no_answer';

function failureText(error: unknown): string {
  const code = codeOf(error);
  switch (code) {
    case 'expired_trigger_id':
    case 'exchanged_trigger_id':
    case 'invalid_trigger_id':
      return 'The dialog could not be opened within the three seconds that Slack allows. Nothing was done: try again.';
    case 'no_answer':
    case 'ratelimited':
      return 'Slack did not open the dialog. Nothing was done: try again.';
    case 'not_connected':
      return 'Firebreak cannot open dialogs, because it has no Slack token: SLACK_BOT_TOKEN is not set. Nothing was done.';
    default:
      return `Slack did not open the dialog (${code}). Nothing was done. See docs/how-to/slack.md.`;
  }
}
