import { decodeHTMLStrict } from 'entities';
import type * as z from 'zod';
import type { Config } from '../../../schemas/config/config.ts';
import {
  type Change,
  type ChangeKind,
  ChangePatch,
  NewChange,
  WrittenStatus,
} from '../../../schemas/changes/change.ts';
import { millisOf, timestamp } from '../../../schemas/time/time.ts';
import { repositoryPathOf } from '../catalogue/repositories.ts';
import { partsOfImage } from './images.ts';
import { serviceEntry, unnamedEnvironmentOf } from '../catalogue/catalogue.ts';
import { nameKey } from '../access/actor-identity.ts';
import {
  configuredEnvironments,
  environmentNamed,
  environmentsOf,
  hasUsualEnvironment,
  isUsualEnvironment,
  type NamingConfig,
  serviceNamed,
} from '../catalogue/known-names.ts';
import { linkedParts, withoutLinks, withSlackLinks } from './text-links.ts';
import { clearestVersions, isCommit, isSameCommit, spelling } from './version-identity.ts';

/**
 * An annotation as clients of Grafana post it. Times are in milliseconds; 0 is an absent one. `what`: the name of an event of
 * Graphite, which can have its kind.
 */
export type PostedAnnotation = { time: number; timeEnd: number; tags: readonly string[]; text: string; what?: string };

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
const KIND_TAGS = ['deploy', 'deployment', 'release', 'hotfix', 'rollback'];

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

/** Words that make a tag with the name of an environment one about people or tests. */
const NO_ENVIRONMENT = /^(?:team|ops|bot|tests?|suite|report|ready|approved|passed|verified|platform|tools?)$/i;

/** Times before, in milliseconds, are in seconds: these are of the years before 1973. */
const MILLIS_MIN = 100_000_000_000;

/** Maximum length of the part of a text that is kept, in UTF-16 code units. */
const NOTE_MAX_CHARS = 1000;
const COMMITS_MAX = 500;

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
  const tags = rest.tags.map((tag) => tag.trim()).filter((tag) => tag !== '');
  const { kind, status, named, bare, images } = readTags(services, tags, rest.what);
  if (kind === undefined) return none(`no tag is one of ${KIND_TAGS.join(', ')}`);
  const ambiguous = ['service', 'version', 'environment'].find((name) => (named.get(name)?.length ?? 0) > 1);
  if (ambiguous !== undefined)
    return none(`several tags are ${ambiguous}:…: ${named.get(ambiguous)?.join(', ')}; send one annotation for each`);
  const one = (name: string): string | undefined => named.get(name)?.[0];
  const meant = meantServices(services, bare, images);
  const service = one('service') ?? meant[0]?.service;
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
  const environment = said && (environmentNamed(said, possible) ?? said);
  const byDefault = unnamedEnvironmentOf(entry);
  const environments = Object.keys(entry?.environments ?? {});
  if (environment === undefined && environments.length > 0 && !environments.includes(byDefault ?? ''))
    return none(`${name} has the environments ${environments.join(', ')}; send environment:NAME`);
  const others = unnamed.filter((tag) => !tagged.includes(tag) && !isAlike(tag, said ?? ''));
  const { note, onlyLink, fields, stated: written } = readText(rest.text);
  const hashes = others.filter(isHash);
  const [hash] = isOne(hashes) ? hashes.toSorted((a, b) => b.length - a.length) : [];
  const commit = commitIn(one('commit') ?? '')?.commit ?? hash;
  const clearest = distinct(clearestVersions(others), (tag) => spelling(nameKey(tag)));
  // A version that is a commit can be there in short, too.
  const bareVersions = clearest.every(isHash) && isOne(hashes) ? clearest.slice(0, 1) : clearest;
  const ofImages = distinct(images.filter((image) => (image.service ?? name) === name).map((image) => image.version));
  const [inText] = [written.version ?? [], imageIn(services, written.image ?? '')?.version ?? []].flat();
  const code = commit ?? fields.commit ?? written.revision;
  const likely =
    [ofImages, inText !== undefined && bareVersions.length !== 1 ? [inText] : bareVersions].find(
      (found) => found.length > 0,
    ) ?? (code === undefined ? [] : [code]);
  const elsewhere =
    environment === undefined
      ? others.filter(
          (tag) =>
            isUsualEnvironment(tag) ||
            environmentNamed(tag, configuredEnvironments(config)) !== undefined ||
            (tag !== likely[0] && hasEnvironment(tag)),
        )
      : [];
  const isClear = likely.length === 1 && elsewhere.length === 0;
  const version = one('version') ?? (isClear ? likely[0] : undefined);
  if (version === undefined) {
    const all = `${name}, which has ${[...possible].join(', ')}`;
    return none(whyNoVersion(likely, elsewhere, others, environment === undefined ? all : undefined));
  }
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
  return none(textOf(parsed.error));
}

