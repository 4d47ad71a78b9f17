import type { Config } from '../../../schemas/config/config.ts';
import {
  type Change,
  type ChangeKind,
  whyNoStatus,
  WrittenKind,
  WrittenStatus,
} from '../../../schemas/changes/change.ts';
import { KIND_WORDS, outcomeOf } from '../../../schemas/changes/words.ts';
import { wordKey } from '../../../schemas/parsing/spelled.ts';
import { isUnset, unsetText } from '../../../schemas/parsing/unset.ts';
import { nameKey } from '../access/actor-identity.ts';
import { looselyNamed, only, serviceNamed } from '../catalogue/known-names.ts';
import { environmentAtEdge } from './environment-words.ts';
import { partsOfImage } from './images.ts';
import { clearestVersions } from './version-identity.ts';

/** Kinds of changes that annotations record: of several, the first one here counts. */
const KINDS: readonly ChangeKind[] = [
  'rollback',
  'flag',
  'config',
  'migration',
  'infrastructure',
  'experiment',
  'hotfix',
  'deploy',
];
/** The words that make an annotation a change without a name before them. */
const BARE_KINDS = ['rollback', 'hotfix', 'deploy', ...Object.keys(KIND_WORDS)].filter((word) =>
  ['rollback', 'hotfix', 'deploy'].includes(WrittenKind.parse(word)),
);
export const KIND_TAGS = ['deploy', 'deployment', 'release', 'hotfix', 'rollback'];

const BARE_KIND = BARE_KINDS.toSorted((a, b) => b.length - a.length).join('|');
/** A kind at the start or the end of a tag, such as `deploy-failed`, `rollback:true`, and `failed deployment`. */
const WITH_KIND = new RegExp(`^(?:(${BARE_KIND})(?:[\\s:=_.-]+(.*))?|(.*)[\\s:=_.-](${BARE_KIND}))$`, 'is');
const ROLLED_BACK = /\broll(?:ed|ing)?[\s_-]?back\b/gi;
const YES = /^(?:true|yes|1)$/i;
const NO = /^(?:false|no|0)$/i;

/** Names of tags with an outcome, such as `status`, `deploy_status`, and `job.status`. */
const OF_STATUS =
  /^(?:(?:deploy(?:ment)?|release|rollout|rollback|job|pipeline|workflow|run)[\s._-]?)?(?:status|result|outcome|conclusion|state)\s*[:=]\s*/i;
/** Names of tags with a kind, and those that only can have one. */
const OF_KIND = /^(?:change[\s._-]?)?kind\s*[:=]\s*|^change[\s._-]?type\s*[:=]\s*/i;
const MAYBE_OF_KIND = /^(?:(?:deploy(?:ment)?[\s._-]?)?type|event|action|change)\s*[:=]\s*/i;

/** Words for outcomes that mean something else as a tag of their own, such as what has started a pipeline. */
const OTHERWISE_BARE = new Set(['manual', 'scheduled', 'created', 'requested', 'blocked', 'neutral', 'stale']);

/** What the names of tags mean. Dots, hyphens, and blanks in them are underscores. */
const FIELD_TAGS: Readonly<Record<string, string>> = {
  service: 'service',
  service_name: 'service',
  svc: 'service',
  app: 'service',
  application: 'service',
  environment: 'environment',
  environment_name: 'environment',
  env: 'environment',
  env_name: 'environment',
  deployment_environment: 'environment',
  deployment_environment_name: 'environment',
  deploy_environment: 'environment',
  deployment_env: 'environment',
  deploy_env: 'environment',
  target_environment: 'environment',
  target_env: 'environment',
  version: 'version',
  ver: 'version',
  service_version: 'version',
  app_version: 'version',
  release: 'version',
  tag: 'version',
  image_tag: 'version',
  image: 'image',
  commit: 'commit',
  sha: 'commit',
  commit_sha: 'commit',
  git_commit: 'commit',
  git_sha: 'commit',
  revision: 'commit',
  author: 'author',
  // They can have the name of an environment, or another one.
  stage: 'place',
  target: 'place',
  namespace: 'place',
  kubernetes_namespace: 'place',
  k8s_namespace: 'place',
  k8s_namespace_name: 'place',
  cluster: 'place',
};

/**
 * Returns the tags in a string with commas. Several values after one name are values of it, so that none is lost: `env:staging,production`
 * is not one environment.
 */
export function tagsIn(given: string): string[] {
  const [first = '', ...others] = given.split(',').map((tag) => tag.trim());
  const [name] = /^[^:=]+[:=]/.exec(first) ?? [];
  const areValues = name !== undefined && others.every((tag) => !/[:=]/.test(tag) && wordsOf(tag) === undefined);
  return [first, ...(areValues ? others.map((value) => (value === '' ? value : name + value)) : others)];
}

/** Names that must have a value if they are there: without one, something else would be recorded. */
const NEEDED = new Set(['service', 'environment', 'version', 'image']);

/** A commit as Flux writes it, with its branch. */
const FLUX_REVISION = /^[\w./-]+@sha1[:|][0-9a-f]{7,64}$/i;

