import type { Action } from '../../../schemas/access/access.ts';
import type { Config, EnvironmentEntry } from '../../../schemas/config/config.ts';
import { READING_METHODS } from '../../../schemas/runbooks/parts/http.ts';
import type { Scope } from '../access/access.ts';
import { locatedSteps } from '../runbooks/located-steps.ts';
import { type StandIns, vendorOf, type VendorState } from './vendors.ts';

/** Systems that Firebreak can change outside the sandbox. */
type Systems = { config: Config; vendors: readonly VendorState[]; standIns: StandIns };

/**
 * Returns descriptions of all real systems that Firebreak writes to: vendors and configured addresses. Systems that it
 * only reads, such as Prometheus, don't count.
 */
export function realSystemsOf(systems: Systems): string[] {
  const { config, vendors, standIns } = systems;
  const receivers = [
    ...(config.paging.fallback === undefined ? [] : [config.paging.fallback.url]),
    ...config.response.webhooks.map(({ url }) => url),
    ...config.routes.routes.flatMap(({ ticket }) =>
      ticket.flatMap((target) => ('webhook' in target ? [target.webhook.url] : [])),
    ),
  ];
  const all = [
    ...vendors.filter(({ mode, readOnly }) => mode === 'real' && !readOnly).map(({ name }) => name),
    ...serviceEnvironments(config)
      .filter(({ entry }) => isReal(entry, systems))
      .map(({ service, environment }) => `targets of ${service}/${environment}`),
    ...receivers.filter((url) => !standIns.at(url)).map((url) => `webhook ${URL.parse(url)?.host ?? ''}`),
    ...realRunbooks(systems).map((name) => `runbook ${name}`),
  ];
  return [...new Set(all)];
}

/** Actions that simulated people in the sandbox may not perform if they would change a real system. */
const REFUSED_ACTIONS: ReadonlySet<Action> = new Set([
  'incidents:act',
  'slos:write',
  'freezes:write',
  'freezes:override',
  'automation:write',
]);

/**
 * Returns why a simulated person may not perform an action in this scope because it would reach a real system.
 * Undefined: it would not. Anyone on the machine can act as a simulated person, so these have no permissions on real
 * systems.
 */
export function whySandboxUserRefused(
  systems: Systems,
  action: Action,
  { service, environment }: Scope,
): string | undefined {
  if (!REFUSED_ACTIONS.has(action)) return undefined;
  const real = serviceEnvironments(systems.config).find(
    (serviceEnvironment) =>
      (service == null || service === serviceEnvironment.service) &&
      (environment == null || environment === serviceEnvironment.environment) &&
      isReal(serviceEnvironment.entry, systems),
  );
  if (real !== undefined) return `the targets of ${real.service} in ${real.environment} are real`;
  const [runbook] = action === 'incidents:act' ? realRunbooks(systems) : [];
  return runbook === undefined ? undefined : `the runbook ${runbook} calls a real system`;
}

type ConfiguredEnvironment = EnvironmentEntry;

const serviceEnvironments = ({
  services,
}: Config): { service: string; environment: string; entry: ConfiguredEnvironment }[] =>
  Object.entries(services).flatMap(([service, { environments }]) =>
    Object.entries(environments).map(([environment, entry]) => ({ service, environment, entry })),
  );

/** Returns whether the deployer or flag service is real, by its own address or its vendor's. */
const isReal = ({ deployer, flags }: ConfiguredEnvironment, { vendors, standIns }: Systems): boolean =>
  [deployer, flags].some((target) => {
    if (target === undefined) return false;
    if ('url' in target && target.url !== undefined) return !standIns.at(target.url);
    return vendors.some(({ vendor, mode }) => vendor === vendorOf(target.kind) && mode === 'real');
  });

/** Returns the names of runbooks with mutating calls to a real address. */
const realRunbooks = ({ config, standIns }: Systems): string[] =>
  config.runbooks.runbooks
    .filter((runbook) =>
      locatedSteps(runbook)
        .flatMap(({ step }) => [
          ...(step.uses === 'http' ? [step.with] : []),
          ...('inverse' in step && step.inverse?.uses === 'http' ? [step.inverse.with] : []),
        ])
        .some(({ method, url }) => !READING_METHODS.has(method) && !standIns.at(url)),
    )
    .map(({ name }) => name);
