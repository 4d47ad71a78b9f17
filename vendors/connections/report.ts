import type { Deps } from '../../core/domain/ports/deps.ts';
import type { Secrets } from '../../core/domain/ports/system.ts';
import type { Connections } from '../../schemas/config/connections.ts';
import { configured } from '../../core/domain/ports/extensions.ts';
import { uncallableSystems } from './uncallable-systems.ts';
import { vendorConnections, isWatched, targetStates } from './check.ts';
import { provableByEnvironment } from './provable.ts';
import { losesUnmatched } from '../../core/domain/alerts/routing.ts';
import { withoutDefaultEnvironment } from '../../core/domain/catalogue/catalogue.ts';
import { nameWarnings } from '../../core/domain/catalogue/known-names.ts';
import { secretNamesIn, secretNamesOf } from '../../core/domain/runbooks/secret-names.ts';
import { credentialOf } from './check-result.ts';

/** What checking all connections needs. */
export type CheckConnectionsDeps = Parameters<typeof vendorConnections>[0] &
  Parameters<typeof targetStates>[0] &
  Parameters<typeof provableByEnvironment>[0] &
  Parameters<typeof unknownEnvironments>[0] &
  Parameters<typeof uncallableSystems>[0] &
  Parameters<typeof unsetSecrets>[0] &
  Parameters<typeof isWatched>[0] &
  Pick<Deps, 'clock' | 'log'>;

/** Checks all connections with read-only requests to the vendors. */
export async function checkConnections(deps: CheckConnectionsDeps): Promise<Connections> {
  const [vendors, targets, evidence, measured, unknown_environments, judged, secrets, watched] = await Promise.all([
    vendorConnections(deps),
    targetStates(deps),
    provableByEnvironment(deps),
    measuredByFeatures(deps),
    unknownEnvironments(deps),
    uncallableSystems(deps),
    unsetSecrets(deps),
    isWatched(deps),
  ]);
  const current = await deps.config.current();
  return {
    vendors,
    targets,
    evidence,
    unknown_environments,
    unnamed_environments: withoutDefaultEnvironment(current.services),
    unmatched_unread: Object.keys(current.services).length > 0 && losesUnmatched(current, deps.clock.now()),
    judged,
    generated: measured.flatMap(({ generated }) => generated),
    secrets,
    watched,
    objectives: measured[0]?.objectives ?? NO_OBJECTIVES,
  };
}

const NO_OBJECTIVES: Connections['objectives'] = {
  configured: 0,
  evaluated_at: null,
  problem: null,
  failing: 0,
  errors: [],
};

async function measuredByFeatures({ config, extensions }: Pick<Deps, 'config' | 'extensions'>) {
  const systems = await configured(extensions.systems, await config.current());
  return Promise.all(systems.flatMap((one) => one.measured?.() ?? []));
}

type UnknownEnvironment = { service: string; environment: string; problem: string };

/** Number of the newest changes whose names are checked, beside those of the running versions. */
const CHANGES_READ = 100;

/** Returns services and environments that have recorded changes, but no configuration. */
export async function unknownEnvironments({
  config,
  changes,
}: Pick<Deps, 'config' | 'changes'>): Promise<UnknownEnvironment[]> {
  const [current, live, newest] = await Promise.all([
    config.current(),
    changes.live(),
    changes.list({ limit: CHANGES_READ }),
  ]);
  const recorded = [...live, ...newest.items].map(
    ({ service, environment }) => [JSON.stringify([service, environment]), { service, environment }] as const,
  );
  return [...new Map(recorded).values()].flatMap(({ service, environment }) =>
    nameWarnings(current, { service, environment }).map((problem) => ({ service, environment, problem })),
  );
}

/** Returns the secrets that runbooks, webhooks, tickets, and registries name, but that are not set. */
export async function unsetSecrets({
  config,
  secrets,
}: Pick<Deps, 'config'> & { secrets: Secrets }): Promise<{ runbook: string; name: string }[]> {
  const { runbooks, response, routes, delivery } = await config.current();
  const files = Object.entries({ 'response.yaml': response, 'routes.yaml': routes, 'delivery.yaml': delivery });
  const named = [
    ...runbooks.runbooks.map((runbook) => ({ runbook: runbook.name, names: secretNamesOf(runbook) })),
    ...files.map(([runbook, file]) => ({ runbook, names: [...new Set(secretNamesIn(file))] })),
  ].flatMap(({ runbook, names }) => names.map((name) => ({ runbook, name })));
  const found = await Promise.all(named.map(async (one) => ((await credentialOf(secrets, one.name)) ? [] : [one])));
  return found.flat();
}
