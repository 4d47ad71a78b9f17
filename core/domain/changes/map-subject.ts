import { configuredService, environmentNamed, environmentsOf, type NamingConfig } from '../catalogue/known-names.ts';
import type { ChangeSources, Config, EnvironmentEntry, ServiceEntry } from '../../../schemas/config/config.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import type { ReportSource, ReportSubject } from '../../../schemas/changes/change-report.ts';
import { serviceEntry, unnamedEnvironmentOf } from '../catalogue/catalogue.ts';
import { repositoryPathOf } from '../catalogue/repositories.ts';
import { workloadsOf } from '../catalogue/workloads.ts';
import type { ServiceEnvironment } from '../ports/common.ts';

/** The keys of `sources` that name an object of another system. */
const OBJECTS = [
  'image',
  'argoApplication',
  'fluxObject',
  'ecsService',
  'lambdaFunction',
  'codedeployGroup',
  'kubernetesWorkload',
  'terraformWorkspace',
  'flag',
] as const satisfies readonly (keyof ReportSubject & keyof ChangeSources)[];
type SubjectObject = (typeof OBJECTS)[number];

/** The services and environments of a change, or why the catalogue does not determine them. */
export type Mapping =
  | { kind: 'mapped'; to: ServiceEnvironment[] }
  | { kind: 'unmapped'; why: string; /** Lines of `config/services.yaml` that would map it. */ lines: string };

/** What an environment lists of other systems. */
type ListedObjects = Pick<EnvironmentEntry, 'sources' | 'deployer' | 'flags'>;

type Candidate = ServiceEnvironment & { entry: ServiceEntry; environmentEntry: ListedObjects };

/**
 * Returns the services and environments that a sender's subject names. An object, such as an image or an Argo CD
 * application, belongs to every entry that lists it in `sources` or in its deployer, in the environment that the sender
 * names: an object in an environment that does not list it is none of them. Without a listed object, the
 * repository (with `path`, if several services share it) and the environment decide. The result never depends on
 * similar names: what is ambiguous is unmapped. A service without environments has those of the configuration.
 */
export function mapSubject(config: NamingConfig, source: ReportSource, subject: ReportSubject): Mapping {
  const { services } = config;
  const all = candidatesIn(config);
  const { environment } = subject;
  const meantOf = new Map(
    [...Map.groupBy(all, ({ service }) => service)].map(([service, ofService]) => [
      service,
      environmentNamed(
        environment ?? '',
        ofService.flatMap((candidate) => environmentNames(source, candidate)),
      ),
    ]),
  );
  const inEnvironment = (candidate: Candidate): boolean =>
    environment === undefined
      ? isUsual(candidate)
      : environmentNames(source, candidate).includes(meantOf.get(candidate.service) ?? '');
  const unmapped = (why: string, listing: readonly Candidate[] = []): Mapping => ({
    kind: 'unmapped',
    why,
    lines: linesFor(services, source, subject, listing[0]?.service),
  });

  if (subject.service !== undefined) {
    const name = configuredService(config, subject.service);
    const named = all.filter(({ service }) => service === name);
    if (named.length === 0) return unmapped(`the catalogue has no service ${quoted(subject.service)}`);
    return mappedIfSingle(named.filter(inEnvironment)) ?? unmapped(whyNoEnvironment(subject, named));
  }

  const objects = OBJECTS.filter((key) => subject[key] !== undefined);
  const listing = all.filter((candidate) => objects.some((key) => isListed(candidate, key, subject[key])));
  if (listing.length > 0) {
    const mostListed = Math.max(...listing.map((candidate) => countListed(candidate, objects, subject)));
    const best = listing.filter((candidate) => countListed(candidate, objects, subject) === mostListed);
    const there = best.filter(inEnvironment);
    if (there.length === 0 && environment !== undefined)
      return unmapped(
        `${objects.map((key) => quoted(subject[key])).join(' and ')} is listed, but ${whyNoEnvironment(subject, best)}`,
        best,
      );
    const mapped = there.length > 0 ? there : best;
    // The same object in two environments of one service, and the sender does not say in which.
    const ambiguous = mapped.find((listedName) =>
      mapped.some((other) => other !== listedName && other.service === listedName.service),
    );
    if (ambiguous === undefined) return { kind: 'mapped', to: mapped.map(serviceEnvironmentOf) };
    return unmapped(
      `several environments of ${ambiguous.service} list ${objects.map((key) => quoted(subject[key])).join(' and ')}`,
    );
  }

  if (subject.repository === undefined)
    return unmapped(
      `no environment lists ${objects.map((key) => `the ${key} ${quoted(subject[key])}`).join(' or ') || 'it'}`,
    );
  const path = repositoryPathOf(subject.repository);
  const ofRepository = all.filter(({ entry }) => repositoryPathOf(entry.repository ?? '') === path);
  if (ofRepository.length === 0) return unmapped(`no service has the repository ${quoted(subject.repository)}`);
  const inThatEnvironment = ofRepository.filter(inEnvironment);
  const { path: folder } = subject;
  const withPath = withListedFirst(
    folder === undefined ? inThatEnvironment : inThatEnvironment.filter(({ entry }) => isWithin(folder, entry.path)),
  );
  if (inThatEnvironment.length === 0) return unmapped(whyNoEnvironment(subject, ofRepository));
  if (withPath.length === 0)
    return unmapped(`no service of ${quoted(subject.repository)} has the path ${quoted(subject.path)}`);
  // Services that list the environment themselves are all deployed by its rollouts.
  const deployedThere = withPath.filter(
    (candidate) => subject.environment !== undefined && listsEnvironment(source, candidate),
  );
  const found =
    deployedThere.length > 0
      ? { kind: 'mapped' as const, to: deployedThere.map(serviceEnvironmentOf) }
      : mappedIfSingle(withPath);
  if (found !== undefined) return found;
  const names = [...new Set(withPath.map(({ service }) => service))];
  return unmapped(
    names.length > 1
      ? `${names.join(', ')} share the repository ${quoted(subject.repository)} and the environment, and the event names no path`
      : whyNoEnvironment(subject, withPath),
  );
}

