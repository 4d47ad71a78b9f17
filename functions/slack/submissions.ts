import { didYouMean } from '../../domain/runbooks/nearest.ts';
import { type NamedIncident, referenceWords } from '../../domain/slack-commands/reference.ts';
import { FIELDS, type Filled, type ReadForm, readForm } from '../../domain/slack-forms.ts';
import type { Catalogue } from '../../domain/slack-ports.ts';
import type { ViewSubmission } from '../../schemas/slack/interaction.ts';
import type { Waiting } from './commands.ts';
import { NOT_TAKEN } from './conversation.ts';
import { within } from './deadline.ts';
import { type Answer, json, nothing } from './http.ts';
import { handOn } from './queue.ts';

/** Milliseconds that looking at one incident may take. */
const LOOK_PATIENCE_MS = 1200;

/** What is wrong is shown in the modal; what is right is handed on, and the modal closes. */
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

/** A field that the modal surely has. */
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

/** What only the world can tell. While it cannot be asked, whoever does it finds out. */
async function errorsOf(
  waiting: Waiting,
  { filled, about, named }: Extract<ReadForm, { ok: true }>,
): Promise<Record<string, string> | null> {
  if (filled.form === 'declare') {
    const catalogue = await waiting.known.catalogue();
    return catalogue === null ? null : placeErrors(catalogue.value, filled);
  }
  if (named !== null) return nameErrors(waiting, named);
  // A note is good for the timeline of what is over, too.
  if (about.incident === null || filled.form === 'pin') return null;
  const { incident: id } = about;
  const look = within(LOOK_PATIENCE_MS, waiting.deps.incident(id));
  const incident = await look.catch((error: unknown) => {
    waiting.deps.log.warn('an incident cannot be read while Slack waits', { incident: id, error: String(error) });
  });
  return incident?.status === 'resolved'
    ? { [firstField(filled)]: 'Superseded: this incident is resolved already. Nothing was done.' }
    : null;
}

/** The incident was typed. */
async function nameErrors({ known }: Waiting, named: NamedIncident): Promise<Record<string, string> | null> {
  const open = await known.openIncidents();
  const name = referenceWords(named);
  if (open?.fresh !== true || open.value.some(({ channel }) => channel === name)) return null;
  const meant = didYouMean(
    name,
    open.value.flatMap(({ channel }) => channel ?? []),
  );
  return { [FIELDS.incident]: `${name} is no open incident's channel${meant === null ? '' : `; ${meant}`}` };
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
  // Of a service without environments any is right.
  if (environment === null || entry.environments.length === 0 || entry.environments.includes(environment)) return null;
  return { [FIELDS.environment]: `${service.slice(0, 80)} has ${entry.environments.slice(0, 10).join(', ')}` };
}
