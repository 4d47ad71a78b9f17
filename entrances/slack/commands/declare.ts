import { foreignEnvironmentText, matchingName } from '../../../core/domain/catalogue/known-names.ts';
import type { Text } from '../../../core/domain/messages/chat-message.ts';
import type { ReplyTo } from '../../../core/domain/ports/chat.ts';
import { nearest, suggestionText } from '../../../schemas/parsing/similar-names.ts';
import type { Catalogue } from '../../../core/domain/ports/slack.ts';
import { EnvironmentName, type IncidentId, type Severity } from '../../../schemas/config/names.ts';
import { declaredScope } from '../../../core/actions/incidents/declared-environment.ts';
import { declareIncident as declareOnce } from '../../../core/actions/incidents/declare-incident.ts';
import { awaitChannel } from '../execution/channel.ts';
import type { CommandDeps } from '../deps.ts';
import { answered, Declined, nameIn } from '../outcome.ts';
import { type Block, fitMenu, searchSelect, select, severitySelect, textInput } from '../modals/blocks.ts';
import { FIELDS, TITLE_MAX_CHARS } from '../modals/form.ts';
import { BRIEF_PATIENCE_MS } from '../requests/cached-reads.ts';
import { knownService } from './known-service.ts';
import { addMessage, type Message, messageOf } from './timeline.ts';
import type { ActionContext, RunVerb, Verb, WithDialog } from './verb.ts';

type Declare = {
  /** Null: unknown. */
  service: string | null;
  environment: string | null;
  severity: Severity;
  title: string;
  /** The message from which it was declared. */
  from: Message | null;
};

export const declare: WithDialog<Verb<{ title: string | null }, Declare>> = {
  permission: 'incidents:write',
  command: 'incident',
  name: 'declare',
  aliases: ['new', 'open', 'create', 'start'],
  usage: 'declare [TITLE]',
  description: 'declare an incident; /incident alone does the same',
  parse: ({ textFrom }) => ({ title: textFrom(0) }),
  isComplete: (draft): draft is typeof draft & Declare => false,
  dialog: {
    id: 'declare_incident',
    title: 'Declare an incident',
    submit: 'Declare',
    field: FIELDS.title,
    isNeededFor: () => true,
    blocks: async ({ draft, waiting: { cachedReads: reads } }) =>
      declareBlocks(draft?.title ?? null, (await reads.catalogue(BRIEF_PATIENCE_MS))?.value ?? null),
    read: (fields, modalContext) => ({
      service: fields.text(FIELDS.service),
      environment: fields.text(FIELDS.environment),
      severity: fields.severity(),
      title: fields.title(),
      from: messageOf(modalContext),
    }),
    errors: async ({ cachedReads: reads }, request) => {
      const catalogue = await reads.catalogue();
      return catalogue === null ? null : scopeErrors(catalogue.value, request);
    },
  },
  freeText: ({ title }) => title,
};

/**
 * Returns the inputs. Without the catalogue, they are text fields instead of menus.
 *
 * @param catalogue null: it could not be read
 */
function declareBlocks(title: string | null, catalogue: Catalogue | null): Block[] {
  const environments = [...new Set(Object.values(catalogue?.services ?? {}).flatMap((entry) => entry.environments))];
  return [
    textInput({ field: FIELDS.title, label: 'What is wrong?', initial: title, max: TITLE_MAX_CHARS }),
    catalogue !== null && Object.keys(catalogue.services).length > 0
      ? searchSelect(serviceField)
      : textInput({ ...serviceField, max: NAME_MAX }),
    environmentInput(environments),
    severitySelect(FIELDS.severity, 'critical'),
  ];
}

const NAME_MAX = 256;

/** Optional, because the service may still be unknown. */
const serviceField = {
  field: FIELDS.service,
  label: 'Service',
  hint: 'Leave empty if unknown',
  optional: true,
};

const environmentField = { field: FIELDS.environment, label: 'Environment', optional: true };

const environmentInput = (environments: readonly string[]) =>
  fitMenu(environments)
    ? select({
        ...environmentField,
        options: environments.toSorted().map((value) => ({ value })),
        initial: environments.includes('production') ? 'production' : null,
      })
    : textInput({ ...environmentField, max: NAME_MAX, placeholder: 'production' });

function scopeErrors({ services }: Catalogue, { service, environment }: Declare): Record<string, string> | null {
  if (service === null) return null;
  const name = matchingName(service, Object.keys(services));
  const entry = name === undefined ? undefined : services[name];
  if (entry === undefined) {
    return {
      [FIELDS.service]: `There is no service "${service.slice(0, 80)}"${suggestionText(nearest(service, Object.keys(services)))}`,
    };
  }
  const foreign = environment === null ? null : foreignEnvironmentText({ service, environment }, entry.environments);
  return foreign === null ? null : { [FIELDS.environment]: foreign };
}

/** Declares an incident. The message from which it was declared becomes its first timeline entry. */
export const runDeclare: RunVerb<Declare> = async (deps, actionContext, request, { replyTo }) => {
  const serviceEnvironment = declaredScope(await deps.config.current(), {
    service: request.service === null ? null : await knownService(deps, request.service),
    environment: request.environment === null ? null : nameIn(EnvironmentName, request.environment),
  });
  const { title, severity } = request;
  const { incident, created } = await declareOnce(deps, actionContext.caller, {
    ...serviceEnvironment,
    title,
    severity,
    trace: actionContext.trace,
  });
  const messageError = await addFirstEntry(deps, actionContext, incident.id, request);
  const channelText = await channelTextOf(deps, incident.id, replyTo);
  if (!created)
    return answered(
      'An incident is already open there: ',
      { bold: incident.title },
      `, ${incident.severity}. Your report was added to its timeline. `,
      ...channelText,
      ...messageError,
    );
  return answered(
    'Declared: ',
    { bold: incident.title },
    `, ${severity}, ${serviceEnvironment.service} in ${serviceEnvironment.environment}. `,
    ...channelText,
    ...messageError,
  );
};

/** Adds the message to the timeline. Returns the error as text, because the incident exists nevertheless. */
async function addFirstEntry(
  deps: CommandDeps,
  actionContext: ActionContext,
  id: IncidentId,
  { from }: Declare,
): Promise<Text> {
  if (from === null) return [];
  try {
    await addMessage(deps, actionContext, id, from);
    return [];
  } catch (error) {
    if (error instanceof Declined) return [' ', ...error.text];
    throw error;
  }
}

/** Returns the channel, or that it is being created. */
async function channelTextOf(deps: CommandDeps, id: IncidentId, replyTo: ReplyTo): Promise<Text> {
  const channel = await awaitChannel(deps, id, replyTo);
  return channel === undefined
    ? ['Firebreak is creating its channel.']
    : ['The channel of the incident is ', channel, '.'];
}