/** Statuses, in the order in which they count if tags have several. */
export const STATUSES = ['failed', 'cancelled', 'succeeded', 'started'] as const;

/** What a tag says about the kind of a change, and how far it is. `rest`: what else it says. `wrong`: why it cannot be read. */
type Words = { kind?: ChangeKind; status?: Change['status']; rest?: string; wrong?: string };

/** Reads a tag about the kind or the outcome of a change. Undefined: it is about something else. */
export function wordsOf(tag: string): Words | undefined {
  const isOfStatus = OF_STATUS.test(tag);
  const isOfKind = OF_KIND.test(tag);
  const value = [OF_STATUS, OF_KIND, MAYBE_OF_KIND].reduce((text, name) => text.replace(name, ''), tag);
  const read = wordsIn(value, { isOfStatus, isOfKind: isOfKind || MAYBE_OF_KIND.test(tag) });
  if (!isOfStatus && !isOfKind) return read;
  if (isOfStatus && (read?.rest !== undefined || read === undefined)) return { wrong: `${tag}: ${whyNoStatus(value)}` };
  if (read !== undefined) return read;
  return { wrong: `${tag}: the kind is unknown; send one of ${KIND_TAGS.join(', ')}, or another kind of deployments` };
}

function wordsIn(
  value: string,
  { isOfStatus, isOfKind }: Record<'isOfStatus' | 'isOfKind', boolean>,
): Words | undefined {
  const words = value.replaceAll(ROLLED_BACK, 'rollback');
  const whole = isOfKind ? WrittenKind.safeParse(words).data : undefined;
  if (whole !== undefined && !BARE_KINDS.includes(words.toLowerCase())) return { kind: whole };
  const outcome = outcomeIn(words, isOfStatus);
  const [, first, after = '', before = '', last] = WITH_KIND.exec(words) ?? [];
  const kind = WrittenKind.safeParse(first ?? last).data;
  if (kind === undefined) return outcome;
  const more = after || before;
  if (more === '' || YES.test(more)) return { kind, ...outcome };
  const ofMore = outcomeIn(more, false);
  if (ofMore !== undefined) return { kind, ...ofMore };
  const isValue = first !== undefined && words.slice(first.length).trimStart().startsWith(':');
  // That a rollback is possible, as `rollback:enabled` says, is none.
  const isMeant = kind === 'rollback' ? clearestVersions([more]).length > 0 : !NO.test(more);
  return isValue && first?.toLowerCase() !== 'release' && isMeant ? { kind, rest: more } : undefined;
}

/** Reads a word for an outcome. Undefined: it is none. */
function outcomeIn(word: string, isOfStatus: boolean): Words | undefined {
  if (!isOfStatus && OTHERWISE_BARE.has(wordKey(word))) return undefined;
  const { data: status } = WrittenStatus.safeParse(word);
  if (status !== undefined) return { status };
  return outcomeOf(word) === undefined ? undefined : { wrong: whyNoStatus(word) };
}

export const isAlike = (one: string, other: string): boolean => nameKey(one) === nameKey(other);

/** Returns the names without those that differ from an earlier one in nothing but case, character width, and blanks. */
export const distinct = (names: readonly string[], keyOf: (name: string) => string = nameKey): string[] =>
  [...Map.groupBy(names, keyOf).values()].flatMap(([first]) => first ?? []);

/** The image of a tag. `service`: the one of the catalogue whose image it is, or that has its name. */
type Image = { tag: string; service: string | undefined; version: string };

/** Reads the reference of an image, such as `ghcr.io/acme/checkout:v3`. Undefined: it has neither tag nor digest. */
export function imageIn(services: Config['services'], reference: string): Omit<Image, 'tag'> | undefined {
  const { image, tag, digest } = partsOfImage(reference);
  const version = tag ?? digest;
  if (version === undefined) return undefined;
  const owners = Object.entries(services).flatMap(([name, { environments }]) =>
    Object.values(environments).some(({ sources }) => sources?.image?.includes(image)) ? [name] : [],
  );
  return { service: only(owners) ?? looselyNamed(services, image), version };
}

/** Returns the service at the start of a tag, and the version after it, such as `checkout-v3`. */
function releaseIn(services: Config['services'], tag: string): { service: string; version: string } | undefined {
  const [found] = Object.keys(services)
    .toSorted((a, b) => b.length - a.length)
    .flatMap((name) => {
      const version = tag.slice(name.length + 1);
      const isRelease = isAlike(tag.slice(0, name.length), name) && /^[-_/@]/.test(tag.slice(name.length));
      return isRelease && clearestVersions([version]).length > 0 ? [{ service: name, version }] : [];
    });
  return found;
}

/** A service that a tag means, and the version or the environment that the same tag has. */
type MeantService = { tag: string; service: string; version?: string; environment?: string };

/** Returns the service and the environment of a name such as `checkout-staging`. Undefined: it has none. */
export function placeIn(
  services: Config['services'],
  name: string,
  environments: ReadonlySet<string>,
): { service: string; environment: string } | undefined {
  const found = environmentAtEdge(name, environments);
  const service = found && (serviceNamed(services, found.rest) ?? looselyNamed(services, found.rest));
  return service && { service, environment: found.environment };
}

