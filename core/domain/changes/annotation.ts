import type * as z from 'zod';
import { type Change, ChangePatch, NewChange, whyNoStatus, WrittenStatus } from '../../../schemas/changes/change.ts';
import { millisOf, timestamp } from '../../../schemas/time/time.ts';
import { nameKey } from '../access/actor-identity.ts';
import { serviceEntry, unnamedEnvironmentOf } from '../catalogue/catalogue.ts';
import {
  configuredEnvironments,
  environmentNamed,
  environmentsOf,
  looselyNamed,
  type NamingConfig,
  serviceNamed,
  suggestedName,
  usualEnvironment,
} from '../catalogue/known-names.ts';
import {
  distinct,
  imageIn,
  isAlike,
  KIND_TAGS,
  meantServices,
  placeIn,
  readTags,
  STATUSES,
  tagsIn,
  wordsOf,
} from './annotation-tags.ts';
import { commitIn, outcomeWordIn, readText } from './annotation-text.ts';
import { environmentAtEdge, hasEnvironment } from './environment-words.ts';
import { clearestVersions, isCommit, isMoving, isSameCommit, spelling } from './version-identity.ts';

/**
 * An annotation as clients of Grafana post it. Times are in milliseconds; 0 is an absent one. `what`: the name of an event of
 * Graphite, which can have its kind.
 */
