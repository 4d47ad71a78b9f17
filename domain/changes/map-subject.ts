import type { ChangeSources, Config, EnvironmentEntry, ServiceEntry } from '../../schemas/config/config.ts';
import { EnvironmentName, ServiceName } from '../../schemas/config/names.ts';
import type { ReportSource, ReportSubject } from '../../schemas/changes/change-report.ts';
import { serviceEntry } from '../catalogue/catalogue.ts';
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

/** Where a change belongs, or why the catalogue does not say. */
export type Mapping =
  | { kind: 'mapped'; to: ServiceEnvironment[] }
  | { kind: 'unmapped'; why: string; /** Lines of `config/services.yaml` that would map it. */ lines: string };

type Candidate = ServiceEnvironment & { entry: ServiceEntry; at: EnvironmentEntry };

/**
 * Returns the services and environments that a sender's subject names. An object, such as an image or an Argo CD
 * application, belongs to every entry that lists it in `sources` or in its deployer. Without a listed object, the
 * repository (with `path`, if several services share it) and the environment decide. The result never depends on
 * similar names: what is ambiguous is unmapped.
 */
export function mapSubject(services: Config['services'], source: ReportSource, subject: ReportSubject): Mapping {
  const all = candidatesIn(services);
  const inEnvironment = (candidate: Candidate): boolean =>
    subject.environment === undefined || environmentNames(source, candidate).some(same(subject.environment));
  const unmapped = (why: string): Mapping => ({ kind: 'unmapped', why, lines: linesFor(services, source, subject) });

  if (subject.service !== undefined) {
    const named = all.filter(({ service }) => service === subject.service);
    if (named.length === 0)
      return unmapped(`the catalogue has no service ${quoted(subject.service)} with an environment`);
    return only(named.filter(inEnvironment)) ?? unmapped(whyNoEnvironment(subject, named));
  }

  const objects = OBJECTS.filter((key) => subject[key] !== undefined);
  const listing = all.filter((candidate) => objects.some((key) => isListed(candidate, key, subject[key])));
  if (listing.length > 0) {
    const most = Math.max(...listing.map((candidate) => listed(candidate, objects, subject)));
    const best = listing.filter((candidate) => listed(candidate, objects, subject) === most);
    const here = best.some(inEnvironment) ? best.filter(inEnvironment) : best;
    // The same object in two environments of one service, and the sender does not say in which.
    const twice = here.find((one) => here.some((other) => other !== one && other.service === one.service));
    if (twice === undefined) return { kind: 'mapped', to: here.map(placeOf) };
    return unmapped(
      `several environments of ${twice.service} list ${objects.map((key) => quoted(subject[key])).join(' and ')}`,
    );
  }

  if (subject.repository === undefined)
    return unmapped(
      `no environment lists ${objects.map((key) => `the ${key} ${quoted(subject[key])}`).join(' or ') || 'it'}`,
    );
  const path = repositoryPathOf(subject.repository);
  const ofRepository = all.filter(({ entry }) => repositoryPathOf(entry.repository ?? '') === path);
  if (ofRepository.length === 0) return unmapped(`no service has the repository ${quoted(subject.repository)}`);
  const there = ofRepository.filter(inEnvironment);
  const inPath =
    subject.path === undefined ? there : there.filter(({ entry }) => isWithin(subject.path ?? '', entry.path));
  if (there.length === 0) return unmapped(whyNoEnvironment(subject, ofRepository));
  if (inPath.length === 0)
    return unmapped(`no service of ${quoted(subject.repository)} has the path ${quoted(subject.path)}`);
  // Services that list the environment themselves are all deployed by its rollouts.
  const deployedThere = inPath.filter(
    (candidate) => subject.environment !== undefined && listsEnvironment(source, candidate),
  );
  const found = deployedThere.length > 0 ? { kind: 'mapped' as const, to: deployedThere.map(placeOf) } : only(inPath);
  if (found !== undefined) return found;
  const names = [...new Set(inPath.map(({ service }) => service))];
  return unmapped(
    names.length > 1
      ? `${names.join(', ')} share the repository ${quoted(subject.repository)} and the environment, and the event names no path`
      : whyNoEnvironment(subject, inPath),
  );
}

const candidatesIn = (services: Config['services']): Candidate[] =>
  Object.entries(services).flatMap(([service, entry]) =>
    Object.entries(entry.environments).map(([environment, at]) => ({
      service: ServiceName.parse(service),
      environment: EnvironmentName.parse(environment),
      entry,
      at,
    })),
  );

const placeOf = ({ service, environment }: Candidate): ServiceEnvironment => ({ service, environment });

/** Returns the mapping if exactly one candidate is left. A missing environment is fine if there is only one. */
const only = ([one, ...others]: readonly Candidate[]): Mapping | undefined =>
  one === undefined || others.length > 0 ? undefined : { kind: 'mapped', to: [placeOf(one)] };

const forge = (source: ReportSource): 'github' | 'gitlab' | undefined =>
  source === 'github' || source === 'gitlab' ? source : undefined;

