import type { Config } from '../../schemas/config.ts';
import { nameKey } from '../actor-names.ts';
import { nearest } from '../runbooks/nearest.ts';
import type { CheckInputs } from './check-inputs.ts';
import type { Finding } from './finding.ts';
import { list } from './words.ts';

/** Of an objective, and of an alert, that does not say where. */
const DEFAULT_ENVIRONMENT = 'production';

/** The environments of each service. */
export type KnownPlaces = ReadonlyMap<string, ReadonlySet<string>>;

/** What the configuration names: the catalogue, objectives, and policies and plans of freezes for single services. */
export function configuredPlaces({
  services,
  slos,
  freeze,
}: Pick<Config, 'services' | 'slos' | 'freeze'>): KnownPlaces {
  const places = new Map<string, Set<string>>();
  for (const [service, entry] of Object.entries(services))
    places.set(
      service,
      new Set([
        ...Object.keys(entry.environments),
        ...(entry.defaultEnvironment === undefined ? [] : [entry.defaultEnvironment]),
      ]),
    );
  for (const { service, environment } of slos)
    places.set(service, (places.get(service) ?? new Set<string>()).add(environment));
  const named = [
    ...freeze.policies.map(({ match }) => ({ services: match.service, environments: match.environment })),
    ...freeze.calendar,
  ];
  for (const { services: of = [], environments = [] } of named)
    for (const service of of) for (const environment of environments) places.get(service)?.add(environment);
  return places;
}

/** Every environment that the configuration names for anything. */
export const configuredEnvironments = ({ services, slos, freeze }: Pick<Config, 'services' | 'slos' | 'freeze'>) =>
  new Set<string>([
    DEFAULT_ENVIRONMENT,
    ...Object.values(services).flatMap((entry) => Object.keys(entry.environments)),
    ...slos.map(({ environment }) => environment),
    ...freeze.policies.flatMap(({ match }) => match.environment ?? []),
    ...freeze.calendar.flatMap(({ environments }) => environments ?? []),
  ]);

/**
 * Which of these names is meant: the same one, or the only one that differs in nothing but case, width and blanks.
 * Undefined: none is.
 */
export function theOneCalled(name: string, known: Iterable<string>): string | undefined {
  const names = [...new Set(known)];
  if (names.includes(name)) return name;
  const alike = names.filter((each) => nameKey(each) === nameKey(name));
  return alike.length === 1 ? alike[0] : undefined;
}

/** Shorter beginnings are those of many words. */
const BEGINNING_MIN_CHARS = 3;

/** Which one was probably meant: one that it is the beginning of, as `prod`, or that is written nearly so. */
export function probablyMeant(name: string, known: Iterable<string>): string | null {
  const names = [...known].toSorted();
  const begun =
    nameKey(name).length < BEGINNING_MIN_CHARS
      ? undefined
      : names.find((each) => nameKey(each).startsWith(nameKey(name)));
  return begun ?? nearest(name, names);
}

/** That it was asked about under other names, and that nobody knows the environment. */
export function placeFindings({ request, asked, unknownEnvironment: unknown }: CheckInputs): Finding[] {
  const { service, environment } = request;
  return [
    ...(asked === undefined ? [] : [takenFor(asked, { service, environment })]),
    ...(unknown === undefined ? [] : [unknownFinding({ service, environment }, unknown)]),
  ];
}

type Names = { service: string; environment: string };

const takenFor = (asked: Names, { service, environment }: Names): Finding => ({
  code: 'taken_for',
  effect: 'note',
  key: JSON.stringify([asked.service, asked.environment]),
  text:
    `${JSON.stringify(asked.service)} in ${JSON.stringify(asked.environment)} is taken for ` +
    `${JSON.stringify(service)} in ${JSON.stringify(environment)}; send the names as they are known`,
});

function unknownFinding(
  { service, environment }: Names,
  { policy, known, meant, recorded }: NonNullable<CheckInputs['unknownEnvironment']>,
): Finding {
  const suggestion = meant === null ? '' : `; did you mean ${JSON.stringify(meant)}?`;
  // A deployment under a misspelt name must not make that name look right; nor does policy refuse what runs somewhere.
  if (recorded)
    return {
      code: 'unknown_environment',
      key: environment,
      effect: 'warn',
      text:
        `no configuration names an environment ${JSON.stringify(environment)} of ${service} (config/services.yaml); it is ` +
        `known by deployments alone. Configured: ${list(known)}${suggestion}`,
    };
  const text =
    `nothing is known of an environment ${JSON.stringify(environment)} of ${service}: neither the configuration has it ` +
    `(config/services.yaml) nor is a deployment recorded there. Known: ${list(known)}${suggestion}`;
  const finding = { code: 'unknown_environment', key: environment, text } as const;
  if (policy === 'allow') return { ...finding, effect: 'warn' };
  return {
    ...finding,
    effect: 'refuse',
    text: `${text}; by policy that is not allowed (unknownEnvironment, unknownService: deny)`,
    clears: `when the catalogue has the environment ${environment}, or a deployment is recorded there`,
  };
}
