import type { Text } from '../../../core/domain/messages/chat-message.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import { withoutChildren } from '../../../core/domain/incidents/children.ts';
import { nearest } from '../../../schemas/parsing/similar-names.ts';
import { type NamedIncident, referenceWords } from '../../../core/domain/slack/commands/reference.ts';
import { titleBeside } from '../../../core/domain/messages/place-names.ts';
import { serviceEnvironmentText } from '../../../core/domain/messages/story.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';
import type { ActionRequest } from '../commands/lookup.ts';
import type { IncidentVerb } from '../commands/verb.ts';
import { isPermitted } from './caller.ts';
import { incidentByChannelName, channelSpan, incidentOfChannel } from './channel.ts';
import type { Command } from './command.ts';
import { Declined } from '../outcome.ts';

/** Number of open incidents that an answer lists. */
const LISTED_MAX = 10;

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
  if (where.named === null) return { id: await unnamedIncident(deps, caller, command, verb), request };
  const found = await incidentWithName(deps, where.named);
  if (found !== undefined) return { id: found, request };
  const inChannel = await incidentOfChannel(deps, where.channel);
  if (inChannel !== undefined && verb.startingWith !== undefined && isWord(where.named))
    return { id: inChannel, request: { ...request, ...verb.startingWith(request, referenceWords(where.named)) } };
  throw await unknownIncident(deps, caller, where.named);
}

/**
 * Returns the incident of the channel or, for a verb that only reads, the only open incident.
 *
 * @throws Declined if there is none
 */
async function unnamedIncident(
  deps: IncidentDeps,
  caller: Caller,
  { where, typed }: Command,
  { reads }: IncidentVerb<object>,
): Promise<IncidentId> {
  const found = await incidentOfChannel(deps, where.channel);
  if (found !== undefined) return found;
  const open = await readableOpen(deps, caller);
  const [only] = open;
  if (only !== undefined && open.length === 1 && reads === true) return only.id;
  throw new Declined(
    'This is not the channel of an incident, so Firebreak does not know which incident you mean. ',
    ...howToName(open, typed),
  );
}

/** Finds the incident that a command names, by its ID, number, or channel. Undefined: there is none. */
async function incidentWithName({ incidents }: IncidentDeps, named: NamedIncident): Promise<IncidentId | undefined> {
  if ('id' in named) return (await incidents.read(named.id)) === undefined ? undefined : named.id;
  if ('number' in named) return incidents.withNumber(named.number);
  const found = named.channel === null ? undefined : await incidents.inChannel(named.channel);
  return found ?? (named.name === null ? undefined : incidentByChannelName(await incidents.open(), named.name));
}

/** Returns whether a name can also be the first word of a text: a mention of a channel, or a word without `#` (`bare`). */
const isWord = (named: NamedIncident): boolean => 'channel' in named && (named.channel !== null || named.bare === true);

/** Returns the error for a name that belongs to no incident, with a suggestion. */
async function unknownIncident(deps: IncidentDeps, caller: Caller, named: NamedIncident): Promise<Declined> {
  const open = await readableOpen(deps, caller);
  const name = referenceWords(named);
  const near = nearest(
    name,
    open.flatMap(({ channel }) => channel ?? []),
  );
  const what = !('channel' in named) ? `There is no incident ${name}. ` : `${name} is not the channel of an incident. `;
  const hint: Text = near === null ? [] : ['Did you mean ', { code: near }, '? '];
  return new Declined(what, ...hint, 'Nothing was done.', ...openList(open));
}

/** Returns the open incidents that the person can read, without children. */
async function readableOpen({ incidents }: IncidentDeps, caller: Caller): Promise<IncidentRecord[]> {
  const open = await incidents.open();
  return withoutChildren(open.filter((incident) => isPermitted(caller, 'incidents:read', incident)));
}

/** Explains how to name an incident. */
function howToName(open: readonly IncidentRecord[], typed: Command['typed']): Text {
  const [only, ...others] = open;
  if (only === undefined) return ['No incident is open; ', { code: '/incident' }, ' declares one. Nothing was done.'];
  if (typed === null) return ['Nothing was done.', ...openList(open)];
  const commandWith = (name: string): string => `${typed.verb} ${name} ${typed.rest}`.trim();
  return others.length === 0
    ? [
        `One incident is open: ${serviceEnvironmentText(only)}, ${titleBeside(only, only.title)}. Nothing was done. For this incident, enter `,
        { code: commandWith(nameOf(only)) },
      ]
    : [
        'Nothing was done. Name the incident, for example: ',
        { code: commandWith(nameOf(only)) },
        '.',
        ...openList(open),
      ];
}

const nameOf = (incident: IncidentRecord): string =>
  incident.number === undefined ? (incident.channel ?? incident.id) : incidentName(incident);

const openList = (open: readonly IncidentRecord[]): Text =>
  open.length === 0
    ? []
    : [
        '\nOpen incidents:',
        ...open
          .slice(0, LISTED_MAX)
          .flatMap((incident): Text => [
            '\n• ',
            ...(incident.number === undefined ? [] : [{ bold: incidentName(incident) }, ' ']),
            channelSpan(incident) ?? (incident.number === undefined ? { code: incident.id } : ''),
            `: ${serviceEnvironmentText(incident)}, ${titleBeside(incident, incident.title)}`,
          ]),
        ...(open.length > LISTED_MAX ? [`\nand ${open.length - LISTED_MAX} more`] : []),
      ];
