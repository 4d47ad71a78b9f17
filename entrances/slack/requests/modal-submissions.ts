import { nearest, suggestionText } from '../../../schemas/parsing/similar-names.ts';
import { type NamedIncident, referenceWords } from '../../../core/domain/slack/commands/reference.ts';
import type { ViewSubmission } from '../../../schemas/slack/interaction.ts';
import { type Submission, readSubmission } from '../modals/submission.ts';
import { FIELDS } from '../modals/form.ts';
import type { OpenIncident } from '../../../core/domain/ports/slack.ts';
import type { RequestContext } from '../request-context.ts';
import { NOT_STORED } from './interaction-replies.ts';
import { withDeadline } from './deadline.ts';
import { enqueueRequest } from './enqueue.ts';
import { type Answer, json, emptyAnswer } from './http.ts';

/** Maximum time in milliseconds to read an incident. */
const INCIDENT_PATIENCE_MS = 1200;

/** Responds to a submitted modal: shows errors in the modal, or queues the submission and closes the modal. */
export async function respondToSubmission(context: RequestContext, interaction: ViewSubmission): Promise<Answer> {
  const read = readSubmission(interaction.view);
  if (read === undefined) return emptyAnswer();
  if (!read.ok) return fieldErrors(read.errors);
  const errors = await errorsOf(context, read);
  if (errors !== null) return fieldErrors(errors);
  const isQueued = await enqueueRequest(context.deps, { kind: 'interaction', interaction }, context.trace);
  return isQueued ? emptyAnswer() : fieldErrors({ [read.dialog.field]: NOT_STORED });
}

const fieldErrors = (errors: Record<string, string>): Answer => json({ response_action: 'errors', errors });

/** Checks the values against current data. If it can't be read, the queue consumer checks them. */
async function errorsOf(
  context: RequestContext,
  { dialog, request, modalContext, named }: Extract<Submission, { ok: true }>,
): Promise<Record<string, string> | null> {
  if (dialog.errors !== undefined) return request === undefined ? null : dialog.errors(context, request);
  if (named !== null) return nameErrors(context, named);
  if (modalContext.incident === null || dialog.afterResolve === true) return null;
  const { incident: id } = modalContext;
  const reading = withDeadline(INCIDENT_PATIENCE_MS, context.deps.incident(id));
  const incident = await reading.catch((error: unknown) => {
    context.deps.log.warn('an incident could not be read within the time limit of Slack', {
      incident: id,
      error: String(error),
    });
  });
  return incident?.status === 'resolved'
    ? { [dialog.field]: 'Superseded: this incident is already resolved. Nothing was done.' }
    : null;
}

/** Checks an incident that was entered as text. */
async function nameErrors(
  { cachedReads: reads }: RequestContext,
  named: NamedIncident,
): Promise<Record<string, string> | null> {
  const open = await reads.openIncidents();
  const name = referenceWords(named);
  const isNamed = ({ number, channel }: OpenIncident): boolean =>
    'number' in named ? number === named.number : channel === name;
  if (open?.fresh !== true || 'id' in named || open.value.some(isNamed)) return null;
  const suggestion = nearest(
    name,
    open.value.flatMap(({ channel }) => channel ?? []),
  );
  return {
    [FIELDS.incident]: `${name} is not ${'number' in named ? '' : 'the channel of '}an open incident${suggestionText(suggestion)}`,
  };
}
