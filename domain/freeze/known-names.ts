import type { Config } from '../../schemas/config/config.ts';
import { nameKey } from '../access/actor-identity.ts';
import { nearest } from '../runbooks/similar-names.ts';
import type { CheckInputs } from './check-inputs.ts';
import type { Finding } from './finding.ts';
import { list } from '../correlation/words.ts';

/** Environment of objectives and alerts that do not name one. */
const DEFAULT_ENVIRONMENT = 'production';

/** Environments of each service. */
export type KnownScopes = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Collects the environments of each service from the configuration: the catalogue, objectives, freeze policies, and the
 * freeze calendar.
 */
export function configuredScopes({
  services,
  slos,
  freeze,
}: Pick<Config, 'services' | 'slos' | 'freeze'>): KnownScopes {
  const scopes = new Map<string, Set<string>>();
  for (const [service, entry] of Object.entries(services))
    scopes.set(
      service,
      new Set([
        ...Object.keys(entry.environments),
        ...(entry.defaultEnvironment === undefined ? [] : [entry.defaultEnvironment]),
      ]),
    );
  for (const { service, environment } of slos)
    scopes.set(service, (scopes.get(service) ?? new Set<string>()).add(environment));
  const rules = [
    ...freeze.policies.map(({ match }) => ({ services: match.service, environments: match.environment })),
    ...freeze.calendar,
  ];
  for (const { services: of = [], environments = [] } of rules)
    for (const service of of) for (const environment of environments) scopes.get(service)?.add(environment);
  return scopes;
}

/** Collects every environment that the configuration names. */
export const configuredEnvironments = ({ services, slos, freeze }: Pick<Config, 'services' | 'slos' | 'freeze'>) =>
  new Set<string>([
    DEFAULT_ENVIRONMENT,
    ...Object.values(services).flatMap((entry) => Object.keys(entry.environments)),
    ...slos.map(({ environment }) => environment),
    ...freeze.policies.flatMap(({ match }) => match.environment ?? []),
    ...freeze.calendar.flatMap(({ environments }) => environments ?? []),
  ]);

/**
 * Returns the matching name: an exact match, or the only name that differs in nothing but case, character width, and
 * blanks. Undefined: no match.
 */
export function matchingName(
  name: string,
  known: ReadonlySet<string> | ReadonlyMap<string, unknown> | readonly string[],
): string | undefined {
  if ('has' in known ? known.has(name) : known.includes(name)) return name;
  const names = new Set('has' in known ? known.keys() : known);
  const alike = [...names].filter((candidate) => nameKey(candidate) === nameKey(name));
  return alike.length === 1 ? alike[0] : undefined;
}

/** Minimum length of a prefix match: shorter prefixes match too many names. */
const PREFIX_MIN_CHARS = 3;

/** Returns the name that was probably meant: one with this prefix, such as `prod`, or one with a similar spelling. */
export function suggestedName(name: string, known: Iterable<string>): string | null {
  const names = [...known].toSorted();
  const withPrefix =
    nameKey(name).length < PREFIX_MIN_CHARS
      ? undefined
      : names.find((candidate) => nameKey(candidate).startsWith(nameKey(name)));
  return withPrefix ?? nearest(name, names);
}

/** Reports that the request used other names than the known ones, and that the environment is unknown. */
export function nameFindings({ request, requested, unknownEnvironment: unknown }: CheckInputs): Finding[] {
  const { service, environment } = request;
  return [
    ...(requested === undefined ? [] : [correctedFinding(requested, { service, environment })]),
    ...(unknown === undefined ? [] : [unknownFinding({ service, environment }, unknown)]),
  ];
}

type ScopeNames = { service: string; environment: string };

const correctedFinding = (requested: ScopeNames, { service, environment }: ScopeNames): Finding => ({
  code: 'name_corrected',
  effect: 'note',
  key: JSON.stringify([requested.service, requested.environment]),
  text:
    `${JSON.stringify(requested.service)} in ${JSON.stringify(requested.environment)} was read as ` +
    `${JSON.stringify(service)} in ${JSON.stringify(environment)}; send the exact names`,
});

function unknownFinding(
  { service, environment }: ScopeNames,
  { policy, configured: known, suggestion: didYouMean, recorded }: NonNullable<CheckInputs['unknownEnvironment']>,
): Finding {
  const suggestion = didYouMean === null ? '' : `; did you mean ${JSON.stringify(didYouMean)}?`;
  // A deployment under a misspelled name must not make that name valid. Conversely, the policy does not refuse an
  // environment that has recorded deployments.
  if (recorded)
    return {
      code: 'unknown_environment',
      key: environment,
      effect: 'warn',
      text:
        `the environment ${JSON.stringify(environment)} of ${service} is not configured (config/services.yaml), only ` +
        `recorded by deployments. Configured: ${list(known)}${suggestion}`,
    };
  const text =
    `unknown environment ${JSON.stringify(environment)} of ${service}: it is not configured (config/services.yaml), and ` +
    `no deployment is recorded for it. Known: ${list(known)}${suggestion}`;
  const finding = { code: 'unknown_environment', key: environment, text } as const;
  if (policy === 'allow') return { ...finding, effect: 'warn' };
  return {
    ...finding,
    effect: 'refuse',
    text: `${text}; the policy does not allow this (unknownEnvironment, unknownService: deny)`,
    clears: `when the environment ${environment} is added to the catalogue, or a deployment is recorded for it`,
  };
}
