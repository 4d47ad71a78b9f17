import { type Change, ChangePatch, NewChange } from '../../../schemas/changes/change.ts';
import { millisOf, timestamp } from '../../../schemas/time/time.ts';
import { nameKey } from '../access/actor-identity.ts';
import { serviceEntry, unnamedEnvironmentOf } from '../catalogue/catalogue.ts';
import {
  configuredEnvironments,
  configuredScopes,
  environmentNamed,
  environmentsOf,
  looselyNamed,
  type NamingConfig,
  serviceNamed,
  suggestedName,
  usualEnvironment,
} from '../catalogue/known-names.ts';
import type { FieldName } from './annotation-fields.ts';
import { distinct, type Image, imageIn, isAlike, meantServices, placeIn, readTags, tagsIn } from './annotation-tags.ts';
import { commitIn, readText } from './annotation-text.ts';
import { KIND_TAGS, statusOf, wordsOf } from './annotation-words.ts';
import { environmentsWithin, hasEnvironment } from './environment-words.ts';
import { clearestVersions, isCommit, isMoving, isSameCommit, isStatedVersion, spelling } from './version-identity.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

/**
 * An annotation as clients of Grafana post it. Times are in milliseconds; 0 is an absent one. `what`: the name of an event of
 * Graphite, which can have its kind.
 */
export type PostedAnnotation = { time: number; timeEnd: number; tags: readonly string[]; text: string; what?: string };

/** A package and its version, such as `@acme/checkout@3.0.1`. */
const PACKAGE = /^(@?[^@]+)@(v?\d[^@]*)$/;

/** Times before, in milliseconds, are in seconds: these are of the years before 1973. */
const MILLIS_MIN = 100_000_000_000;

/** `note`: the text without the lines that the change has as fields. `tags`: all of the annotation. */
export type AnnotatedChange =
  | { kind: 'change'; change: NewChange; note: string; tags: string[] }
  | { kind: 'none'; why: string };

/**
 * Returns the change that an annotation records. Its tags name kind, service, and version in any order, and possibly the
 * environment; the catalogue tells them apart. Of the rest, the only one with the clearest form of a version is the version, a
 * hash beside it is its commit, and others are only shown. Lines such as `Commit:`, `Author:`, and `Changes:` of its text are
 * fields of it. An annotation with one time has a start only if it says that the change has started.
 */