/** Returns the services that tags mean in the clearest form that any tag has. */
export function meantServices(
  services: Config['services'],
  bare: readonly string[],
  images: readonly Image[],
  environments: ReadonlySet<string>,
): readonly MeantService[] {
  const all = (read: (tag: string) => Omit<MeantService, 'tag'> | undefined): MeantService[] =>
    bare.flatMap((tag) => {
      const found = read(tag);
      return found === undefined ? [] : [{ tag, ...found }];
    });
  const named = (service: string | undefined) => (service === undefined ? undefined : { service });
  return (
    [
      all((tag) => named(serviceNamed(services, tag))),
      images.flatMap(({ tag, service }) => (service === undefined ? [] : [{ tag, service }])),
      all((tag) => named(looselyNamed(services, tag))),
      all((tag) => releaseIn(services, tag)),
      all((tag) => placeIn(services, tag, environments)),
    ].find((found) => found.length > 0) ?? []
  );
}

/** What says in a sentence that there is no deploy, or not yet. */
const NEGATED =
  /\b(?:no|not|never|cannot|skip(?:s|ped)?|postponed|blocked|planned|scheduled|upcoming|freeze|frozen)\b|n['\u2019]t\b/i;

/** Reads the name of an event of Graphite. In a sentence, only the words of a kind are clear: it can be a fix of a failed login. */
function wordsOfEvent(what: string): Words[] {
  const text = what.trim();
  const sentence = text
    .replaceAll(ROLLED_BACK, 'rollback')
    .split(/[\s,;:.!]+/)
    // What is deployed can be a revert of something.
    .filter((word, n) => n === 0 || !/^revert/i.test(word))
    .flatMap((word): Words[] => {
      const kind = wordsOf(word)?.kind;
      return kind === undefined ? [] : [{ kind }];
    });
  if (sentence.length === 0 || !NEGATED.test(text)) return [wordsOf(text) ?? {}, ...sentence];
  return [
    {
      wrong: `${JSON.stringify(text.slice(0, 100))} can mean that there is no deploy; name what was done, such as Deployed`,
    },
  ];
}

/** Returns a tag without what CI systems write before the name of a Git tag or a branch. */
const withoutRef = (text: string): string => text.replace(/^refs\/(?:tags|heads)\/(?=.)/, '');

/** Tells tags of the kind and the outcome, tags with a name, images, and others apart. `wrong`: why tags cannot be read. */
export function readTags(services: Config['services'], tags: readonly string[], what = '') {
  const read = tags.map((tag) => ({ tag, words: wordsOf(tag) }));
  const event = what.trim() === '' ? [] : wordsOfEvent(what);
  const wrong = [...read.flatMap(({ words }) => words?.wrong ?? []), ...event.flatMap((words) => words.wrong ?? [])];
  const said = read.flatMap(({ words }) => words ?? []);
  const kinds = new Set((said.some((one) => one.kind !== undefined) ? said : event).map((one) => one.kind));
  const statuses = new Set((said.some((one) => one.status !== undefined) ? said : event).map((one) => one.status));
  const named: [string, string][] = [];
  const images: Image[] = [];
  const bare: string[] = [];
  const empty = new Set<string>();
  for (const { tag, words } of read) {
    const text = words === undefined ? tag : words.rest;
    const isRevision = FLUX_REVISION.test(text ?? '');
    const [, given = '', value = ''] = (isRevision ? null : /^([^:=]+)[:=](.*)$/s.exec(text ?? '')) ?? [];
    const field =
      FIELD_TAGS[
        given
          .trim()
          .toLowerCase()
          .replaceAll(/[\s.-]/g, '_')
      ];
    const image = imageIn(services, field === 'image' ? value.trim() : (text ?? ''));
    if ((given === '' || NEEDED.has(field ?? '')) && isUnset(given === '' ? (text ?? '') : value))
      wrong.push(unsetText(tag));
    else if (isRevision) named.push(['commit', tag]);
    else if (field === 'image' || (field === undefined && image?.service !== undefined)) {
      if (image !== undefined) images.push({ tag, ...image });
      if (image !== undefined && isUnset(image.version)) wrong.push(unsetText(tag));
    } else if (field !== undefined && value.trim() === '') empty.add(field);
    else if (field !== undefined && !isUnset(value)) named.push([field, withoutRef(value.trim())]);
    else if (text !== undefined && given === '') bare.push(withoutRef(text));
  }
  const serviceKey = (name: string): string =>
    serviceNamed(services, name) ?? looselyNamed(services, name) ?? nameKey(name);
  return {
    kind: KINDS.find((kind) => kinds.has(kind)),
    statuses,
    wrong,
    empty,
    named: new Map(
      [...Map.groupBy(named, ([name]) => name)].map(([name, all]) => [
        name,
        distinct(
          all.map(([, value]) => value),
          name === 'service' ? serviceKey : nameKey,
        ),
      ]),
    ),
    images,
    bare: [...new Set(bare)],
  };
}