const candidatesIn = (config: NamingConfig): Candidate[] =>
  Object.entries(config.services).flatMap(([service, entry]) => {
    const listed: [string, ListedObjects][] = Object.entries(entry.environments);
    const possible =
      listed.length > 0 ? listed : [...environmentsOf(config, service)].map((name) => [name, {}] as const);
    return possible.map(([environment, environmentEntry]) => ({
      service: ServiceName.parse(service),
      environment: EnvironmentName.parse(environment),
      entry,
      environmentEntry,
    }));
  });

const listsAny = ({ entry }: Candidate): boolean => Object.keys(entry.environments).length > 0;

/** Returns only services that list the environment, or all if none does: a service without environments could be anywhere. */
const withListedFirst = (candidates: readonly Candidate[]): readonly Candidate[] =>
  candidates.some(listsAny) ? candidates.filter(listsAny) : candidates;

/** Returns whether a change without an environment can be in this one. A service without environments has a usual one. */
const isUsual = (candidate: Candidate): boolean =>
  listsAny(candidate) || candidate.environment === unnamedEnvironmentOf(candidate.entry);

const serviceEnvironmentOf = ({ service, environment }: Candidate): ServiceEnvironment => ({ service, environment });

/** Returns the mapping if exactly one candidate is left. A missing environment is fine if there is only one. */
const mappedIfSingle = ([listedName, ...others]: readonly Candidate[]): Mapping | undefined =>
  listedName === undefined || others.length > 0
    ? undefined
    : { kind: 'mapped', to: [serviceEnvironmentOf(listedName)] };

/** The keys of `sources` that name the environment as a sender does. */
const ENVIRONMENT_KEYS = {
  github: 'github',
  gitlab: 'gitlab',
  flux: 'flux',
  cdevents: 'cdevents',
  launchdarkly: 'launchdarkly',
  flags: 'goFeatureFlag',
} as const satisfies Partial<Record<ReportSource, keyof ChangeSources>>;

const environmentKeyOf = (source: ReportSource) =>
  Object.hasOwn(ENVIRONMENT_KEYS, source) ? ENVIRONMENT_KEYS[source as keyof typeof ENVIRONMENT_KEYS] : undefined;

function environmentNames(source: ReportSource, { environment, environmentEntry }: Candidate): string[] {
  const key = environmentKeyOf(source);
  const { deployer, flags, sources } = environmentEntry;
  const target =
    source === 'github' && deployer?.kind === 'github'
      ? deployer.environment
      : source === 'launchdarkly' && flags?.kind === 'launchdarkly'
        ? flags.environment
        : undefined;
  return (key && sources?.[key]?.environment) ?? [target ?? environment];
}

function listsEnvironment(source: ReportSource, { environmentEntry }: Candidate): boolean {
  const key = environmentKeyOf(source);
  return key !== undefined && environmentEntry.sources?.[key] !== undefined;
}

const countListed = (candidate: Candidate, objects: readonly SubjectObject[], subject: ReportSubject): number =>
  objects.filter((key) => isListed(candidate, key, subject[key])).length;

function isListed({ service, environmentEntry }: Candidate, key: SubjectObject, name: string | undefined): boolean {
  if (name === undefined) return false;
  const names = environmentEntry.sources?.[key] ?? deployedObject(service, environmentEntry)[key];
  return (
    names !== undefined &&
    names.some((listedName) => listedName === name || (PLACED.has(key) && isPlacedAs(pathOf(listedName), pathOf(name))))
  );
}

/** Objects whose names say where they are. */
const PLACED: ReadonlySet<SubjectObject> = new Set([
  'argoApplication',
  'ecsService',
  'lambdaFunction',
  'codedeployGroup',
  'kubernetesWorkload',
]);

/**
 * Returns the name of an object with its place before it: `account/region/name` of an ARN, `server/namespace/name` of an Argo CD
 * application, `cluster/namespace/Kind/name` of a workload. Each may lack the first parts.
 */