function environmentNames(source: ReportSource, { environment, at }: Candidate): string[] {
  const named = forge(source);
  const deployer = source === 'github' && at.deployer?.kind === 'github' ? at.deployer.environment : undefined;
  return (named && at.sources?.[named]?.environment) ?? [deployer ?? environment];
}

function listsEnvironment(source: ReportSource, { at }: Candidate): boolean {
  const named = forge(source);
  return named !== undefined && at.sources?.[named] !== undefined;
}

const same =
  (name: string) =>
  (other: string): boolean =>
    name.toLowerCase() === other.toLowerCase();

const listed = (candidate: Candidate, objects: readonly SubjectObject[], subject: ReportSubject): number =>
  objects.filter((key) => isListed(candidate, key, subject[key])).length;

function isListed({ service, at }: Candidate, key: SubjectObject, name: string | undefined): boolean {
  if (name === undefined) return false;
  const names = at.sources?.[key] ?? deployedObject(service, at)[key];
  return (
    names !== undefined &&
    names.some((one) => one === name || isSameEcsService(key, one, name) || isInAnyCluster(key, one, name))
  );
}

/** A listed workload without a cluster is one of any cluster. */
const isInAnyCluster = (key: SubjectObject, one: string, name: string): boolean =>
  key === 'kubernetesWorkload' && one.split('/').length === 3 && name.endsWith(`/${one}`);

/** An ARN of an ECS service ends in `cluster/service`. */
const isSameEcsService = (key: SubjectObject, one: string, other: string): boolean =>
  key === 'ecsService' && ecsNameOf(one) === ecsNameOf(other);
const ecsNameOf = (text: string): string => text.replace(/^arn:[^/]*:service\//, '');

/** Returns what an environment's deployer already names, so that `sources` need not repeat it. */
function deployedObject(service: string, at: EnvironmentEntry): Partial<Record<SubjectObject, string[]>> {
  const { deployer } = at;
  if (deployer === undefined) return {};
  if (deployer.kind === 'argo-cd') return { argoApplication: [deployer.application ?? service] };
  if (deployer.kind === 'lambda-alias') return { lambdaFunction: [`${deployer.function}:${deployer.alias}`] };
  if (deployer.kind === 'codedeploy')
    return { codedeployGroup: [`${deployer.application}/${deployer.deploymentGroup}`] };
  if (deployer.kind === 'ecs') return { ecsService: [`${deployer.cluster}/${deployer.service ?? service}`] };
  const kubernetesWorkload = workloadsOf(service, at);
  return kubernetesWorkload.length > 0 ? { kubernetesWorkload } : {};
}

/** Returns whether a folder is the service's folder or inside it. A service without `path` has the whole repository. */
const isWithin = (folder: string, path: string | undefined): boolean => {
  const [inner, outer] = [`${folder.replace(/\/+$/, '')}/`, path === undefined ? '' : `${path.replace(/\/+$/, '')}/`];
  return inner.startsWith(outer);
};

function whyNoEnvironment({ environment }: ReportSubject, among: readonly Candidate[]): string {
  const names = [...new Set(among.map(({ service }) => service))].join(', ');
  return environment === undefined
    ? `the event names no environment, and ${names} has several`
    : `no environment of ${names} is called ${quoted(environment)}`;
}

/** Returns the lines of `config/services.yaml` that would map the subject. Angle brackets mark what a person must decide. */
function linesFor(services: Config['services'], source: ReportSource, subject: ReportSubject): string {
  const { repository, environment } = subject;
  const path = repository === undefined ? undefined : repositoryPathOf(repository);
  const owners = Object.entries(services).filter(([, entry]) => repositoryPathOf(entry.repository ?? '') === path);
  const [owner] = owners;
  const isKnown = path !== undefined && owner !== undefined;
  const service =
    subject.service ?? (isKnown && owners.length === 1 ? owner[0] : (path?.split('/').at(-1) ?? '<service>'));
  const known = serviceEntry(services, service);
  const environments = Object.keys(known?.environments ?? {});
  const here = environments.find(same(environment ?? ''));
  const target = here ?? environmentFor(environments, environment);
  const objects = OBJECTS.flatMap((key) =>
    subject[key] === undefined ? [] : [`          ${key}: ${yaml(subject[key])}`],
  );
  const isShared = isKnown && owners.length > 1;
  const renamed =
    objects.length === 0 &&
    forge(source) !== undefined &&
    environment !== undefined &&
    (isShared || (here === undefined && target !== environment));
  return [
    'services:',
    `  ${yaml(isShared ? `<${owners.map(([name]) => name).join(' | ')}>` : service)}:`,
    ...(repository === undefined || isKnown ? [] : [`    repository: ${yaml(repository)}`]),
    ...(isShared && subject.path !== undefined ? [`    path: ${yaml(subject.path)}`] : []),
    '    environments:',
    `      ${yaml(target)}:${objects.length === 0 && !renamed ? ' {}' : ''}`,
    ...(objects.length > 0 || renamed ? ['        sources:'] : []),
    ...objects,
    ...(renamed ? [`          ${source}: { environment: ${yaml(environment)} }`] : []),
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