export function changeOfAnnotation(
  config: NamingConfig,
  { time, timeEnd, ...rest }: PostedAnnotation,
): AnnotatedChange {
  const { services } = config;
  const seconds = whyInSeconds([time, timeEnd]);
  if (seconds !== undefined) return none(seconds);
  const given = rest.tags.flatMap(tagsIn);
  const tags = given.filter((tag) => tag !== '');
  const everywhere = configuredEnvironments(config);
  const { kind, outcomes, named, bare, images, wrong, empty } = readTags(services, tags, everywhere, rest.what);
  if (kind === undefined && wrong.length === 0)
    return none(`no tag is one of ${KIND_TAGS}, or kind: with another kind of deployments`);
  const { note, onlyLink, fields, stated: written, said: lines } = readText(rest.text, kind);
  const { status, why } = statusOf([...outcomes, ...lines.map(({ outcome }) => outcome)]);
  const [unclear = why] = [...wrong, ...lines.flatMap((line) => line.wrong ?? [])];
  if (unclear !== undefined) return none(unclear);
  const ambiguous = (['service', 'version', 'environment'] as const).find((name) => (named.get(name)?.length ?? 0) > 1);
  if (ambiguous !== undefined)
    return none(`several tags are ${ambiguous}:…: ${named.get(ambiguous)?.join(', ')}; send one annotation for each`);
  const one = (name: FieldName): string | undefined => named.get(name)?.[0];
  const meant = meantServices(services, bare, images, everywhere);
  const placed = one('service');
  const isUnknown =
    placed !== undefined && (serviceNamed(services, placed) ?? looselyNamed(services, placed)) === undefined;
  const place = isUnknown
    ? placeIn(services, placed, everywhere)
    : meant.find((found) => found.environment !== undefined);
  const service = place?.service ?? placed ?? meant[0]?.service;
  if (!named.has('service') && new Set(meant.map((found) => found.service)).size > 1)
    return none(`${meant.map(({ tag }) => tag).join(' and ')} are services of the catalogue; send service:NAME`);
  if (service === undefined)
    return none(
      bare.length === 0
        ? 'no tag names the service; send service:NAME, or a tag with its name in the catalogue'
        : `no tag is a service of the catalogue: ${bare.join(', ')}; add it to services.yaml, or send service:NAME`,
    );
  const name = serviceNamed(services, service) ?? looselyNamed(services, service) ?? service;
  const entry = serviceEntry(services, name);
  const byTags = named.has('service') ? [] : meant;
  const unnamed = bare.flatMap((tag) => {
    const found = byTags.find((other) => other.tag === tag);
    if (found !== undefined) return found.version ?? [];
    const packaged = PACKAGE.exec(tag);
    if (packaged !== null) return (looselyNamed(services, packaged[1] ?? '') === name ? packaged[2] : undefined) ?? [];
    return isAlike(tag, service) || (serviceNamed(services, tag) ?? looselyNamed(services, tag)) === name ? [] : tag;
  });
  const possible = environmentsOf(config, name);
  const tagged = unnamed.filter((tag) => environmentNamed(tag, possible) !== undefined);
  const others = unnamed.filter((tag) => !tagged.includes(tag));
  const hashes = others.filter(isHash);
  const [hash] = isOne(hashes) ? hashes.toSorted((a, b) => b.length - a.length) : [];
  const commit = commitIn(one('commit') ?? '')?.commit ?? hash;
  const clearest = distinct(clearestVersions(others), (tag) => spelling(nameKey(tag)));
  // A version that is a commit can be there in short, too.
  const bareVersions = clearest.every(isHash) && isOne(hashes) ? clearest.slice(0, 1) : clearest;
  const versionsOf = (all: readonly Pick<Image, 'service' | 'version'>[]): string[] =>
    distinct(all.filter((image) => (image.service ?? name) === name).map((image) => image.version));
  const called = one('version');
  const code = commit ?? fields.commit ?? written.revision[0];
  const { likely, isCalledClearly, severalText } = versionIn({
    called,
    ofImages: versionsOf(images),
    inText: distinct(
      [...written.version, ...versionsOf(written.image.flatMap((image) => imageIn(services, image) ?? []))],
      spelling,
    ),
    bare: bareVersions,
    code,
  });
  if (severalText !== undefined) return none(severalText);
  const chosen = isCalledClearly ? called : likely.length === 1 ? likely[0] : called;
  const where = environmentIn(config, {
    service: name,
    stated: [...(named.get('environment') ?? []), ...tagged, ...written.environment],
    ofService: place?.environment,
    places: [...(named.get('place') ?? []), ...written.place],
    clusters: [...(named.get('cluster') ?? []), ...written.cluster],
    version: chosen,
    isEmpty: empty.has('environment') || given.includes(''),
  });
  if (where.why !== undefined) return none(where.why);
  const { environment } = where;
  const elsewhere =
    environment === undefined
      ? others.filter(
          (tag) =>
            usualEnvironment(tag) !== undefined ||
            environmentNamed(tag, everywhere) !== undefined ||
            (tag !== likely[0] && hasEnvironment(tag)),
        )
      : [];
  const isClear = likely.length === 1 && elsewhere.length === 0;
  const version = isCalledClearly ? called : isClear ? likely[0] : called;
  if (version === undefined) {
    const all = `${name}, which has ${[...possible].join(', ')}`;
    return none(whyNoVersion(likely, elsewhere, others, environment === undefined ? all : undefined));
  }
  const byDefault = unnamedEnvironmentOf(entry);
  const environments = Object.keys(entry?.environments ?? {});
  if (environment === undefined && environments.length > 0 && !environments.includes(byDefault ?? ''))
    return none(`${name} has the environments ${environments.join(', ')}; send environment:NAME`);
  const ofVersion = commit ?? (isHash(version) ? version : undefined);
  const isStart = status === 'started';
  const end = Math.max(time, timeEnd);
  const parsed = NewChange.safeParse({
    kind,
    service: name,
    environment: environment ?? byDefault,
    version,
    status,
    ...(time > 0 && (isStart || timeEnd > 0) && { started_at: timestamp(Math.min(time, timeEnd || time)) }),
    ...(end > 0 && !isStart && { finished_at: timestamp(end) }),
    ...(ofVersion !== undefined && { commit: ofVersion.toLowerCase() }),
    ...(one('author') !== undefined && { author: one('author') }),
    url: onlyLink,
    ...fields,
  });
  if (parsed.success) return { kind: 'change', change: parsed.data, note, tags };
  return none(inputProblemText(parsed.error));
}

