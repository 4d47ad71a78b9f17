import type { Automation } from '../schemas/access.ts';
import type { Mode } from '../schemas/names.ts';
import type { Place } from './ports.ts';

/** The modes that cap the automation of a place; the lowest is in force. */
export function modesFor({ mode, services }: Automation, { service, environment }: Place): Mode[] {
  const own = Object.hasOwn(services, service) ? services[service] : undefined;
  const there =
    own !== undefined && Object.hasOwn(own.environments, environment) ? own.environments[environment] : undefined;
  return [mode, own?.mode, there].filter((cap): cap is Mode => cap !== null && cap !== undefined);
}

/** Of so many of its newest acts … */
export const BUDGET_ACTS = 20;

/** … so few may be wrong until its automation has to ask. */
const BUDGET_WRONG = 2;

/** Automation has an error budget of its own. @param acts the newest ones of a service since a person has promoted it */
export const isSpent = (acts: readonly { wrong: boolean }[]): boolean =>
  acts.slice(0, BUDGET_ACTS).filter(({ wrong }) => wrong).length >= BUDGET_WRONG;