/** Returns whether a tag is an environment with its region, number, or owner. */
const hasEnvironment = (tag: string): boolean =>
  hasUsualEnvironment(tag) && !tag.split(/[-_./]/).some((part) => NO_ENVIRONMENT.test(part));

/** Statuses, in the order in which they count if tags have several. */
const STATUSES = ['failed', 'cancelled', 'succeeded', 'started'] as const;

/** What a tag says about the kind of a change, and how far it is. `rest`: what else it says. */
type Words = { kind?: keyof typeof KINDS; status?: Change['status']; rest?: string };

/** Reads a tag about the kind or the outcome of a change. Undefined: it is about something else. */
function wordsOf(tag: string): Words | undefined {
  const words = tag.replace(OF_KIND, '').replaceAll(ROLLED_BACK, 'rollback');
  const { data: status } = WrittenStatus.safeParse(words);
  const [, first, after = '', before = '', last] = WITH_KIND.exec(words) ?? [];
  const kind = KIND_WORDS.find((word) => word === (first ?? last)?.toLowerCase());
  if (kind === undefined) return status && { status };
  const more = after || before;
  const { data: outcome } = WrittenStatus.safeParse(more);
  if (more === '' || YES.test(more)) return { kind, ...(status && { status }) };
  if (outcome !== undefined) return { kind, status: outcome };
  const isNamed = words.slice(kind.length).trimStart().startsWith(':');
  return isNamed && kind !== 'release' && !NO.test(more) ? { kind, rest: more } : undefined;
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
  const { note, onlyLink, fields } = readText(text);
  const statuses = new Set(tags.map((tag) => wordsOf(tag)?.status));
  const said = STATUSES.find((one) => statuses.has(one));
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

const isAlike = (one: string, other: string): boolean => nameKey(one) === nameKey(other);

/** Returns the names without those that differ from an earlier one in nothing but case, character width, and blanks. */
const distinct = (names: readonly string[], keyOf: (name: string) => string = nameKey): string[] =>
  [...Map.groupBy(names, keyOf).values()].flatMap(([first]) => first ?? []);

/** The image of a tag. `service`: the one of the catalogue whose image it is, or that has its name. */
type Image = { tag: string; service: string | undefined; version: string };

/** Reads the reference of an image, such as `ghcr.io/acme/checkout:v3`. Undefined: it has neither tag nor digest. */
function imageIn(services: Config['services'], reference: string): Omit<Image, 'tag'> | undefined {
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
function looselyNamed(services: Config['services'], name: string): string | undefined {
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
function meantServices(
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
function readTags(services: Config['services'], tags: readonly string[], what = '') {
  const read = tags.map((tag) => ({ tag, words: wordsOf(tag) }));
  const said = read.flatMap(({ words }) => words ?? []);
  const event = what
    .replaceAll(ROLLED_BACK, 'rollback')
    .split(/[\s,;:.!]+/)
    .flatMap((word) => wordsOf(word) ?? []);
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

/** What marks a line as an item of a list, a quotation, or a heading. */
const ITEM_MARKS = /^(?:(?:[-*+\u2013\u2014]|#{1,6}|\d{1,3}[.)])\s+|[>\u2022\u2023\u25E6\u00B7]\s*)+/;

/** A commit at the start of a line, as `git log --oneline` has it. */
const COMMIT_LINE = /^([0-9a-f]{7,40})(?=[\s:]|$)/;

/** A commit at the start of the line `Commit:`, possibly after its branch as Flux writes it, or at the end of its URL, and what separates it from the rest. */
const COMMIT =
  /^(?:https?:\/\/\S*\/([0-9a-f]{7,64})(?![0-9a-z])\S*|(?:[\w./-]+@sha1[:|])?\W*([0-9a-f]{7,64})(?![0-9a-z]))[-–—:|,.;)\]\s]*/i;

/** What ends a line in HTML, and in plain text. */
const LINE_END =
  /<br\s?\/?>|<\/?(?:p|div|ul|ol|li|h\d|table|t(?:head|body|r|d|h)|d[ltd])(?:\s[^<>]*)?>|\r\n?|[\n\u0085\u2028\u2029]/i;
/** What separates a name from its value in tables and lists of HTML. */
const BEFORE_VALUE = /<\/(?:t[dh]|dt)>\s*<(?:td|dd)(?:\s[^<>]*)?>/gi;
/** Line breaks that a sender has escaped twice. */
const ESCAPED_LINE_END = /\\r\\n|\\[rn]/;

/** A line with a field, without markup. */
const FIELD = /^(commit(?:[ _-]?(?:sha|hash|id))?|author|changes|version|image|revision)\s*[:=][\s:=]*(.*)$/is;
/** What separates a field from the text before it on the same line: punctuation, or only a blank if its name is capitalized. */
const BEFORE_FIELD =
  /(?<![\s,;|])(?:\s*[,;|][\s,;|]*(?=(?:[Cc]ommit|[Aa]uthor|[Cc]hanges|[Vv]ersion|[Ii]mage|[Rr]evision)\s*[:=])|\s+(?=(?:Commit|Author|Changes|Version|Image|Revision)\s*[:=]))/;

/** Returns the field of a line, and its value. */
function fieldIn(text: string): { field: string; value: string } | undefined {
  const [, name, value = ''] = FIELD.exec(text) ?? [];
  return name === undefined ? undefined : { field: name.toLowerCase().replace(/^commit.*/s, 'commit'), value };
}

/** An HTML tag, except of links. The address in `Ada <ada@acme.test>` is none, nor is a link in angle brackets. */
const HTML_TAG = /<\/?(?!a[\s>])[a-z][\w-]*(?:\s[^<>]*|\/)?>/gi;
/** An address as Slack writes it. */
const MAIL_LINK = /<mailto:(?<address>[^\s<>|]+)(?:\|(?<text>[^<>]*))?>/gi;
/** Emphasis and code of Markdown and Slack around words, but not within names and links. */
const EMPHASIS = [
  /(?<![^\s([<|:,;"'*_`])\*{1,3}([^*\s][^*]*)(?<!\s)\*{1,3}(?!\w)/g,
  /(?<![^\s([<|:,;"'*_`])_{1,3}([^_\s][^_]*)(?<!\s)_{1,3}(?!\w)/g,
  /(?<![^\s([<|:,;"'*_`])`{1,3}([^`]+)`{1,3}(?!\w)/g,
];

/** Returns a text without the markup of HTML, Markdown, and Slack. Links of all of them are `<URL|text>`, or `<URL>`. */
function withoutMarkup(marked: string): string {
  const linked = withSlackLinks(marked.replaceAll(HTML_TAG, '')).replaceAll(
    MAIL_LINK,
    (_, address: string, text?: string) => text || address,
  );
  return decodeHTMLStrict(EMPHASIS.reduce((text, pattern) => text.replaceAll(pattern, '$1'), linked)).trim();
}

/** Returns a text without markup in which links have only their text, or their URL if they have none. */
const plain = (text: string): string => withoutLinks(text).trim();

/** A line, and its text without markup. A part of a line has only that. */
type Line = { raw: string; text: string };

/** Returns the lines of a text, also those of HTML, and those that begin with a field on the line of another one. */
function linesOf(marked: string): Line[] {
  const lines = marked.replaceAll(BEFORE_VALUE, ': ').split(LINE_END);
  const read = lines.flatMap((line) => {
    const escaped = line.split(ESCAPED_LINE_END).map(lineOf);
    return (escaped.some(({ text }) => FIELD.test(text)) ? escaped : [lineOf(line)]).flatMap((part) => {
      const parts = part.text.split(BEFORE_FIELD);
      // Names with a colon in a sentence are no fields.
      const isSplit = parts.length > 1 && (FIELD.test(part.text) || parts.some(isSurelyField));
      return isSplit ? parts.map((text) => ({ raw: plain(text), text })) : [part];
    });
  });
  return withValuesBelow(read.filter(({ raw }) => raw.trim() !== ''));
}

const lineOf = (marked: string): Line => ({
  raw: decodeHTMLStrict(marked.trim()),
  text: withoutMarkup(marked).replace(ITEM_MARKS, ''),
});

/**
 * Joins names of fields with values on the next line. An author can be any text, so it is there only if no field of the text has
 * its value beside its name: otherwise, it is empty.
 */
function withValuesBelow(lines: readonly Line[]): Line[] {
  const values = lines.map(({ text }) => fieldIn(text)?.value);
  const areBelow = values.every((value) => !value);
  const isValue = (name: Line | undefined, { text }: Line): boolean => {
    const field = fieldIn(name?.text ?? '')?.field;
    if (field === 'commit') return commitIn(text) !== undefined;
    if (field === 'author') return areBelow;
    return field === 'changes' && linkIn(text)?.before === '' && !COMMIT_LINE.test(plain(text));
  };
  const isJoined = lines.map(
    (line, index) => values[index] === undefined && values[index - 1] === '' && isValue(lines[index - 1], line),
  );
  return lines.flatMap((line, index) => {
    if (isJoined[index + 1] === true) return [];
    return [isJoined[index] === true ? { ...line, text: `${lines[index - 1]?.text} ${line.text}` } : line];
  });
}

/** Returns whether a text is a field with a commit or a link, which no sentence has there. */
function isSurelyField(text: string): boolean {
  const { field, value } = fieldIn(text) ?? { field: '', value: '' };
  return (field === 'commit' && commitIn(value) !== undefined) || (field === 'changes' && linkIn(value)?.before === '');
}

/** Punctuation of the sentence after a link. */
const AFTER_LINK = /^[.,;:!?'")\]]+/;

/** Returns the first link of a text without markup, the text before it, and all the rest. */
function linkIn(text: string): { url: string; before: string; rest: string } | undefined {
  const parts = linkedParts(text);
  const first = parts.findIndex((part) => typeof part !== 'string');
  const found = parts[first];
  if (found === undefined || typeof found === 'string') return undefined;
  const [lead] = parts.slice(0, first);
  const before = typeof lead === 'string' ? lead.trim() : '';
  const after = parts.slice(first + 1).map((part) => (typeof part === 'string' ? part : part.text));
  const rest = `${before} ${after.join('').replace(AFTER_LINK, '')}`.trim();
  return { url: found.url, before, rest: /[\p{L}\d]/u.test(rest) ? rest : '' };
}

/** Returns the commit that the value of `Commit:` names, and the rest of it. A link can have more of its digits. */
function commitIn(value: string): { commit: string; rest: string } | undefined {
  const text = plain(value);
  const found = COMMIT.exec(text);
  const written = found?.[1] ?? found?.[2];
  const linked = COMMIT.exec(linkIn(value)?.url ?? '')?.[1];
  const commit = written !== undefined && linked?.startsWith(written) === true ? linked : (written ?? linked);
  return commit === undefined ? undefined : { commit, rest: text.slice(found?.[0].length ?? 0) };
}

/** Maximum length of a URL that is recorded although no field names it. */
const URL_MAX_CHARS = 2048;

/**
 * Reads the fields in a text, which can be HTML. `Changes:` has a URL, or lines that begin with commits. `onlyLink`: the only link of
 * the rest, such as the run of the pipeline.
 */
function readText(marked: string) {
  const fields: { commit?: string; author?: string; url?: string } = {};
  const stated: { version?: string; image?: string; revision?: string } = {};
  const commits: { sha: string }[] = [];
  const kept: string[] = [];
  const links = new Set<string>();
  let isInChanges = false;
  for (const { raw, text } of linesOf(marked)) {
    const { field, value } = fieldIn(text) ?? { field: undefined, value: text };
    if (field !== undefined) isInChanges = field === 'changes';
    const commit = field === 'commit' ? commitIn(value) : undefined;
    const link = field === 'changes' ? linkIn(value) : undefined;
    if (commit !== undefined) {
      fields.commit = commit.commit.toLowerCase();
      kept.push(commit.rest);
    } else if (link !== undefined) {
      fields.url = link.url;
      kept.push(link.rest);
    } else if (field === 'author') fields.author = plain(value).slice(0, 512).toWellFormed();
    else {
      const shown = plain(value);
      const [word = ''] = shown.split(/[\s,;]/, 1);
      if (field === 'image' || (field === 'version' && clearestVersions([word]).length > 0)) stated[field] ??= word;
      const revision = field === 'revision' ? commitIn(value)?.commit : undefined;
      if (revision !== undefined) stated.revision ??= revision;
      const sha = isInChanges ? COMMIT_LINE.exec(shown)?.[1] : undefined;
      if (sha !== undefined && commits.length < COMMITS_MAX) commits.push({ sha });
      if (sha === undefined) for (const part of linkedParts(text)) if (typeof part !== 'string') links.add(part.url);
      if (field !== 'changes' || shown !== '') kept.push(raw);
    }
  }
  const [onlyLink = ''] = links;
  const isUsable = links.size === 1 && onlyLink.length <= URL_MAX_CHARS && URL.canParse(onlyLink);
  return {
    stated,
    fields: { ...fields, ...(commits.length > 0 && { commits }) },
    ...(isUsable && { onlyLink }),
    note: kept
      .filter((line) => line.trim() !== '')
      .join('\n')
      .slice(0, NOTE_MAX_CHARS)
      .toWellFormed(),
  };
}
