import type { Config } from '../../schemas/config/config.ts';
import {
  configuredEnvironments,
  configuredScopes,
  type KnownScopes,
  suggestedName,
  matchingName,
} from '../freeze/known-names.ts';

type NamingConfig = Pick<Config, 'services' | 'slos' | 'freeze'>;
type NamedEnvironment = { service: string; environment: string };

/** An environment that no configuration names for a service. `suggestion`: the likely match; null: none is similar. */
export type Unconfigured = { configured: string[]; suggestion: string | null };

const scopes = new WeakMap<NamingConfig, KnownScopes>();

/** Caches the result by configuration, because a list calls this for each of its items. */
function scopesIn(config: NamingConfig): KnownScopes {
  const cached = scopes.get(config) ?? configuredScopes(config);
  scopes.set(config, cached);
  return cached;
}

/**
 * Returns a finding if no configuration names the environment of a service. If a service lists no environments, those
 * of all other services count. Null: it is named, or there is no catalogue to compare with.
 */
export function unconfiguredEnvironment(
  config: NamingConfig,
  { service, environment }: NamedEnvironment,
): Unconfigured | null {
  const configured = scopesIn(config);
  if (configured.size === 0) return null;
  const catalogueName = matchingName(service, configured);
  const ownEnvironments = catalogueName === undefined ? undefined : configured.get(catalogueName);
  const knownEnvironments =
    ownEnvironments !== undefined && ownEnvironments.size > 0 ? ownEnvironments : configuredEnvironments(config);
  if (matchingName(environment, knownEnvironments) !== undefined) return null;
  return { configured: [...knownEnvironments].toSorted(), suggestion: suggestedName(environment, knownEnvironments) };
}

/** Returns warnings about the names in a record. Empty: none, or there is no catalogue. */
export function nameWarnings(config: NamingConfig, { service, environment }: NamedEnvironment): string[] {
  const services = [...scopesIn(config).keys()];
  if (services.length === 0) return [];
  const unknown =
    matchingName(service, services) === undefined
      ? [`the catalogue has no service ${JSON.stringify(service)}${suggestion(suggestedName(service, services))}`]
      : [];
  const unconfigured = unconfiguredEnvironment(config, { service, environment });
  return unconfigured === null ? unknown : [...unknown, unconfiguredWords({ service, environment }, unconfigured)];
}

/** Formats `the environment "prod" of shop is not configured; did you mean "production"?` */
export const unconfiguredWords = (
  { service, environment }: NamedEnvironment,
  { suggestion: didYouMean }: Pick<Unconfigured, 'suggestion'>,
): string => `the environment ${JSON.stringify(environment)} of ${service} is not configured${suggestion(didYouMean)}`;

const suggestion = (didYouMean: string | null): string =>
  didYouMean === null ? '' : `; did you mean ${JSON.stringify(didYouMean)}?`;
