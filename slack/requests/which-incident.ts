import type { ChatMessage } from '../../domain/messages/channels.ts';
import { withoutChildren } from '../../domain/incidents/children.ts';
import { nearest } from '../../domain/runbooks/similar-names.ts';
import { type NamedIncident, referenceWords } from '../../domain/slack/commands/reference.ts';
import type { OpenIncident } from '../../domain/ports/slack.ts';
import type { Action } from '../../schemas/access/access.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import type { CallerPermissions, RequestContext } from '../request-context.ts';
import { within } from './deadline.ts';
import { BRIEF_PATIENCE_MS } from './cached-reads.ts';
import { type Block, quoted } from '../modals/blocks.ts';
import { incidentSelect, incidentText, labelOf } from '../modals/incident.ts';
import { refusalOf } from './permissions.ts';

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
    foundBy(context, named, channel),
    context.cachedReads.openIncidents(BRIEF_PATIENCE_MS),
  ]);
  const all = open?.value ?? null;
  const id = found === 'unknown' ? undefined : (found ?? byName(all, named));
  if (id !== undefined) {
    const why = await whyNotThis(context, { permissions, permission, id });
    if (why !== null) return { kind: 'none', why };
    const one = named === null ? undefined : all?.find((incident) => incident.id === id);
    const maySee =
      one !== undefined && permissions.kind === 'known' && permissions.may('incidents:read', serviceEnvironmentOf(one));
    return { kind: 'known', incident: id, blocks: maySee ? quoted(labelOf(one)) : [] };
  }
  const why = await refusalOf(context, permissions, permission, {});
  if (why !== null) return { kind: 'none', why };
  if (found === 'unknown' && named === null) return { kind: 'known', incident: null, blocks: [] };
  // Don't list incidents for users whose permissions are unknown.
  if (all === null || permissions.kind !== 'known')
    return { kind: 'known', incident: null, blocks: [incidentText(named === null ? null : referenceWords(named))] };
  const theirs = withoutChildren(all.filter((one) => permissions.may('incidents:read', serviceEnvironmentOf(one))));
  if (theirs.length === 0) return { kind: 'none', why: replyWith('No incident is open.') };
  if (named !== null && open?.fresh === true) return { kind: 'none', why: unknownName(named, theirs) };
  return { kind: 'known', incident: null, blocks: [incidentSelect(theirs)] };
}

/** Returns the refusal: the incident is resolved, or the caller lacks permission. Null: no reason is known. */
export async function whyNotThis(
  context: RequestContext,
  { permissions, permission, id }: { permissions: CallerPermissions; permission: Action; id: IncidentId },
): Promise<ChatMessage | null> {
  const look = within(BRIEF_PATIENCE_MS, context.deps.incident(id));
  const one = await look.catch((error: unknown) => {
    context.deps.log.warn('an incident could not be read within the time limit of Slack', {
      incident: id,
      error: String(error),
    });
  });
  const why = await refusalOf(context, permissions, permission, one === undefined ? {} : serviceEnvironmentOf(one));
  if (why !== null) return why;
  return one?.status === 'resolved' ? replyWith('Superseded: this incident is already resolved.') : null;
}

const serviceEnvironmentOf = ({ service, environment }: OpenIncident) => ({ service, environment });

/** Finds the incident by its ID or by a channel ID. Undefined: the channel belongs to no incident. */
async function foundBy(
  { deps }: RequestContext,
  named: NamedIncident | null,
  here: string | null,
): Promise<IncidentId | undefined | 'unknown'> {
  if (named !== null && 'id' in named) return named.id;
  const channel = named === null ? here : named.channel;
  if (channel === null) return undefined;
  return within(BRIEF_PATIENCE_MS, deps.inChannel(channel)).catch((error: unknown) => {
    deps.log.warn('the incident of a channel could not be read within the time limit of Slack', {
      channel,
      error: String(error),
    });
    return 'unknown' as const;
  });
}

const byName = (open: readonly OpenIncident[] | null, named: NamedIncident | null): IncidentId | undefined =>
  named === null || 'id' in named ? undefined : open?.find(({ channel }) => channel === `#${named.name}`)?.id;

function unknownName(named: NamedIncident, open: readonly OpenIncident[]): ChatMessage {
  const name = referenceWords(named);
  const near = nearest(
    name,
    open.flatMap(({ channel }) => channel ?? []),
  );
  return replyWith(`${name} is not the channel of an open incident.${near === null ? '' : ` Did you mean ${near}?`}`);
}

const replyWith = (text: string): ChatMessage => ({
  summary: text,
  parts: [{ kind: 'text', text: [`${text} Nothing was done.`] }],
});
