import type { Config } from '../../../schemas/config/config.ts';
import { isUnset, unsetText } from '../../../schemas/parsing/unset.ts';
import { nameKey } from '../access/actor-identity.ts';
import { environmentNamed, looselyNamed, only, serviceNamed } from '../catalogue/known-names.ts';
import { type FieldName, fieldNamed } from './annotation-fields.ts';
import { kindsOfEvent } from './annotation-sentence.ts';
import { KINDS, wordsOf } from './annotation-words.ts';
import { environmentAtEdge, hasEnvironment } from './environment-words.ts';
import { partsOfImage } from './images.ts';
import { clearestVersions, spelling } from './version-identity.ts';

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
const NEEDED: ReadonlySet<string | undefined> = new Set(['service', 'environment', 'version', 'image']);

/** A commit as Flux writes it, with its branch. */
const FLUX_REVISION = /^[\w./-]+@sha1[:|][0-9a-f]{7,64}$/i;

export const isAlike = (one: string, other: string): boolean => nameKey(one) === nameKey(other);

/** Returns the names without those that differ from an earlier one in nothing but case, character width, and blanks. */
export const distinct = (names: readonly string[], keyOf: (name: string) => string = nameKey): string[] =>
  [...Map.groupBy(names, keyOf).values()].flatMap(([first]) => first ?? []);

/** The image of a tag. `service`: the one of the catalogue whose image it is, or that has its name. */
export type Image = { tag: string; service: string | undefined; version: string };

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

/** Returns the service at the start of a tag, possibly after its owner, and the version after it: `checkout-v3`, `@acme/checkout@3.0.1`. */
function releaseIn(services: Config['services'], tag: string): { service: string; version: string } | undefined {
  const release = tag.replace(/^@?[\w.-]+\/(?=[^/]+$)/, '');
  const [found] = Object.keys(services)
    .toSorted((a, b) => b.length - a.length)
    .flatMap((name) =>
      [tag, release].flatMap((text) => {
        const version = text.slice(name.length + 1);
        const isRelease = isAlike(text.slice(0, name.length), name) && /^[-_/@]/.test(text.slice(name.length));
        return isRelease && clearestVersions([version]).length > 0 ? [{ service: name, version }] : [];
      }),
    );
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
  const forms = [
    () => all((tag) => named(serviceNamed(services, tag))),
    () => images.flatMap(({ tag, service }) => (service === undefined ? [] : [{ tag, service }])),
    () => all((tag) => named(looselyNamed(services, tag))),
    () => all((tag) => releaseIn(services, tag)),
    () => all((tag) => placeIn(services, tag, environments)),
  ];
  for (const form of forms) {
    const found = form();
    if (found.length > 0) return found;
  }
  return [];
}

/** Returns a tag without what CI systems write before the name of a Git tag or a branch. */
const withoutRef = (text: string): string => text.replace(/^refs\/(?:tags|heads)\/(?=.)/, '');

/** What panels that show deploys often select annotations by. */
const DEPLOYS = /^(?:deploy(?:ment)?|release|rollout)s$/i;

/** Tells tags of the kind and the outcome, tags with a name, images, and others apart. `wrong`: why tags cannot be read. */
export function readTags(
  services: Config['services'],
  tags: readonly string[],
  environments: ReadonlySet<string>,
  what = '',
) {
  const isName = (text: string): boolean =>
    environmentNamed(text, environments) !== undefined ||
    hasEnvironment(text) ||
    meantServices(services, [text], [], environments).length > 0;
  const read = tags.map((tag) => ({
    tag,
    words: DEPLOYS.test(tag) && !isName(tag) ? { kind: 'deploy' as const } : wordsOf(tag, isName),
  }));
  const event = what.trim() === '' ? [] : kindsOfEvent(what);
  const wrong = [...read.flatMap(({ words }) => words?.wrong ?? []), ...event.flatMap((words) => words.wrong ?? [])];
  const said = read.flatMap(({ words }) => words ?? []);
  const kinds = new Set((said.some((one) => one.kind !== undefined) ? said : event).map((one) => one.kind));
  const outcomes = [...said, ...event].map((one) => one.outcome);
  const named: [FieldName, string][] = [];
  const images: Image[] = [];
  const bare: string[] = [];
  const empty = new Set<FieldName>();
  for (const { tag, words } of read) {
    const text = words === undefined ? tag : words.rest;
    const isRevision = FLUX_REVISION.test(text ?? '');
    const [, given = '', value = ''] = (isRevision ? null : /^([^:=]+)[:=](.*)$/s.exec(text ?? '')) ?? [];
    const field = fieldNamed(given);
    const image = imageIn(services, field === 'image' ? value.trim() : (text ?? ''));
    if ((given === '' || NEEDED.has(field)) && isUnset(given === '' ? (text ?? '') : value)) wrong.push(unsetText(tag));
    else if (isRevision) named.push(['commit', tag]);
    else if (field === 'image' || (field === undefined && image?.service !== undefined)) {
      if (image !== undefined) images.push({ tag, ...image });
      if (image !== undefined && isUnset(image.version)) wrong.push(unsetText(tag));
    } else if (field !== undefined && value.trim() === '') empty.add(field);
    else if (field !== undefined && !isUnset(value)) named.push([field, withoutRef(value.trim())]);
    else if (text !== undefined && given === '') bare.push(withoutRef(text));
  }
  const keyOf = (field: FieldName, value: string): string => {
    if (field === 'service') return serviceNamed(services, value) ?? looselyNamed(services, value) ?? nameKey(value);
    if (field === 'environment') return environmentNamed(value, environments) ?? nameKey(value);
    return field === 'version' ? spelling(nameKey(value)) : nameKey(value);
  };
  return {
    kind: KINDS.find((kind) => kinds.has(kind)),
    outcomes,
    wrong,
    empty,
    named: new Map(
      [...Map.groupBy(named, ([field]) => field)].map(([field, all]) => [
        field,
        distinct(
          all.map(([, value]) => value),
          (value) => keyOf(field, value),
        ),
      ]),
    ),
    images,
    bare: [...new Set(bare)],
  };
}
