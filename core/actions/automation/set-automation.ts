import { EVERYWHERE } from '../../domain/access/access.ts';
import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { didYouMean } from '../../domain/lint/similar-names.ts';
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
  await refuseMisspelt(deps, input);
  const automation = await deps.automation.write(input, caller.name);
  const { paused, mode, reason } = automation;
  deps.log.warn('automation settings changed', { by: caller.name, paused, mode, reason });
  return automation;
}

/**
 * Refuses names that resemble a known service or environment: with a typo, the intended service would keep its mode.
 * Other unknown names are accepted, because they may belong to a future service.
 *
 * @throws Refusal 422 with a suggestion
 */
async function refuseMisspelt(deps: AutomationDeps, { services: modes }: AutomationInput): Promise<void> {
  if (modes === undefined) return;
  const [{ services }, { services: capped, demoted }] = await Promise.all([
    deps.config.current(),
    deps.automation.read(),
  ]);
  const known = new Set([...Object.keys(services), ...Object.keys(capped), ...Object.keys(demoted)]);
  for (const [service, caps] of Object.entries(modes)) {
    const suggestion = known.has(service) ? null : didYouMean(service, known);
    if (suggestion !== null && !(await isRecorded(deps, service)))
      throw misspelt(`services.${service}: there is no service "${service}"; ${suggestion}`);
    const environments = Object.keys(serviceEntry(services, service)?.environments ?? {});
    const before = Object.hasOwn(capped, service) ? Object.keys(capped[service]?.environments ?? {}) : [];
    for (const name of Object.keys(caps?.environments ?? {})) {
      const named = [...environments, ...before].includes(name) ? null : didYouMean(name, environments);
      if (named !== null)
        throw misspelt(`services.${service}.environments.${name}: ${service} has no environment "${name}"; ${named}`);
    }
  }
}

/** Returns whether a deployment or an incident of the service is recorded. */
async function isRecorded({ changes, incidents }: AutomationDeps, name: string): Promise<boolean> {
  const { success, data: service } = ServiceName.safeParse(name);
  if (!success) return false;
  const found = await Promise.all([changes.list({ service, limit: 1 }), incidents.list({ service, limit: 1 })]);
  return found.some(({ items }) => items.length > 0);
}

const misspelt = (text: string): Refusal => new Refusal(422, 'invalid', `json: ${text}`);