const pathOf = (text: string): string =>
  text.replace(/^arn:[^:]*:[^:]*:([^:]*):([^:]*):(?:service|cluster|function|deploymentgroup)[/:]/, '$2/$1/');

/** Returns whether a name is the listed one. What is listed without a part of its place is at any such place. */
const isPlacedAs = (listed: string, path: string): boolean => path === listed || path.endsWith(`/${listed}`);

/** Returns what an environment's deployer already names, so that `sources` need not repeat it. */
function deployedObject(service: string, environmentEntry: ListedObjects): Partial<Record<SubjectObject, string[]>> {
  const { deployer } = environmentEntry;
  if (deployer === undefined) return {};
  if (deployer.kind === 'argo-cd')
    return { argoApplication: [[deployer.appNamespace, deployer.application ?? service].filter(Boolean).join('/')] };
  if (deployer.kind === 'lambda-alias') return { lambdaFunction: [`${deployer.function}:${deployer.alias}`] };
  if (deployer.kind === 'codedeploy')
    return { codedeployGroup: [`${deployer.application}/${deployer.deploymentGroup}`] };
  if (deployer.kind === 'ecs') return { ecsService: [`${deployer.cluster}/${deployer.service ?? service}`] };
  const kubernetesWorkload = workloadsOf(service, environmentEntry);
  return kubernetesWorkload.length > 0 ? { kubernetesWorkload } : {};
}

/** Returns whether a folder is the service's folder or inside it. A service without `path` has the whole repository. */
const isWithin = (folder: string, path: string | undefined): boolean => {
  const [inner, outer] = [
    `${folder.replace(/(?<!\/)\/+$/, '')}/`,
    path === undefined ? '' : `${path.replace(/(?<!\/)\/+$/, '')}/`,
  ];
  return inner.startsWith(outer);
};

function whyNoEnvironment({ environment }: ReportSubject, candidates: readonly Candidate[]): string {
  const names = [...new Set(candidates.map(({ service }) => service))].join(', ');
  return environment === undefined
    ? `the event names no environment, and ${names} has several`
    : `no environment of ${names} is called ${quoted(environment)}`;
}

/** Returns the lines of `config/services.yaml` that would map the subject. Angle brackets mark what a person must decide. */
function linesFor(
  services: Config['services'],
  source: ReportSource,
  subject: ReportSubject,
  listing: string | undefined,
): string {
  const { repository, environment } = subject;
  const path = repository === undefined ? undefined : repositoryPathOf(repository);
  const owners = Object.entries(services).filter(([, entry]) => repositoryPathOf(entry.repository ?? '') === path);
  const [owner] = owners;
  const isKnown = path !== undefined && owner !== undefined;
  const service =
    subject.service ??
    listing ??
    (isKnown && owners.length === 1 ? owner[0] : (path?.split('/').at(-1) ?? '<service>'));
  const known = serviceEntry(services, service);
  const environments = Object.keys(known?.environments ?? {});
  const mapped = environmentNamed(environment ?? '', environments);
  const target = mapped ?? environmentFor(environments, environment);
  const objects = OBJECTS.flatMap((key) =>
    subject[key] === undefined ? [] : [`          ${key}: ${yaml(subject[key])}`],
  );
  const isShared = isKnown && owners.length > 1;
  const sender = environmentKeyOf(source);
  const mapsEnvironment =
    sender !== undefined &&
    environment !== undefined &&
    ((objects.length === 0 && isShared) || (mapped === undefined && target !== environment));
  return [
    'services:',
    `  ${yaml(isShared ? `<${owners.map(([name]) => name).join(' | ')}>` : service)}:`,
    ...(repository === undefined || isKnown ? [] : [`    repository: ${yaml(repository)}`]),
    ...(isShared && subject.path !== undefined ? [`    path: ${yaml(subject.path)}`] : []),
    '    environments:',
    `      ${yaml(target)}:${objects.length === 0 && !mapsEnvironment ? ' {}' : ''}`,
    ...(objects.length > 0 || mapsEnvironment ? ['        sources:'] : []),
    ...objects,
    ...(mapsEnvironment ? [`          ${sender}: { environment: ${yaml(environment)} }`] : []),
  ].join('\n');
}

/**
 * Returns the environment of the catalogue that an unknown one may be. It can also be one that the catalogue lacks:
 * only a person knows whether "staging-eu" is another name of the only environment.
 */
function environmentFor(known: readonly string[], environment: string | undefined): string {
  const possible = [...known, ...(environment === undefined ? [] : [environment])];
  if (possible.length === 0) return '<environment>';
  return possible.length === 1 ? possible.join('') : `<${possible.join(' | ')}>`;
}

/** Returns a YAML scalar. Placeholders in angle brackets stay as they are. */
const yaml = (text: string): string =>
  /^[\w./<>|: -]*[\w>]$/.test(text) && !/: |^[-<]?\s|^\d+$|^-/.test(text) ? text : JSON.stringify(text);
const quoted = (text: string | undefined): string => JSON.stringify(text);
