import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { inConfiguredSpelling, suggestedName } from '../../../core/domain/catalogue/known-names.ts';
import type { Text } from '../../../core/domain/messages/chat-message.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import type { CommandDeps } from '../deps.ts';
import { answered, Declined, nameIn, unknownName } from '../outcome.ts';
import { type CommandArguments, NO_SUBCOMMAND, type RunVerb, type Verb } from './verb.ts';
import { minuteText } from '../../../schemas/time/time.ts';

type Request = { service: string; environment: string | null };

/** Lists recent deploys. */
export const deploys: Verb<Request> = {
  permission: 'deployments:read',
  command: 'deploys',
  name: NO_SUBCOMMAND,
  usage: 'SERVICE [ENVIRONMENT]',
  description: 'show recent deploys and the running version',
  named: ['env', 'environment'],
  parse(input) {
    const [service, second, ...more] = input.words;
    if (service === undefined) return { error: 'the service is missing', suggestion: null };
    if (more.length > 0)
      return { error: 'too many arguments: expected a service and an environment', suggestion: service };
    return { service, environment: namedEnvironment(input) ?? second ?? null };
  },
};

/** Returns the environment that is given as `env=…`. */
export const namedEnvironment = ({ named }: CommandArguments): string | undefined =>
  named.get('environment') || named.get('env') || undefined;

const SHOWN_MAX = 8;

export const runDeploys: RunVerb<Request> = async (deps, { caller }, request) => {
  const scope = inConfiguredSpelling(await deps.config.current(), {
    service: nameIn(ServiceName, request.service),
    ...(request.environment !== null && { environment: nameIn(EnvironmentName, request.environment) }),
  });
  const { service, environment } = scope;
  caller.allow('deployments:read', scope);
  if (environment !== undefined) await refuseUnknownEnvironment(deps, { service, environment });
  const { items } = await deps.changes.list({ ...scope, limit: SHOWN_MAX });
  const where = `${service}${environment === undefined ? '' : ` in ${environment}`}`;
  if (items.length === 0) {
    const services = Object.keys((await deps.config.current()).services);
    if (!services.includes(service)) throw unknownName('service', service, services);
    return answered(`No deployment of ${where} is recorded.`);
  }
  const running = new Set((await deps.changes.live()).map(({ id }) => id));
  const rows = items.flatMap((change): Text => [
    `\n${running.has(change.id) ? '▶️' : '•'} ${minuteText(change.started_at)} ${change.environment} `,
    { bold: change.version },
    ` ${change.kind}, ${change.status}${authorWords(change)}${change.rolled_back_by === null ? '' : ', rolled back'}`,
  ]);
  return answered(`Deployments of ${where}, newest first (▶️: running):`, ...rows);
};

/** Number of deployments that are searched for the environments of a service. */
const SEARCHED_MAX = 100;

/** @throws Declined if the environment is neither in the catalogue nor has deployments, with a suggestion */
async function refuseUnknownEnvironment(
  { config, changes }: CommandDeps,
  { service, environment }: ServiceEnvironment,
): Promise<void> {
  const entry = serviceEntry((await config.current()).services, service);
  const { items } = await changes.list({ service, limit: SEARCHED_MAX });
  const known = new Set([...Object.keys(entry?.environments ?? {}), ...items.map((change) => change.environment)]);
  // The caller reports an unknown service.
  if (known.size === 0 || known.has(environment)) return;
  throw noEnvironment(service, environment, [...known]);
}

/** Returns the error for an unknown environment of a service. */
export function noEnvironment(service: string, environment: string, known: readonly string[]): Declined {
  const suggestion = suggestedName(environment, known);
  return new Declined(
    `${service} has no environment "${environment}"; it has ${known.join(', ') || 'none'}.`,
    suggestion === null ? ' ' : ` Did you mean "${suggestion}"? `,
    'Nothing was done.',
  );
}

/** Describes who deployed a change. */
export const authorWords = ({ author }: Change): string => (author === null ? '' : `, by ${author}`);
