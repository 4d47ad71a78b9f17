import { EVERYWHERE } from '../../domain/access/access.ts';
import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import {
  configuredScopes,
  configuredService,
  environmentNamed,
  environmentsOf,
} from '../../domain/catalogue/known-names.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { nearest, suggestionText } from '../../../schemas/parsing/similar-names.ts';
import type { Automation, AutomationInput } from '../../../schemas/access/access.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { lowestMode, ServiceName } from '../../../schemas/config/names.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Caller } from '../people/caller.ts';

type AutomationDeps = Pick<Deps, 'automation' | 'config' | 'changes' | 'incidents' | 'log'>;

/**
 * Sets the kill switch and modes. Omitted fields keep their values.
 *
 * @throws Refusal 403, 422
 */
export async function setAutomation(deps: AutomationDeps, caller: Caller, input: AutomationInput): Promise<Automation> {
  caller.allow('automation:write', EVERYWHERE);
  const automation = await deps.automation.write(await withKnownNames(deps, input), caller.name);
  const { paused, mode, reason } = automation;
  deps.log.warn('automation settings changed', { by: caller.name, paused, mode, reason });
  return automation;
}

/**
 * Returns the settings with the names that the configuration has, which alone are in force. Refuses a service that neither
 * the configuration, nor a recorded deployment or incident, nor an earlier setting has: the intended one would keep its mode.
 * Without any known service, everything is accepted. A limit that is removed can be of any service or environment that has
 * one.
 *
 * @throws Refusal 422, with a suggestion if a known name is similar
 */
async function withKnownNames(deps: AutomationDeps, input: AutomationInput): Promise<AutomationInput> {
  if (input.services === undefined) return input;
  const [config, { services: before, demoted }] = await Promise.all([deps.config.current(), deps.automation.read()]);
  const configured = configuredScopes(config);
  const known = new Set([...configured.keys(), ...Object.keys(before), ...Object.keys(demoted)]);
  const services = new Map<string, ServiceCaps>();
  for (const [named, caps] of Object.entries(input.services)) {
    const isRemoved = known.has(named) && !setsAnything(caps);
    const service = isRemoved ? named : (configuredService(config, named) ?? named);
    if (configured.size > 0) await refuseUnknown(deps, known, service, caps);
    const stored = Object.keys((Object.hasOwn(before, service) ? before[service]?.environments : undefined) ?? {});
    const environments = caps?.environments && environmentsIn(config, service, caps.environments, stored);
    if (services.has(service)) throw invalid(`services.${named}: this is ${service}, which is also set; set it once`);
    services.set(service, caps && { ...caps, ...(environments !== undefined && { environments }) });
  }
  return { ...input, services: Object.fromEntries(services) };
}

type ServiceCaps = NonNullable<AutomationInput['services']>[string];
type EnvironmentCaps = NonNullable<NonNullable<ServiceCaps>['environments']>;

/** @throws Refusal 422 */
async function refuseUnknown(deps: AutomationDeps, known: ReadonlySet<string>, service: string, caps: ServiceCaps) {
  if (known.has(service)) return;
  const suggestion = nearest(service, known);
  if ((suggestion !== null || setsAnything(caps)) && !(await isRecorded(deps, service)))
    throw invalid(`services.${service}: there is no service "${service}"${suggestionText(suggestion)}`);
}

/**
 * Returns the limits of environments by the names that the service has; of several for one environment, the lowest. What an
 * earlier version has stored by another name of the same environment is removed.
 *
 * @throws Refusal 422 if an unknown name resembles one that the service lists. Another one may be added to the configuration later
 */
function environmentsIn(
  config: Config,
  service: string,
  caps: EnvironmentCaps,
  stored: readonly string[],
): EnvironmentCaps {
  const configured = environmentsOf(config, service);
  const listed = Object.keys(serviceEntry(config.services, service)?.environments ?? {});
  const meant = (name: string): string => environmentNamed(name, configured) ?? name;
  for (const name of Object.keys(caps)) {
    const similar = configured.has(meant(name)) || stored.includes(name) ? null : nearest(name, listed);
    if (similar !== null)
      throw invalid(
        `services.${service}.environments.${name}: ${service} has no environment "${name}"${suggestionText(similar)}`,
      );
  }
  const set = [...Map.groupBy(Object.entries(caps), ([name]) => meant(name))].map(([name, all]) => {
    const modes = all.flatMap(([, mode]) => mode ?? []);
    return [name, modes.length === 0 ? null : lowestMode(...modes)] as const;
  });
  const replaced = stored.filter((name) => meant(name) !== name && set.some(([of]) => of === meant(name)));
  return Object.fromEntries([...replaced.map((name) => [name, null] as const), ...set]);
}

/** Returns whether the caps of a service leave any, so that they have an effect. */
const setsAnything = (caps: ServiceCaps): boolean =>
  [caps?.mode, ...Object.values(caps?.environments ?? {})].some((mode) => mode != null);

/** Returns whether a deployment or an incident of the service is recorded. */
async function isRecorded({ changes, incidents }: AutomationDeps, name: string): Promise<boolean> {
  const { success, data: service } = ServiceName.safeParse(name);
  if (!success) return false;
  const found = await Promise.all([changes.list({ service, limit: 1 }), incidents.list({ service, limit: 1 })]);
  return found.some(({ items }) => items.length > 0);
}

const invalid = (text: string): Refusal => new Refusal(422, 'invalid', `json: ${text}`);