/**
 * What can be the version of an annotation. `called`: the tag `version:`; `ofImages`: of images in tags; `inText`: of fields of the text;
 * `bare`: of tags without a name; `code`: its commit.
 */
type VersionNames = {
  called: string | undefined;
  ofImages: readonly string[];
  inText: readonly string[];
  bare: readonly string[];
  code: string | undefined;
};

/**
 * Returns what is likely to be the version, and whether the one that a tag names is sure. `severalText`: says which ones contradict each
 * other.
 */
function versionIn({ called, ofImages, inText, bare, code }: VersionNames): {
  likely: readonly string[];
  isCalledClearly: boolean;
  severalText?: string;
} {
  const ofRest = inText.length > 0 && bare.length !== 1 ? inText : bare;
  // A name that moves says less than a version beside it.
  const clear = ofRest.filter((found) => !isMoving(found) && !isHash(found));
  const likely =
    [ofImages.every(isMoving) ? clear : [], ofImages, ofRest].find((found) => found.length > 0) ??
    (code === undefined ? [] : [code]);
  const isCalledClearly = called !== undefined && !(isMoving(called) && clear.length === 1);
  const unnamed = called === undefined && bare.length === 1 ? bare : [];
  const sure = [called ?? [], ofImages, inText, unnamed].flat().filter(isStatedVersion);
  const [one, other] = distinct(sure, spelling);
  if (other === undefined) return { likely, isCalledClearly };
  return { likely, isCalledClearly, severalText: `${one} and ${other} are different versions; send only one of them` };
}

/** What ends a version before its release, which is no environment, although some have this name. */
const PRERELEASE = /[-_.](?:canary|preview|test|int)$/i;

/**
 * What can name the environment of an annotation. `stated`: what says it for certain; `ofService`: the end of the name of the
 * service; `isEmpty`: a tag that can be one has no value.
 */
type EnvironmentNames = {
  service: string;
  stated: readonly string[];
  ofService: string | undefined;
  places: readonly string[];
  clusters: readonly string[];
  version: string | undefined;
  isEmpty: boolean;
};

/** Returns the environment that an annotation names, or why it is not clear. Neither: it names none. */
function environmentIn(
  config: NamingConfig,
  { service, stated, ofService, places, clusters, version, isEmpty }: EnvironmentNames,
): { environment?: string; why?: string } {
  const possible = environmentsOf(config, service);
  const listed = configuredScopes(config).get(service)?.size ?? 0;
  const known = (name: string) => environmentNamed(name, possible);
  const whyUnknown = (name: string) => ({
    why: `${name} is no environment of ${service}, which has ${[...possible].join(', ')}; send environment:NAME`,
  });
  const within = (name: string): string[] =>
    known(name) === undefined ? environmentsWithin(name, possible).map(({ environment }) => environment) : [name];
  const ofPlaces = [...(ofService === undefined ? [] : [ofService]), ...places.flatMap(within)];
  const said = stated.filter((name) => name !== '');
  const isOther = (name: string) => known(name) === undefined && (listed > 0 || suggestedName(name, possible) !== null);
  const foreign = said.find(isOther);
  if (foreign !== undefined) return whyUnknown(foreign);
  const ofVersion = environmentsWithin(version ?? '', possible).flatMap(({ environment, before, after }) => {
    const isEnd =
      (before === '' || after === '') && !(PRERELEASE.test(version ?? '') && known(environment) === undefined);
    return isEnd ? environment : [];
  });
  // What says it for certain is compared only with other names of the service's environments.
  const found =
    said.length > 0
      ? [...said, ...ofPlaces.filter((name) => known(name) !== undefined)]
      : ([ofPlaces, clusters.flatMap(within), ofVersion].find((names) => names.length > 0) ?? []);
  const unknown = found.find((name) => known(name) === undefined);
  if (unknown !== undefined && said.length === 0) return whyUnknown(unknown);
  const [environment, other] = distinct(found.map((name) => known(name) ?? name));
  if (other !== undefined)
    return { why: `${environment} and ${other} are different environments of ${service}; send only one of them` };
  if (environment === undefined && (isEmpty || stated.length > 0) && possible.size > 1)
    return {
      why: `a tag or a line that can be the environment has no value: is a variable of the CI system unset? ${service} has ${[...possible].join(', ')}; send environment:NAME`,
    };
  return environment === undefined ? {} : { environment };
}

