import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import type { ReplyTo, Text } from '../../domain/messages/channels.ts';
import { EnvironmentName, type IncidentId, ServiceName, UNMATCHED } from '../../schemas/config/names.ts';
import { defaultEnvironmentOf } from '../../actions/incidents/declared-environment.ts';
import { declare } from '../../actions/incidents/declare-incident.ts';
import { awaitChannel } from './await-channel.ts';
import type { ActionRequest } from './command.ts';
import type { Acting } from './incidents.ts';
import { answered, Declined, nameIn, type Outcome, unknownName } from './outcome.ts';
import { pinned } from './pinned.ts';
import type { CommandDeps } from './deps.ts';

type Declare = Extract<ActionRequest, { act: 'declare' }>;

/** Declares an incident. The message from which it was declared becomes its first timeline entry. */
export async function declareByCommand(
  deps: CommandDeps,
  doing: Acting,
  { deed, ear }: { deed: Declare; ear: ReplyTo },
): Promise<Outcome> {
  const { services } = await deps.config.current();
  const entry = deed.service === null ? undefined : serviceEntry(services, deed.service);
  if (deed.service !== null && entry === undefined) throw unknownName('service', deed.service, Object.keys(services));
  const environment = deed.environment ?? defaultEnvironmentOf(entry);
  const service = deed.service === null ? UNMATCHED : nameIn(ServiceName, deed.service);
  const place = { service, environment: nameIn(EnvironmentName, environment) };
  const { title, severity } = deed;
  const { incident, created } = await declare(deps, doing.who, { ...place, title, severity, trace: doing.trace });
  const unread = await firstEntry(deps, doing, incident.id, deed);
  const where = await whereOf(deps, incident.id, ear);
  if (!created)
    return answered(
      'An incident is already open there: ',
      { bold: incident.title },
      `, ${incident.severity}. Your report was added to its timeline. `,
      ...where,
      ...unread,
    );
  return answered(
    'Declared: ',
    { bold: incident.title },
    `, ${severity}, ${place.service} in ${environment}. `,
    ...where,
    ...unread,
  );
}

/** Adds the message to the timeline. Returns the error, if any, because the incident exists nevertheless. */
async function firstEntry(deps: CommandDeps, doing: Acting, id: IncidentId, { from }: Declare): Promise<Text> {
  if (from === null) return [];
  try {
    await pinned(deps, doing, id, { act: 'pin', asked: false, ...from });
    return [];
  } catch (error) {
    if (error instanceof Declined) return [' ', ...error.text];
    throw error;
  }
}

/** Returns the channel, or that it is being created. */
async function whereOf(deps: CommandDeps, id: IncidentId, ear: ReplyTo): Promise<Text> {
  const channel = await awaitChannel(deps, id, ear);
  return channel === undefined
    ? ['Firebreak is creating its channel.']
    : ['The channel of the incident is ', channel, '.'];
}
