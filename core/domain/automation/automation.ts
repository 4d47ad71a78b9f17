import type { Automation, AutomationInput } from '../../../schemas/access/access.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { lowestMode, type Mode } from '../../../schemas/config/names.ts';
import { serviceEntry } from '../catalogue/catalogue.ts';
import { environmentNamed } from '../catalogue/known-names.ts';
import type { ServiceEnvironment } from '../ports/common.ts';

/** Returns the modes that cap the automation of a service and environment; the lowest one applies. */
export function modesFor(
  automation: Automation,
  serviceEnvironment: ServiceEnvironment,
  catalogue: Config['services'],
): Mode[] {
  const { mode, services } = automation;
  const { service } = serviceEnvironment;
  const serviceCap = Object.hasOwn(services, service) ? services[service]?.mode : undefined;
  return [mode, serviceCap, environmentCap(automation, serviceEnvironment, catalogue)].filter(
    (cap): cap is Mode => cap !== null && cap !== undefined,
  );
}

/** Returns the cap of an environment. Earlier versions stored it by any of its usual names. Null: it has none. */
export function environmentCap(
  { services }: Pick<Automation, 'services'>,
  { service, environment }: { service: string; environment: string },
  catalogue: Config['services'],
): Mode | null {
  const caps = Object.hasOwn(services, service) ? (services[service]?.environments ?? {}) : {};
  const known = [environment, ...Object.keys(serviceEntry(catalogue, service)?.environments ?? {})];
  const own = Object.entries(caps).filter(([name]) => environmentNamed(name, known) === environment);
  return own.length === 0 ? null : lowestMode(...own.map(([, cap]) => cap));
}

/** Says as a clause that the kill switch is on, who set it, and why. Older versions did not store who and why. */
export const killSwitchText = ({ by, reason }: { by?: string | null; reason?: string | null }): string =>
  `the kill switch is on${by == null ? '' : `, set by ${by}`}${reason == null || reason === '' ? '' : `: ${reason}`}`;

/** Says whether automation acts, as a clause. */
export const automationText = (automation: Pick<Automation, 'paused' | 'by' | 'reason' | 'mode'>): string =>
  automation.paused
    ? killSwitchText(automation)
    : `automation is on, ${automation.mode === null ? 'with the mode of each service' : `limited to mode ${automation.mode} for all services`}`;

/** Returns the settings that limit all services, a service, or one of its environments. @param mode null removes the limit */
export function limitInput(
  { service, environment }: { service?: string | undefined; environment?: string | undefined },
  mode: Mode | null,
): AutomationInput {
  if (service === undefined) return { mode };
  return { services: { [service]: environment === undefined ? { mode } : { environments: { [environment]: mode } } } };
}

/** Merges new caps into the existing ones: unmentioned caps stay, and null removes one. */
export function mergedCaps(
  before: Automation['services'],
  modes: NonNullable<AutomationInput['services']>,
): Automation['services'] {
  const caps = new Map(Object.entries(before));
  for (const [service, change] of Object.entries(modes)) {
    const serviceCaps = caps.get(service) ?? { mode: null, environments: {} };
    if (change === null) caps.delete(service);
    else
      caps.set(service, {
        mode: change.mode === undefined ? serviceCaps.mode : change.mode,
        environments: mergedEnvironments(serviceCaps.environments, change.environments),
      });
  }
  return Object.fromEntries(caps);
}

function mergedEnvironments(
  before: Readonly<Record<string, Mode>>,
  modes: Readonly<Record<string, Mode | null>> | null | undefined,
): Record<string, Mode> {
  if (modes === null) return {};
  const all = Object.entries<Mode | null>(before).concat(Object.entries(modes ?? {}));
  // Later entries override earlier ones.
  return Object.fromEntries([...new Map(all)].filter((cap): cap is [string, Mode] => cap[1] !== null));
}

/** Returns the settings after a change: what it does not mention stays, except the reason of a pause that ends. */
export function changedSettings(
  before: Omit<Automation, 'demoted'>,
  { paused = before.paused, reason, mode = before.mode, services }: AutomationInput,
): Pick<Automation, 'paused' | 'reason' | 'mode' | 'services'> {
  const keptReason = before.paused && !paused ? null : before.reason;
  return {
    paused,
    reason: reason === undefined ? keptReason : reason,
    mode,
    services: mergedCaps(before.services, services ?? {}),
  };
}

/** Returns the services that this change promotes: to `act`, or by removing their cap. */
export const promotedBy = (modes: AutomationInput['services']): string[] =>
  Object.entries(modes ?? {}).flatMap(([service, change]) =>
    change === null || change.mode === null || change.mode === 'act' ? [service] : [],
  );

/** Number of newest automatic actions that count for the automation budget. */
export const BUDGET_ACTIONS = 20;

/** Number of wrong actions among them from which automation must ask for approval. */
const BUDGET_WRONG_MAX = 2;

/**
 * Returns why a service is demoted to asking for approval: the error budget of its automation is spent. Null: it is not.
 *
 * @param actions newest actions of a service since a person promoted it, newest first
 */
export function demotionOf(actions: readonly { wrong: boolean }[]): string | null {
  const newest = actions.slice(0, BUDGET_ACTIONS);
  const wrong = newest.filter((act) => act.wrong).length;
  return wrong < BUDGET_WRONG_MAX ? null : `${wrong} of its last ${newest.length} automatic actions were wrong`;
}