/** Returns whether a tag is clearly a commit: digits alone are rather the number of a build, and letters alone a word. */
const isHash = (tag: string): boolean => isCommit(tag) && /[a-f]/i.test(tag) && /\d/.test(tag);

/** Returns whether hashes are the same commit, each possibly shortened. */
function isOne(hashes: readonly string[]): boolean {
  const [first] = hashes;
  return first !== undefined && hashes.every((hash) => isSameCommit(hash, first));
}

/**
 * Returns why the version is not clear.
 *
 * @param likely tags that could be the version
 * @param elsewhere tags that name an environment that the service does not have
 * @param others all tags that are neither the kind, the service, nor its environment
 * @param known the service and its environments, if no tag is one of them
 */
function whyNoVersion(
  likely: readonly string[],
  elsewhere: readonly string[],
  others: readonly string[],
  known: string | undefined,
): string {
  const [word] = others;
  if (word === undefined && likely.length < 2)
    return 'no tag is left for the version, as those with a colon are ignored; send version:VALUE';
  if (likely.length === 0)
    return others.length === 1
      ? `${word} does not look like a version, such as v2.4.1 or a commit; send version:VALUE`
      : `none of ${others.join(', ')} looks like a version, such as v2.4.1 or a commit; send version:VALUE`;
  if (likely.length > 1) {
    const each = `each of ${likely.join(', ')} could be the version`;
    return known === undefined
      ? `${each}; send version:VALUE`
      : `${each}, as none is an environment of ${known}; send version:VALUE, and environment:NAME if one is the environment`;
  }
  const [none, isSo] =
    elsewhere.length === 1
      ? [`${elsewhere.join()} is no`, `if ${elsewhere.join()} is`]
      : [`none of ${elsewhere.join(', ')} is an`, 'if each is'];
  return `${none} environment of ${known}; send environment:NAME, or version:VALUE ${isSo} something else`;
}

/** What a client changes of an annotation. Empty fields stay. */
export type AnnotationPatch =
  | { kind: 'patch'; patch: ChangePatch; shown: { note?: string; tags?: string[] } }
  | { kind: 'none'; why: string };

/**
 * Returns what a changed annotation adds to the change that it has recorded: its end, and the fields of its text. Start,
 * service, and version stay, whatever the tags are now, and so does a URL that no field names. An end before the start is of another clock, and becomes the start.
 */
export function patchOfAnnotation(
  { started_at, status: before, url, kind }: Pick<Change, 'started_at' | 'status' | 'url' | 'kind'>,
  { timeEnd, tags, text }: PostedAnnotation,
): AnnotationPatch {
  const seconds = whyInSeconds([timeEnd]);
  if (seconds !== undefined) return { kind: 'none', why: seconds };
  const { note, onlyLink, fields, said: lines } = readText(text, kind);
  const words = [...tags.flatMap(tagsIn).map((tag) => wordsOf(tag) ?? {}), ...lines];
  const { status: said, why } = statusOf(words.map(({ outcome }) => outcome));
  const unclear = words.find(({ wrong }) => wrong !== undefined)?.wrong ?? why;
  if (unclear !== undefined) return { kind: 'none', why: unclear };
  const status = said === undefined && before === 'started' && timeEnd > 0 ? 'succeeded' : said;
  const parsed = ChangePatch.safeParse({
    ...(status !== undefined && status !== 'started' && { status }),
    ...(url === null && onlyLink !== undefined && { url: onlyLink }),
    ...fields,
    ...(timeEnd > 0 && { finished_at: timestamp(Math.max(timeEnd, millisOf(started_at))) }),
  });
  if (!parsed.success) return { kind: 'none', why: inputProblemText(parsed.error) };
  const shown = { ...(text.trim() !== '' && { note }), ...(tags.length > 0 && { tags: [...tags] }) };
  return { kind: 'patch', patch: parsed.data, shown };
}

/** Returns why a time cannot be one in milliseconds. Undefined: all can. */
function whyInSeconds(times: readonly number[]): string | undefined {
  const seconds = times.find((at) => at > 0 && at < MILLIS_MIN);
  return seconds === undefined ? undefined : `times are in milliseconds, but ${seconds} is in seconds`;
}

const none = (why: string): AnnotatedChange => ({ kind: 'none', why });
