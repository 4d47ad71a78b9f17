import type { Text } from '../../domain/messages/channels.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { withoutChildren } from '../../domain/incidents/children.ts';
import { nearest } from '../../domain/runbooks/similar-names.ts';
import { type NamedIncident, referenceWords } from '../../domain/slack/commands/reference.ts';
import { serviceEnvironmentText } from '../../domain/messages/story.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import type { Caller } from '../../actions/people/caller.ts';
import type { ActionRequest } from '../commands/lookup.ts';
import type { IncidentVerb } from '../commands/verb.ts';
import { isPermitted } from './caller.ts';
import { byChannelName, channelSpan, ofChannel } from './channel.ts';
import type { Command } from './command.ts';
import { Declined } from '../outcome.ts';

const NAMED_MAX = 10;

type IncidentDeps = Pick<Deps, 'incidents'>;

/**
 * Finds the incident of a command: the named one, or else the one of the channel. Returns the request with its whole
 * text, if that begins with what looked like a name.
 *
 * @throws Declined if it is not clear which incident is meant
 */
export async function namedIncident(
  deps: IncidentDeps,
  caller: Caller,
  command: Command,
  verb: IncidentVerb<object>,
): Promise<{ id: IncidentId; request: ActionRequest }> {
  const { where, request } = command;
  if (where.incident !== null) return { id: where.incident, request };
  if (where.named === null) return { id: await ofServiceEnvironment(deps, caller, command, verb), request };
  const found = await ofName(deps, where.named);
  if (found !== undefined) return { id: found, request };
  const here = await ofChannel(deps, where.channel);
  if (here !== undefined && verb.startingWith !== undefined && isWord(where.named))
    return { id: here, request: { ...request, ...verb.startingWith(request, referenceWords(where.named)) } };
  throw await unknownIncident(deps, caller, where.named);
}

/** @throws Declined if the channel belongs to no incident */
async function ofServiceEnvironment(
  deps: IncidentDeps,
  caller: Caller,
  { where, typed }: Command,
  { reads }: IncidentVerb<object>,
): Promise<IncidentId> {
  const found = await ofChannel(deps, where.channel);
  if (found !== undefined) return found;
  const open = await openFor(deps, caller);
  const [only] = open;
  if (only !== undefined && open.length === 1 && reads === true) return only.id;
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

/** Returns whether a name can also be the first word of a text. */
const isWord = (named: NamedIncident): boolean => !('id' in named) && (named.channel !== null || named.bare === true);

async function unknownIncident(deps: IncidentDeps, caller: Caller, named: NamedIncident): Promise<Declined> {
  const open = await openFor(deps, caller);
  const name = referenceWords(named);
  const near = nearest(
    name,
    open.flatMap(({ channel }) => channel ?? []),
  );
  const what = 'id' in named ? `There is no incident ${name}. ` : `${name} is not the channel of an incident. `;
  const hint: Text = near === null ? [] : ['Did you mean ', { code: near }, '? '];
  return new Declined(what, ...hint, 'Nothing was done.', ...listed(open));
}

/** Returns the open incidents that the person can read, without children. */
async function openFor({ incidents }: IncidentDeps, caller: Caller): Promise<IncidentRecord[]> {
  const open = await incidents.open();
  return withoutChildren(open.filter((incident) => isPermitted(caller, 'incidents:read', incident)));
}

/** Explains how to name an incident. */
function choice(open: readonly IncidentRecord[], typed: Command['typed']): Text {
  const [only, ...others] = open;
  if (only === undefined) return ['No incident is open; ', { code: '/incident' }, ' declares one. Nothing was done.'];
  if (typed === null) return ['Nothing was done.', ...listed(open)];
  const again = (name: string): string => `${typed.verb} ${name} ${typed.rest}`.trim();
  return others.length === 0
    ? [
        `One incident is open: ${serviceEnvironmentText(only)}, ${only.title}. Nothing was done. For this incident, enter `,
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
            `: ${serviceEnvironmentText(incident)}, ${incident.title}`,
          ]),
        ...(open.length > NAMED_MAX ? [`\nand ${open.length - NAMED_MAX} more`] : []),
      ];
