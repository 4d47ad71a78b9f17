import type { Config } from '../../../schemas/config/config.ts';
import { type Change, type ChangeKind, WrittenStatus } from '../../../schemas/changes/change.ts';
import { nameKey } from '../access/actor-identity.ts';
import { serviceEntry } from '../catalogue/catalogue.ts';
import { isUsualEnvironment, serviceNamed } from '../catalogue/known-names.ts';
import { repositoryPathOf } from '../catalogue/repositories.ts';
import { partsOfImage } from './images.ts';
import { clearestVersions } from './version-identity.ts';

/** The words that make an annotation a change, and its kind. Of several words, the first one here counts. */
const KINDS = {
  rollback: 'rollback',
  hotfix: 'hotfix',
  release: 'deploy',
  released: 'deploy',
  deployment: 'deploy',
  deployed: 'deploy',
  deploying: 'deploy',
  deploy: 'deploy',
} as const satisfies Record<string, ChangeKind>;
const KIND_WORDS = Object.keys(KINDS) as (keyof typeof KINDS)[];
export const KIND_TAGS = ['deploy', 'deployment', 'release', 'hotfix', 'rollback'];

/** A kind at the start or the end of a tag, such as `deploy-failed`, `rollback:true`, and `failed deployment`. */
const WITH_KIND = new RegExp(
  `^(?:(${KIND_WORDS.join('|')})(?:[\\s:=_.-]+(.*))?|(.*)[\\s:=_.-](${KIND_WORDS.join('|')}))$`,
  'is',
);
const ROLLED_BACK = /\broll(?:ed|ing)?[\s_-]?back\b/gi;
const YES = /^(?:true|yes|1)$/i;
const NO = /^(?:false|no|0)$/i;

/** Names of tags with a kind or an outcome. */
const OF_KIND = /^(?:kind|type|event|action|status|result|outcome|conclusion|state)\s*[:=]\s*/i;

/** What the names of tags mean. */
const FIELD_TAGS: Readonly<Record<string, string>> = {
  service: 'service',
  svc: 'service',
  app: 'service',
  application: 'service',
  environment: 'environment',
  env: 'environment',
  version: 'version',
  release: 'version',
  tag: 'version',
  image: 'image',
  commit: 'commit',
  sha: 'commit',
  commit_sha: 'commit',
  git_commit: 'commit',
  git_sha: 'commit',
  revision: 'commit',
  author: 'author',
};

/** Statuses, in the order in which they count if tags have several. */
export const STATUSES = ['failed', 'cancelled', 'succeeded', 'started'] as const;

/** What a tag says about the kind of a change, and how far it is. `rest`: what else it says. */
type Words = { kind?: keyof typeof KINDS; status?: Change['status']; rest?: string };

/** Reads a tag about the kind or the outcome of a change. Undefined: it is about something else. */
export function wordsOf(tag: string): Words | undefined {
  const words = tag.replace(OF_KIND, '').replaceAll(ROLLED_BACK, 'rollback');
  const { data: status } = WrittenStatus.safeParse(words);
  const [, first, after = '', before = '', last] = WITH_KIND.exec(words) ?? [];
  const kind = KIND_WORDS.find((word) => word === (first ?? last)?.toLowerCase());
  if (kind === undefined) return status && { status };
  const more = after || before;
  const { data: outcome } = WrittenStatus.safeParse(more);
  if (more === '' || YES.test(more)) return { kind, ...(status && { status }) };
  if (outcome !== undefined) return { kind, status: outcome };
  const isNamed = first !== undefined && words.slice(first.length).trimStart().startsWith(':');
  // That a rollback is possible, as `rollback:enabled` says, is none.
  const isMeant = kind === 'rollback' ? clearestVersions([more]).length > 0 : !NO.test(more);
  return isNamed && kind !== 'release' && isMeant ? { kind, rest: more } : undefined;
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

const only = <T>([first, ...more]: readonly T[]): T | undefined => (more.length === 0 ? first : undefined);

/** Returns the service with a repository, or with a name that has other separators, possibly after that of its owner. */
export function looselyNamed(services: Config['services'], name: string): string | undefined {
  const keyOf = (text: string): string => nameKey(text).replaceAll(/[-_.]/g, '');
  const names = Object.keys(services);
  const last = name.slice(name.lastIndexOf('/') + 1);
  return (
    only(
      names.filter((one) => repositoryPathOf(serviceEntry(services, one)?.repository ?? '') === repositoryPathOf(name)),
    ) ??
    serviceNamed(services, last) ??
    only(names.filter((one) => keyOf(one) === keyOf(last)))
  );
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

/** A service that a tag means, and the version that the same tag has. */
type MeantService = { tag: string; service: string; version?: string };

/** Returns the services that tags mean in the clearest form that any tag has. */
export function meantServices(
  services: Config['services'],
  bare: readonly string[],
  images: readonly Image[],
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
    ].find((found) => found.length > 0) ?? []
  );
}

/** Tells tags of the kind and the outcome, tags with a name, images, and others apart. */
export function readTags(services: Config['services'], tags: readonly string[], what = '') {
  const read = tags.map((tag) => ({ tag, words: wordsOf(tag) }));
  const said = read.flatMap(({ words }) => words ?? []);
  // In a sentence, only the words of a kind are clear: it can be a fix of a failed login that was deployed.
  const event = [
    wordsOf(what.trim()) ?? {},
    ...what
      .replaceAll(ROLLED_BACK, 'rollback')
      .split(/[\s,;:.!]+/)
      .map((word): Words => {
        const { status: _, ...words } = wordsOf(word) ?? {};
        return words;
      }),
  ];
  const kinds = new Set((said.some((one) => one.kind !== undefined) ? said : event).map((one) => one.kind));
  const statuses = new Set((said.some((one) => one.status !== undefined) ? said : event).map((one) => one.status));
  const named: [string, string][] = [];
  const images: Image[] = [];
  const bare: string[] = [];
  for (const { tag, words } of read) {
    const text = words === undefined ? tag : words.rest;
    const [, given = '', value = ''] = /^([^:=]+)[:=](.*)$/s.exec(text ?? '') ?? [];
    const name = given.trim().toLowerCase();
    // A stage is one of the pipeline, or an environment.
    const isStage = name === 'stage' && isUsualEnvironment(value.trim());
    const field = isStage ? 'environment' : FIELD_TAGS[name.replaceAll(/[\s-]/g, '_')];
    const image = imageIn(services, field === 'image' ? value.trim() : (text ?? ''));
    if (field === 'image' || (field === undefined && image?.service !== undefined)) {
      if (image !== undefined) images.push({ tag, ...image });
    } else if (field !== undefined && value.trim() !== '') named.push([field, value.trim()]);
    else if (text !== undefined && given === '') bare.push(text);
  }
  const serviceKey = (name: string): string =>
    serviceNamed(services, name) ?? looselyNamed(services, name) ?? nameKey(name);
  const kind = KIND_WORDS.find((word) => kinds.has(word));
  return {
    kind: kind && KINDS[kind],
    status: STATUSES.find((status) => statuses.has(status)),
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
