import { EVERYWHERE } from '../../domain/access/access.ts';
import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { nearest, suggestionText } from '../../domain/lint/similar-names.ts';
import type { Automation, AutomationInput } from '../../../schemas/access/access.ts';
import { ServiceName } from '../../../schemas/config/names.ts';
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
  await refuseUnknown(deps, input);
  const automation = await deps.automation.write(input, caller.name);
  const { paused, mode, reason } = automation;
  deps.log.warn('automation settings changed', { by: caller.name, paused, mode, reason });
  return automation;
}

/**
 * Refuses a service that neither the configuration, nor a recorded deployment or incident, nor an earlier setting has: the
 * intended one would keep its mode. Without any known service, everything is accepted. An unknown environment may be added
 * later, so it is refused only if it resembles a known one.
 *
 * @throws Refusal 422, with a suggestion if a known name is similar
 */
async function refuseUnknown(deps: AutomationDeps, { services: modes }: AutomationInput): Promise<void> {
  if (modes === undefined) return;
  const [config, { services: capped, demoted }] = await Promise.all([deps.config.current(), deps.automation.read()]);
  const configured = new Set([...Object.keys(config.services), ...config.slos.map(({ service }) => service)]);
  if (configured.size === 0) return;
  const known = new Set([...configured, ...Object.keys(capped), ...Object.keys(demoted)]);
  for (const [service, caps] of Object.entries(modes)) {
    const suggestion = known.has(service) ? null : nearest(service, known);
    const isWrong = suggestion !== null || (!known.has(service) && setsAnything(caps));
    if (isWrong && !(await isRecorded(deps, service)))
      throw unknownName(`services.${service}: there is no service "${service}"`, suggestion);
    const environments = Object.keys(serviceEntry(config.services, service)?.environments ?? {});
    const before = Object.hasOwn(capped, service) ? Object.keys(capped[service]?.environments ?? {}) : [];
    for (const name of Object.keys(caps?.environments ?? {})) {
      const similar = [...environments, ...before].includes(name) ? null : nearest(name, environments);
      if (similar !== null)
        throw unknownName(`services.${service}.environments.${name}: ${service} has no environment "${name}"`, similar);
    }
  }
}

/** Returns whether the caps of a service leave any, so that they have an effect. */
const setsAnything = (caps: NonNullable<AutomationInput['services']>[string]): boolean =>
  [caps?.mode, ...Object.values(caps?.environments ?? {})].some((mode) => mode != null);

/** Returns whether a deployment or an incident of the service is recorded. */
async function isRecorded({ changes, incidents }: AutomationDeps, name: string): Promise<boolean> {
  const { success, data: service } = ServiceName.safeParse(name);
  if (!success) return false;
  const found = await Promise.all([changes.list({ service, limit: 1 }), incidents.list({ service, limit: 1 })]);
  return found.some(({ items }) => items.length > 0);
}

const unknownName = (text: string, suggestion: string | null): Refusal =>
  new Refusal(422, 'invalid', `json: ${text}${suggestionText(suggestion)}`);
