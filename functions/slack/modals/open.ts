import type { SlackRefused } from '../../../integrations/slack/small-client.ts';
import type { ModalView, SlackDeps } from '../../../domain/slack-ports.ts';

/** Opens a modal. Gives why it could not be, for whoever waits for it; null: it is there. */
export async function openModal(deps: SlackDeps, trigger: string, view: ModalView): Promise<string | null> {
  try {
    await deps.slack.openView(trigger, view);
    return null;
  } catch (error) {
    deps.log.warn('a modal could not be opened', { modal: view.callback_id, error: String(error) });
    return why(error);
  }
}

/** By name: the error may come from another copy of its class. */
const codeOf = (error: unknown): string =>
  error instanceof Error && error.name === 'SlackRefused' ? (error as SlackRefused).code : 'no_answer';

function why(error: unknown): string {
  const code = codeOf(error);
  switch (code) {
    case 'expired_trigger_id':
    case 'exchanged_trigger_id':
    case 'invalid_trigger_id':
      return 'Slack closes the way to a dialog after three seconds, and this took longer. Nothing was done: try again.';
    case 'no_answer':
    case 'ratelimited':
      return 'Slack did not open the dialog. Nothing was done: try again.';
    case 'not_connected':
      return 'Firebreak has no token for Slack, so no dialog can be opened: SLACK_BOT_TOKEN is not set. Nothing was done.';
    default:
      return `Slack did not open the dialog (${code}). Nothing was done; see docs/slack.md.`;
  }
}
