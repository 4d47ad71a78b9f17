import { automationText } from '../../../core/domain/automation/automation.ts';
import { statusWords } from '../../../core/domain/incidents/status-words.ts';
import { capitalized } from '../../../core/domain/messages/decision-lines.ts';
import { withoutChildren } from '../../../core/domain/incidents/children.ts';
import type { ChatMessage, Text } from '../../../core/domain/messages/chat-message.ts';
import { titleBeside } from '../../../core/domain/messages/place-names.ts';
import { serviceEnvironmentText } from '../../../core/domain/messages/story.ts';
import type { NamedIncident } from '../../../core/domain/slack/commands/reference.ts';
import type { OpenIncident } from '../../../core/domain/ports/slack.ts';
import type { SlashCommand } from '../../../schemas/slack/command.ts';
import { summarySoFar as storyOf } from '../../../core/actions/incidents/acknowledge.ts';
import { isPermitted } from '../execution/caller.ts';
import { incidentOfChannel } from '../execution/channel.ts';
import { answered, NOTHING } from '../outcome.ts';
import type { Cached, CallerPermissions, RequestContext } from '../request-context.ts';
import { permissionsInTime, refusalOf } from '../requests/permissions.ts';
import { listMessage, productMessage, statusMessage } from '../requests/replies.ts';
import { type IncidentVerb, noArguments, type Nothing, type RunVerb, type RunIncidentVerb, type Verb } from './verb.ts';

/** Verbs that show incidents. If possible, they answer while Slack waits. */

/** Maximum time in milliseconds for reads. Afterwards, there must be enough time to queue the command. */
export const READ_PATIENCE_MS = 1400;

type KnownReader = Extract<CallerPermissions, { kind: 'known' }>;

/** Returns the open incidents that the caller can see (null: they can't be read), or the refusal. Null: the caller is unknown. */
async function visibleIncidents(
  context: RequestContext,
  command: SlashCommand,
): Promise<{ open: Cached<OpenIncident[]> | null; may: KnownReader['may'] } | { refusal: ChatMessage | null } | null> {
  const [open, permissions] = await Promise.all([
    context.cachedReads.openIncidents(),
    // Identifying the user takes two consecutive reads.
    permissionsInTime(context, command, READ_PATIENCE_MS),
  ]);
  if (permissions.kind === 'unknown') return null;
  if (permissions.kind === 'refused') return { refusal: await refusalOf(context, permissions, 'incidents:read', {}) };
  const isVisible = ({ service, environment }: OpenIncident) =>
    permissions.may('incidents:read', { service, environment });
  return { open: open && { ...open, value: open.value.filter(isVisible) }, may: permissions.may };
}

export const list: Verb<Nothing> = {
  permission: 'incidents:read',
  command: 'incident',
  name: 'list',
  aliases: ['ls'],
  usage: 'list',
  description: 'list open incidents',
  parse: noArguments,
  async answerNow(context, command) {
    const visible = await visibleIncidents(context, command);
    if (visible === null || 'refusal' in visible) return visible && visible.refusal;
    return visible.open && listMessage(visible.open, context.deps.clock.now());
  },
};

/** Number of incidents in a list. */
const LISTED_MAX = 20;

export const runList: RunVerb<Nothing> = async (deps, { caller }) => {
  const open = (await deps.incidents.open()).filter((incident) => isPermitted(caller, 'incidents:read', incident));
  const visible = withoutChildren(open);
  if (visible.length === 0) return answered('No incident is open.');
  const rows = visible
    .slice(0, LISTED_MAX)
    .flatMap((incident): Text => [
      `\n• ${incident.number === undefined ? '' : `INC-${incident.number} `}`,
      { bold: serviceEnvironmentText(incident) },
      `: ${titleBeside(incident, incident.title)} (${incident.severity}, ${statusWords(incident)}${incident.channel === undefined ? '' : `, ${incident.channel}`})`,
    ]);
  return answered(`Open incidents: ${visible.length}`, ...rows);
};

export const status: IncidentVerb<Nothing> = {
  permission: 'incidents:read',
  ofIncident: true,
  reads: true,
  command: 'incident',
  name: 'status',
  aliases: ['show', 'info', 'summary'],
  usage: 'status',
  description: 'show the status of this incident',
  parse: noArguments,
  async answerNow(context, command, named) {
    const visible = await visibleIncidents(context, command);
    if (visible === null || 'refusal' in visible) return visible && visible.refusal;
    const reference = named ?? { channel: command.channel_id, name: command.channel_name };
    const incident = visible.open?.value.find((openIncident) => isNamed(openIncident, reference));
    return visible.open && incident
      ? statusMessage({ ...visible.open, value: incident }, context.deps.clock.now())
      : null;
  },
};

const isNamed = ({ id, number, channel, channel_id }: OpenIncident, named: NamedIncident): boolean =>
  'id' in named
    ? id === named.id
    : 'number' in named
      ? number === named.number
      : channel === `#${named.name ?? ''}` || (channel_id !== undefined && channel_id === named.channel);

export const runStatus: RunIncidentVerb<Nothing> = async (deps, { caller }, id) => ({
  answer: await storyOf(deps, caller, id),
});

/** The summary for a person who joins the channel of an incident. */
export const soFar: Verb<Nothing> = { permission: 'incidents:read', silent: true, neverLate: true };

/** Sends the summary once per person and incident, not when they join the channel again. */
export const runSoFar: RunVerb<Nothing> = async (deps, actionContext, request, { where }) => {
  const id = await incidentOfChannel(deps, where.channel);
  if (id === undefined) return NOTHING;
  const once = `so-far:${id}:${actionContext.caller.slack ?? actionContext.caller.name}`;
  if ((await deps.processedEvents.read(once)) !== undefined) return NOTHING;
  const outcome = await runStatus(deps, actionContext, id, request);
  return (await deps.processedEvents.store(once, {})) ? outcome : NOTHING;
};

export const productStatus: Verb<Nothing> = {
  permission: 'automation:read',
  command: 'firebreak',
  name: 'status',
  aliases: ['show'],
  usage: 'status',
  description: 'show the state of automation and the open incidents',
  parse: noArguments,
  async answerNow(context, command) {
    const [visible, automation] = await Promise.all([
      visibleIncidents(context, command),
      context.cachedReads.automation(),
    ]);
    if (visible === null || 'refusal' in visible) return visible && visible.refusal;
    const state = visible.may('automation:read', {}) ? automation : null;
    return productMessage(state, visible.open, context.deps.clock.now());
  },
};

const OPEN_WORDS = ['No incident is open.', 'One incident is open.'];

export const runProductStatus: RunVerb<Nothing> = async (deps, { caller }) => {
  caller.allow('automation:read', {});
  const [automation, all] = await Promise.all([deps.automation.read(), deps.incidents.open()]);
  const open = all.filter((incident) => isPermitted(caller, 'incidents:read', incident));
  return answered(
    `${capitalized(automationText(automation))}. ${OPEN_WORDS[open.length] ?? `${open.length} incidents are open.`}`,
  );
};
