import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { Deps } from '../ports.ts';
import {
  configuredEnvironments,
  configuredScopes,
  configuredService,
  environmentNamed,
  type KnownScopes,
  suggestedName,
  matchingName,
  unconfiguredEnvironment,
} from '../../../core/domain/catalogue/known-names.ts';
import type { Scope } from '../../../core/domain/access/access.ts';
import { BoundedMap } from '../../../core/domain/bounded-map.ts';
import { onceFor } from '../../../core/domain/once-for.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { knownServices } from './known-names.ts';
import { millisOf } from '../../../schemas/time/time.ts';

/** How long recorded deployments are cached. They change rarely, and an unknown name is looked up separately. */
const RECORDED_FOR_MS = 10_000;

/**
 * The service and environment that a request is about, with resolved names.
 *
 * `requested`: the caller's names, or null if they are the same. `unknown`: set if the configuration does not have the
 * environment.
 */
export type KnownScope = ServiceEnvironment & {
  requested: ServiceEnvironment | null;
  unknown: UnknownEnvironment | null;
};

/** `recorded`: only recorded deployments name the environment, so it may be a typo. */
type UnknownEnvironment = { configured: string[]; suggestion: string | null; recorded?: true };

/**
 * Resolves the names of a service and environment. Each spelling that the configuration accepts, and one that differs from a
 * recorded name only in case, width, or whitespace, stands for that name, so that its freezes, pins, and tokens cannot be bypassed.
 * The configuration takes precedence over recorded deployments.
 */
export async function knownScope(
  deps: Pick<Deps, 'changes' | 'clock'>,
  config: Config,
  { service, environment }: ServiceEnvironment,
): Promise<KnownScope> {
  const configured = configuredScopes(config);
  const inConfiguration = configuredService(config, service);
  const ownEnvironments = inConfiguration === undefined ? undefined : configured.get(inConfiguration);
  const configuredEnvironment = ownEnvironments && environmentNamed(environment, ownEnvironments);
  if (inConfiguration !== undefined && configuredEnvironment !== undefined)
    return knownScopeOf(inConfiguration, configuredEnvironment, { service, environment });

  const recorded = await recordedScopes(deps);
  const serviceName = inConfiguration ?? matchingName(service, recorded) ?? service;
  const deployed = new Set([...(recorded.get(serviceName) ?? []), ...(recorded.get(service) ?? [])]);
  // If the configuration lists no environments for the service, compare with the environments of all services.
  const known = new Set([
    ...(ownEnvironments !== undefined && ownEnvironments.size > 0
      ? ownEnvironments
      : allEnvironments(config, recorded)),
    ...deployed,
  ]);
  const suggestion =
    (ownEnvironments === undefined || ownEnvironments.size === 0
      ? environmentNamed(environment, configuredEnvironments(config)) // takes precedence over the spelling in deployments
      : undefined) ??
    environmentNamed(environment, deployed) ??
    environmentNamed(environment, known);
  if (suggestion !== undefined)
    return {
      ...knownScopeOf(serviceName, suggestion, { service, environment }),
      unknown: recordedOnly(config, { service: serviceName, environment: suggestion }),
    };
  const isRecorded = (await deps.changes.recent({ service, environment }, 1)).length > 0;
  return {
    ...knownScopeOf(serviceName, environment, { service, environment }),
    unknown: isRecorded
      ? recordedOnly(config, { service: serviceName, environment })
      : { configured: [...known].toSorted(), suggestion: suggestedName(environment, known) },
  };
}

/** Returns the service that was probably meant. Null: none is similar, or the caller may not see it. */
export async function suggestedService(
  deps: Pick<Deps, 'changes' | 'clock'>,
  config: Config,
  { service, environment }: ServiceEnvironment,
  may: (scope: Scope) => boolean,
): Promise<string | null> {
  const recorded = await recordedScopes(deps);
  const suggestions = suggestionsFor(recorded);
  const key = JSON.stringify([config.version, service]);
  let suggestion = suggestions.get(key);
  if (suggestion === undefined) {
    const others = [...knownServices(config, recorded.keys())].filter((name) => name !== service);
    suggestions.set(key, (suggestion = suggestedName(service, others)));
  }
  return suggestion !== null && may({ service: suggestion, environment }) ? suggestion : null;
}

/** Suggestions for the names of repeated checks: to compare thousands of names takes long. */
const suggestionsFor = onceFor(() => new BoundedMap<string | null>(SUGGESTIONS_MAX));
const SUGGESTIONS_MAX = 1000;

/** Returns a finding if the environment is recorded, but not configured: its name may still be a typo. */
function recordedOnly(
  config: Config,
  serviceEnvironment: { service: string; environment: string },
): UnknownEnvironment | null {
  const found = unconfiguredEnvironment(config, serviceEnvironment);
  return found === null ? null : { ...found, recorded: true };
}

function knownScopeOf(service: string, environment: string, requested: ServiceEnvironment): KnownScope {
  const isSame = service === requested.service && environment === requested.environment;
  return {
    service: ServiceName.parse(service),
    environment: EnvironmentName.parse(environment),
    requested: isSame ? null : requested,
    unknown: null,
  };
}

const allEnvironments = (config: Config, recorded: KnownScopes): Set<string> =>
  new Set([...configuredEnvironments(config), ...[...recorded.values()].flatMap((environments) => [...environments])]);

const recordedScopesByStore = new WeakMap<Deps['changes'], { readMs: number; scopes: KnownScopes }>();

/** Returns the services and environments of recorded deployments, cached for `RECORDED_FOR_MS`. */
async function recordedScopes({ changes, clock }: Pick<Deps, 'changes' | 'clock'>): Promise<KnownScopes> {
  const now = millisOf(clock.now());
  const before = recordedScopesByStore.get(changes);
  if (before !== undefined && Math.abs(now - before.readMs) < RECORDED_FOR_MS) return before.scopes;
  const scopes = new Map<string, Set<string>>();
  for (const { service, environment } of await changes.live())
    scopes.set(service, (scopes.get(service) ?? new Set<string>()).add(environment));
  recordedScopesByStore.set(changes, { readMs: now, scopes });
  return scopes;
}
