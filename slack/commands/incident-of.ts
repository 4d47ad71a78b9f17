import type { Text } from '../../domain/messages/channels.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { byThemselves } from '../../domain/incidents/children.ts';
import { nearest } from '../../domain/runbooks/nearest.ts';
import { type NamedIncident, referenceWords } from '../../domain/slack/commands/reference.ts';
import { placeOf } from '../../domain/messages/story.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import type { Who } from '../../actions/incidents/acting-person.ts';
import { channelSpan } from './channel-span.ts';
import type { ActionRequest, Command, Where } from './command.ts';
import { Declined } from './outcome.ts';

const NAMED_MAX = 10;

type IncidentDeps = Pick<Deps, 'incidents'>;

/** The incident of a request, and the action. */
export type ResolvedIncident<D extends ActionRequest> = { id: IncidentId; deed: D };

/**
 * Finds the incident of a request: the named one, or else the one of the channel.
 *
 * @throws Declined if it is not clear which incident is meant
 */
export async function namedIncident<D extends ActionRequest>(
  deps: IncidentDeps,
  who: Who,
  errand: Command & { deed: D },
): Promise<ResolvedIncident<D>> {
  const { where, deed } = errand;
  if (where.incident !== null) return { id: where.incident, deed };
  if (where.named === null) return { id: await ofPlace(deps, who, errand), deed };
  const found = await ofName(deps, where.named);
  if (found !== undefined) return { id: found, deed };
  const here = await ofChannel(deps, where.channel);
  const whole = withName(where.named, deed);
  if (here !== undefined && whole !== undefined) return { id: here, deed: whole };
  throw await unknownIncident(deps, who, where.named);
}

/** Read-only actions, which apply to the only open incident if none is named. */
const LOOKS: ReadonlySet<ActionRequest['act']> = new Set(['status', 'roles']);

/** @throws Declined if the channel belongs to no incident */
async function ofPlace(deps: IncidentDeps, who: Who, { where, typed, deed }: Command): Promise<IncidentId> {
  const found = await ofChannel(deps, where.channel);
  if (found !== undefined) return found;
  const open = await openFor(deps, who);
  const [only] = open;
  if (only !== undefined && open.length === 1 && LOOKS.has(deed.act)) return only.id;
  throw new Declined(
    'This is not the channel of an incident, so Firebreak does not know which incident you mean. ',
    ...choice(open, typed),
  );
}

/** Finds an incident by its name. Undefined: there is none. */
async function ofName({ incidents }: IncidentDeps, named: NamedIncident): Promise<IncidentId | undefined> {
  if ('id' in named) return (await incidents.read(named.id)) === undefined ? undefined : named.id;
  const found = named.channel === null ? undefined : await incidents.inChannel(named.channel);
  return found ?? (named.name === null ? undefined : byChannelName(await incidents.open(), named.name));
}

const byChannelName = (open: readonly IncidentRecord[], name: string): IncidentId | undefined =>
  open.find(({ channel }) => channel === `#${name}`)?.id;

/** Restores a text that begins with another channel. Undefined: the name is not part of a text. */
function withName<D extends ActionRequest>(named: NamedIncident, deed: D): D | undefined {
  if ('id' in named || (named.channel === null && named.bare !== true)) return undefined;
  if (deed.act !== 'note' && deed.act !== 'update') return undefined;
  return { ...deed, text: `${referenceWords(named)} ${deed.text}` };
}

async function unknownIncident(deps: IncidentDeps, who: Who, named: NamedIncident): Promise<Declined> {
  const open = await openFor(deps, who);
  const name = referenceWords(named);
  const near = nearest(
    name,
    open.flatMap(({ channel }) => channel ?? []),
  );
  const what = 'id' in named ? `There is no incident ${name}. ` : `${name} is not the channel of an incident. `;
  const meant: Text = near === null ? [] : ['Did you mean ', { code: near }, '? '];
  return new Declined(what, ...meant, 'Nothing was done.', ...listed(open));
}

/** Returns the incident of a channel. Undefined: the channel belongs to no incident. */
export async function ofChannel(
  { incidents }: IncidentDeps,
  channel: Where['channel'],
): Promise<IncidentId | undefined> {
  if (channel === null) return undefined;
  const found = await incidents.inChannel(channel.id);
  if (found !== undefined || channel.name === null) return found;
  // Incidents from older versions have no channel ID.
  return byChannelName(await incidents.open(), channel.name);
}

/** Returns the open incidents that the person can read, without children. */
async function openFor({ incidents }: IncidentDeps, who: Who): Promise<IncidentRecord[]> {
  const open = await incidents.open();
  return byThemselves(open.filter((incident) => maySee(who, incident)));
}

function maySee(who: Who, { service, environment }: IncidentRecord): boolean {
  try {
    who.allow('incidents:read', { service, environment });
    return true;
  } catch (error) {
    if (error instanceof Declined) return false;
    throw error;
  }
}

/** Explains how to name an incident. */
function choice(open: readonly IncidentRecord[], typed: Command['typed']): Text {
  const [only, ...others] = open;
  if (only === undefined) return ['No incident is open; ', { code: '/incident' }, ' declares one. Nothing was done.'];
  if (typed === null) return ['Nothing was done.', ...listed(open)];
  const again = (name: string): string => `${typed.verb} ${name} ${typed.rest}`.trim();
  return others.length === 0
    ? [
        `One incident is open: ${placeOf(only)}, ${only.title}. Nothing was done. For this incident, enter `,
        { code: again(nameOf(only)) },
      ]
    : ['Nothing was done. Name the incident, for example: ', { code: again(nameOf(only)) }, '.', ...listed(open)];
}

const nameOf = ({ channel, id }: IncidentRecord): string => channel ?? id;

const listed = (open: readonly IncidentRecord[]): Text =>
  open.length === 0
    ? []
    : [
        '\nOpen incidents:',
        ...open
          .slice(0, NAMED_MAX)
          .flatMap((incident): Text => [
            '\n• ',
            channelSpan(incident) ?? { code: incident.id },
            `: ${placeOf(incident)}, ${incident.title}`,
          ]),
        ...(open.length > NAMED_MAX ? [`\nand ${open.length - NAMED_MAX} more`] : []),
      ];
