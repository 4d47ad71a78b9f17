import type { ChatMessage } from '../../../core/domain/messages/chat-message.ts';
import { withoutChildren } from '../../../core/domain/incidents/children.ts';
import { nearest } from '../../../schemas/parsing/similar-names.ts';
import { type NamedIncident, referenceWords } from '../../../core/domain/slack/commands/reference.ts';
import type { OpenIncident } from '../../../core/domain/ports/slack.ts';
import type { Action } from '../../../schemas/access/access.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { CallerPermissions, RequestContext } from '../request-context.ts';
import { withDeadline } from './deadline.ts';
import { BRIEF_PATIENCE_MS } from './cached-reads.ts';
import { type Block, quoted, select, textInput } from '../modals/blocks.ts';
import { refusalOf } from './permissions.ts';
import { FIELDS } from '../modals/form.ts';

/**
 * The incident of a dialog. `blocks`: they ask for it, or show the named one. Empty: it is the incident of the
 * channel, which is looked up later if it could not be read in time.
 */
export type ChosenIncident =
  | { kind: 'known'; incident: IncidentId | null; blocks: Block[] }
  | { kind: 'none'; why: ChatMessage };

type DialogRequest = {
  pendingPermissions: Promise<CallerPermissions>;
  permission: Action;
  /** The named incident. Null: none was named. */
  named: NamedIncident | null;
  /** Channel of the request. Null: none. */
  channel: string | null;
};

/** Finds the incident of a dialog. If the data can't be read in time, the dialog opens nevertheless. */
export async function whichIncident(
  context: RequestContext,
  { permission, named, channel, ...request }: DialogRequest,
): Promise<ChosenIncident> {
  const [permissions, found, open] = await Promise.all([
    request.pendingPermissions,
    incidentNamedOrOfChannel(context, named, channel),
    context.cachedReads.openIncidents(BRIEF_PATIENCE_MS),
  ]);
  const all = open?.value ?? null;
  const id = found === 'unknown' ? undefined : (found ?? incidentByChannelName(all, named));
  if (id !== undefined) {
    const why = await whyNotThis(context, { permissions, permission, id });
    if (why !== null) return { kind: 'none', why };
    const incident = named === null ? undefined : all?.find(({ id: openId }) => openId === id);
    const maySee =
      incident !== undefined &&
      permissions.kind === 'known' &&
      permissions.may('incidents:read', serviceEnvironmentOf(incident));
    return { kind: 'known', incident: id, blocks: maySee ? quoted(incidentLabel(incident)) : [] };
  }
  const why = await refusalOf(context, permissions, permission, {});
  if (why !== null) return { kind: 'none', why };
  if (found === 'unknown' && named === null) return { kind: 'known', incident: null, blocks: [] };
  // Don't list incidents for users whose permissions are unknown.
  if (all === null || permissions.kind !== 'known')
    return { kind: 'known', incident: null, blocks: [incidentText(named === null ? null : referenceWords(named))] };
  const readable = withoutChildren(
    all.filter((incident) => permissions.may('incidents:read', serviceEnvironmentOf(incident))),
  );
  if (readable.length === 0) return { kind: 'none', why: replyWith('No incident is open.') };
  if (named !== null && open?.fresh === true) return { kind: 'none', why: unknownName(named, readable) };
  return { kind: 'known', incident: null, blocks: [incidentSelect(readable)] };
}

/** Returns the refusal: the incident is resolved, or the caller lacks permission. Null: no reason is known. */
export async function whyNotThis(
  context: RequestContext,
  { permissions, permission, id }: { permissions: CallerPermissions; permission: Action; id: IncidentId },
): Promise<ChatMessage | null> {
  const reading = withDeadline(BRIEF_PATIENCE_MS, context.deps.incident(id));
  const incident = await reading.catch((error: unknown) => {
    context.deps.log.warn('an incident could not be read within the time limit of Slack', {
      incident: id,
      error: String(error),
    });
  });
  const why = await refusalOf(
    context,
    permissions,
    permission,
    incident === undefined ? {} : serviceEnvironmentOf(incident),
  );
  if (why !== null) return why;
  return incident?.status === 'resolved' ? replyWith('Superseded: this incident is already resolved.') : null;
}

const serviceEnvironmentOf = ({ service, environment }: OpenIncident) => ({ service, environment });

/** Finds the named incident, or that of the channel. Undefined: there is none. `unknown`: it could not be read in time. */
async function incidentNamedOrOfChannel(
  { deps }: RequestContext,
  named: NamedIncident | null,
  requestChannel: string | null,
): Promise<IncidentId | undefined | 'unknown'> {
  if (named !== null && 'id' in named) return named.id;
  const channel = named === null ? requestChannel : 'number' in named ? null : named.channel;
  const reading =
    named !== null && 'number' in named
      ? deps.withNumber(named.number)
      : channel === null
        ? undefined
        : deps.inChannel(channel);
  if (reading === undefined) return undefined;
  return withDeadline(BRIEF_PATIENCE_MS, reading).catch((error: unknown) => {
    deps.log.warn('the incident of a command could not be read within the time limit of Slack', {
      named: named === null ? channel : referenceWords(named),
      error: String(error),
    });
    return 'unknown' as const;
  });
}

const incidentByChannelName = (
  open: readonly OpenIncident[] | null,
  named: NamedIncident | null,
): IncidentId | undefined =>
  named === null || !('name' in named) ? undefined : open?.find(({ channel }) => channel === `#${named.name}`)?.id;

function unknownName(named: NamedIncident, open: readonly OpenIncident[]): ChatMessage {
  const name = referenceWords(named);
  const near = nearest(
    name,
    open.flatMap(({ channel }) => channel ?? []),
  );
  if (!('channel' in named)) return replyWith(`There is no incident ${name}.`);
  return replyWith(`${name} is not the channel of an open incident.${near === null ? '' : ` Did you mean ${near}?`}`);
}

const replyWith = (text: string): ChatMessage => ({
  summary: text,
  parts: [{ kind: 'text', text: [`${text} Nothing was done.`] }],
});

const incidentField = { field: FIELDS.incident, label: 'Incident' };

export const incidentLabel = ({ number, channel, service, environment, title }: OpenIncident): string =>
  `${number === undefined ? (channel ?? 'no channel yet') : `INC-${number}`}: ${service} ${environment}, ${title}`;

/** Returns a menu of the open incidents. If there is only one, it is preselected. */
export const incidentSelect = (open: readonly OpenIncident[]): Block =>
  select({
    ...incidentField,
    options: open.map((incident) => ({
      value: incident.id,
      text: incidentLabel(incident),
    })),
    initial: open.length === 1 ? (open[0]?.id ?? null) : null,
  });

/** Returns a text field for the incident, if no menu is possible. */
export const incidentText = (initial: string | null): Block =>
  textInput({
    ...incidentField,
    hint: 'The number of the incident, such as INC-42, or its channel.',
    initial,
    max: 128,
  });