export type PostedAnnotation = { time: number; timeEnd: number; tags: readonly string[]; text: string; what?: string };

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
  const { kind, statuses, named, bare, images, wrong, empty } = readTags(services, tags, rest.what);
  if (kind === undefined && wrong.length === 0) return none(`no tag is one of ${KIND_TAGS.join(', ')}`);
  const { note, onlyLink, fields, stated: written, statuses: lines } = readText(rest.text);
  const [unclear] = [...wrong, ...lines.flatMap((line) => whyNoOutcome(line) ?? [])];
  if (unclear !== undefined) return none(unclear);
  const ambiguous = ['service', 'version', 'environment'].find((name) => (named.get(name)?.length ?? 0) > 1);
  if (ambiguous !== undefined)
    return none(`several tags are ${ambiguous}:…: ${named.get(ambiguous)?.join(', ')}; send one annotation for each`);
  const one = (name: string): string | undefined => named.get(name)?.[0];
  const everywhere = configuredEnvironments(config);
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
    return isAlike(tag, service) || serviceNamed(services, tag) === name ? [] : tag;
  });
  const possible = environmentsOf(config, name);
  const tagged = unnamed.filter((tag) => environmentNamed(tag, possible) !== undefined);
  const stated = one('environment');
  if (stated === undefined && new Set(tagged.map((tag) => environmentNamed(tag, possible))).size > 1)
    return none(`${tagged.join(' and ')} are environments of the configuration; send environment:NAME`);
  const said = stated ?? tagged[0];
  const others = unnamed.filter((tag) => !tagged.includes(tag) && !isAlike(tag, said ?? ''));
  const hashes = others.filter(isHash);
  const [hash] = isOne(hashes) ? hashes.toSorted((a, b) => b.length - a.length) : [];
  const commit = commitIn(one('commit') ?? '')?.commit ?? hash;
  const clearest = distinct(clearestVersions(others), (tag) => spelling(nameKey(tag)));
  // A version that is a commit can be there in short, too.
  const bareVersions = clearest.every(isHash) && isOne(hashes) ? clearest.slice(0, 1) : clearest;
  const ofImages = distinct(images.filter((image) => (image.service ?? name) === name).map((image) => image.version));
  const [inText] = [written.version ?? [], imageIn(services, written.image ?? '')?.version ?? []].flat();
  const code = commit ?? fields.commit ?? written.revision;
  const ofRest = inText !== undefined && bareVersions.length !== 1 ? [inText] : bareVersions;
  // A name that moves says less than a version beside it.
  const clear = ofRest.filter((found) => !isMoving(found) && !isHash(found));
  const likely =
    [ofImages.every(isMoving) ? clear : [], ofImages, ofRest].find((found) => found.length > 0) ??
    (code === undefined ? [] : [code]);
  const called = one('version');
  const isCalledClearly = called !== undefined && !(isMoving(called) && clear.length === 1);
  const chosen = isCalledClearly ? called : likely.length === 1 ? likely[0] : called;
  const where = environmentIn(config, {
    service: name,
    said,
    place: place?.environment,
    places: named.get('place') ?? [],
    inText: written.environment,
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
  const status = statusIn(statuses, lines);
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
  return none(textOf(parsed.error));
}

/** Returns the status that tags and lines of the text say. Of several, the first of `STATUSES` counts. */
function statusIn(ofTags: ReadonlySet<Change['status'] | undefined>, lines: readonly string[]) {
  const all = new Set([...ofTags, ...lines.map((line) => WrittenStatus.safeParse(outcomeWordIn(line)).data)]);
  return STATUSES.find((status) => all.has(status));
}

/** Returns why the line `Status:` of a text says no outcome of a change. Undefined: it does. */
function whyNoOutcome(line: string): string | undefined {
  const word = outcomeWordIn(line);
  return word !== undefined && WrittenStatus.safeParse(word).success
    ? undefined
    : `status in the text: ${whyNoStatus(word ?? line)}`;
}

/** What ends a version before its release, which is no environment, although some have this name. */
const PRERELEASE = /[-_.](?:canary|preview|test|int)$/i;

/** What can name the environment of an annotation, the surest first; `isEmpty`: a tag that can be one has no value. */
type EnvironmentNames = {
  service: string;
  said: string | undefined;
  place: string | undefined;
  places: readonly string[];
  inText: string | undefined;
  version: string | undefined;
  isEmpty: boolean;
};

/** Returns the environment that an annotation names, or why it is not clear. Neither: it names none. */
function environmentIn(
  config: NamingConfig,
  { service, said, place, places, inText, version, isEmpty }: EnvironmentNames,
): { environment?: string; why?: string } {
  const possible = environmentsOf(config, service);
  const known = (name: string) => environmentNamed(name, possible);
  const whyUnknown = (name: string) =>
    `${name} is no environment of ${service}, which has ${[...possible].join(', ')}; send environment:NAME`;
  const parts = [...places, ...(version === undefined ? [] : [version])].flatMap((name) => {
    const within = environmentAtEdge(name, possible)?.environment;
    if (name === version && PRERELEASE.test(name) && known(within ?? '') === undefined) return [];
    const isWhole = known(name) !== undefined || usualEnvironment(name) !== undefined;
    return (isWhole ? name : within) ?? [];
  });
  if (said !== undefined) {
    const environment = known(said);
    if (environment === undefined && suggestedName(said, possible) !== null) return { why: whyUnknown(said) };
    const other = known(inText ?? '');
    if (environment !== undefined && other !== undefined && other !== environment)
      return { why: `a tag says ${environment}, and the text says ${other}; send environment:NAME of one of them` };
    return { environment: environment ?? said };
  }
  const text = inText === undefined || inText === '' ? [] : [inText];
  const found = [...(place === undefined ? [] : [place]), ...text, ...parts];
  const unknown = found.find((name) => known(name) === undefined);
  if (unknown !== undefined) return { why: whyUnknown(unknown) };
  const [environment, other] = new Set(found.map(known));
  if (other !== undefined)
    return { why: `${environment} and ${other} are environments of ${service}; send environment:NAME` };
  if (environment === undefined && (isEmpty || inText === '') && possible.size > 1)
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
  { started_at, status: before, url }: Pick<Change, 'started_at' | 'status' | 'url'>,
  { timeEnd, tags, text }: PostedAnnotation,
): AnnotationPatch {
  const seconds = whyInSeconds([timeEnd]);
  if (seconds !== undefined) return { kind: 'none', why: seconds };
  const { note, onlyLink, fields, statuses: lines } = readText(text);
  const words = tags.flatMap(tagsIn).map(wordsOf);
  const [unclear] = [
    ...words.flatMap((word) => word?.wrong ?? []),
    ...lines.flatMap((line) => whyNoOutcome(line) ?? []),
  ];
  if (unclear !== undefined) return { kind: 'none', why: unclear };
  const said = statusIn(new Set(words.map((word) => word?.status)), lines);
  const status = said === undefined && before === 'started' && timeEnd > 0 ? 'succeeded' : said;
  const parsed = ChangePatch.safeParse({
    ...(status !== undefined && status !== 'started' && { status }),
    ...(url === null && onlyLink !== undefined && { url: onlyLink }),
    ...fields,
    ...(timeEnd > 0 && { finished_at: timestamp(Math.max(timeEnd, millisOf(started_at))) }),
  });
  if (!parsed.success) return { kind: 'none', why: textOf(parsed.error) };
  const shown = { ...(text.trim() !== '' && { note }), ...(tags.length > 0 && { tags: [...tags] }) };
  return { kind: 'patch', patch: parsed.data, shown };
}

/** Returns why a time cannot be one in milliseconds. Undefined: all can. */
function whyInSeconds(times: readonly number[]): string | undefined {
  const seconds = times.find((at) => at > 0 && at < MILLIS_MIN);
  return seconds === undefined ? undefined : `times are in milliseconds, but ${seconds} is in seconds`;
}

const textOf = ({ issues }: Pick<z.ZodError, 'issues'>): string =>
  issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');

const none = (why: string): AnnotatedChange => ({ kind: 'none', why });
