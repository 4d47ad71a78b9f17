import { didYouMean } from '../../domain/runbooks/nearest.ts';
import { type NamedIncident, referenceWords } from '../../domain/slack/commands/reference.ts';
import { FIELDS, type Filled, type ReadForm, readForm } from '../../domain/slack/forms.ts';
import type { Catalogue } from '../../domain/slack/ports.ts';
import type { ViewSubmission } from '../../schemas/slack/interaction.ts';
import type { Waiting } from './commands.ts';
import { NOT_TAKEN } from './conversation.ts';
import { within } from './deadline.ts';
import { type Answer, json, nothing } from './http.ts';
import { handOn } from './enqueue.ts';

/** Maximum time in milliseconds to read an incident. */
const LOOK_PATIENCE_MS = 1200;

/** Responds to a submitted modal: shows errors in the modal, or queues the submission and closes the modal. */
export async function submitted(waiting: Waiting, interaction: ViewSubmission): Promise<Answer> {
  const read = readForm(interaction.view);
  if (read === undefined) return nothing();
  if (!read.ok) return wrong(read.errors);
  const errors = await errorsOf(waiting, read);
  if (errors !== null) return wrong(errors);
  const taken = await handOn(waiting.deps, { kind: 'interaction', interaction }, waiting.trace);
  return taken ? nothing() : wrong({ [firstField(read.filled)]: NOT_TAKEN });
}

const wrong = (errors: Record<string, string>): Answer => json({ response_action: 'errors', errors });

/** Returns a field that the modal always has. */
function firstField({ form }: Filled): string {
  switch (form) {
    case 'declare':
      return FIELDS.title;
    case 'severity':
      return FIELDS.severity;
    case 'freeze':
      return FIELDS.target;
    case 'override':
      return FIELDS.freeze;
    case 'update':
    case 'handover':
    case 'resolve':
      return FIELDS.text;
    case 'pin':
      return FIELDS.incident;
  }
}

/** Checks the values against current data. If it can't be read, the queue consumer checks them. */
async function errorsOf(
  waiting: Waiting,
  { filled, about, named }: Extract<ReadForm, { ok: true }>,
): Promise<Record<string, string> | null> {
  if (filled.form === 'declare') {
    const catalogue = await waiting.known.catalogue();
    return catalogue === null ? null : placeErrors(catalogue.value, filled);
  }
  if (named !== null) return nameErrors(waiting, named);
  // Notes can also be added to a resolved incident.
  if (about.incident === null || filled.form === 'pin') return null;
  const { incident: id } = about;
  const look = within(LOOK_PATIENCE_MS, waiting.deps.incident(id));
  const incident = await look.catch((error: unknown) => {
    waiting.deps.log.warn('an incident could not be read within the time limit of Slack', {
      incident: id,
      error: String(error),
    });
  });
  return incident?.status === 'resolved'
    ? { [firstField(filled)]: 'Superseded: this incident is already resolved. Nothing was done.' }
    : null;
}

/** Checks an incident that was entered as text. */
async function nameErrors({ known }: Waiting, named: NamedIncident): Promise<Record<string, string> | null> {
  const open = await known.openIncidents();
  const name = referenceWords(named);
  if (open?.fresh !== true || open.value.some(({ channel }) => channel === name)) return null;
  const meant = didYouMean(
    name,
    open.value.flatMap(({ channel }) => channel ?? []),
  );
  return { [FIELDS.incident]: `${name} is not the channel of an open incident${meant === null ? '' : `; ${meant}`}` };
}

function placeErrors(
  { services }: Catalogue,
  { service, environment }: Extract<Filled, { form: 'declare' }>,
): Record<string, string> | null {
  if (service === null) return null;
  const entry = Object.hasOwn(services, service) ? services[service] : undefined;
  if (entry === undefined) {
    const meant = didYouMean(service, Object.keys(services));
    return { [FIELDS.service]: `There is no service "${service.slice(0, 80)}"${meant === null ? '' : `; ${meant}`}` };
  }
  // A service without configured environments accepts any.
  if (environment === null || entry.environments.length === 0 || entry.environments.includes(environment)) return null;
  return {
    [FIELDS.environment]: `${service.slice(0, 80)} has only these environments: ${entry.environments.slice(0, 10).join(', ')}`,
  };
}
