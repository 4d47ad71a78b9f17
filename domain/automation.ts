import type { Automation, AutomationInput } from '../schemas/access.ts';
import type { Mode } from '../schemas/names.ts';
import type { Place } from './ports.ts';

/** The modes that cap the automation of a place; the lowest is in force. */
export function modesFor({ mode, services }: Automation, { service, environment }: Place): Mode[] {
  const own = Object.hasOwn(services, service) ? services[service] : undefined;
  const there =
    own !== undefined && Object.hasOwn(own.environments, environment) ? own.environments[environment] : undefined;
  return [mode, own?.mode, there].filter((cap): cap is Mode => cap !== null && cap !== undefined);
}

/** The caps of all services after some were told: those that were not stay, and null takes away. */
export function mergedCaps(
  before: Automation['services'],
  told: NonNullable<AutomationInput['services']>,
): Automation['services'] {
  const caps = new Map(Object.entries(before));
  for (const [service, news] of Object.entries(told)) {
    const own = caps.get(service) ?? { mode: null, environments: {} };
    if (news === null) caps.delete(service);
    else
      caps.set(service, {
        mode: news.mode === undefined ? own.mode : news.mode,
        environments: mergedEnvironments(own.environments, news.environments),
      });
  }
  return Object.fromEntries(caps);
}

function mergedEnvironments(
  before: Readonly<Record<string, Mode>>,
  told: Readonly<Record<string, Mode | null>> | null | undefined,
): Record<string, Mode> {
  if (told === null) return {};
  const all = Object.entries<Mode | null>(before).concat(Object.entries(told ?? {}));
  // A later entry of the same name wins.
  return Object.fromEntries([...new Map(all)].filter((cap): cap is [string, Mode] => cap[1] !== null));
}

/** Services that a person has promoted by this: to `act`, or by taking their cap away. */
export const promotedBy = (told: AutomationInput['services']): string[] =>
  Object.entries(told ?? {}).flatMap(([service, news]) =>
    news === null || news.mode === null || news.mode === 'act' ? [service] : [],
  );

/** Of so many of its newest acts … */
export const BUDGET_ACTS = 20;

/** … so few may be wrong until its automation has to ask. */
const BUDGET_WRONG = 2;

/** Automation has an error budget of its own. @param acts the newest ones of a service since a person has promoted it */
export const isSpent = (acts: readonly { wrong: boolean }[]): boolean =>
  acts.slice(0, BUDGET_ACTS).filter(({ wrong }) => wrong).length >= BUDGET_WRONG;
