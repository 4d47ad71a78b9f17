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

/** An annotation as clients of Grafana post it. Times are in milliseconds; 0 is an absent one. */
export type PostedAnnotation = { time: number; timeEnd: number; tags: readonly string[]; text: string };

/** The tags that make an annotation a change, and its kind. Of several tags, the first one here counts. */
const KINDS = {
  rollback: 'rollback',
  hotfix: 'hotfix',
  release: 'deploy',
  deployment: 'deploy',
  deploy: 'deploy',
} as const satisfies Record<string, ChangeKind>;
const KIND_TAGS = Object.keys(KINDS) as (keyof typeof KINDS)[];

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
 * hash beside it is its commit, and others are only shown. Lines `Commit:`, `Author:`, and `Changes:` of its text are fields of it.
 */
export function changeOfAnnotation(
  config: NamingConfig,
  { time, timeEnd, ...rest }: PostedAnnotation,
): AnnotatedChange {
  const { services } = config;
  const seconds = whyInSeconds([time, timeEnd]);
  if (seconds !== undefined) return none(seconds);
  const tags = rest.tags.map((tag) => tag.trim()).filter((tag) => tag !== '');
  const { kindTag, named, bare } = readTags(services, tags);
  if (kindTag === undefined) return none(`no tag is one of ${KIND_TAGS.toReversed().join(', ')}`);
  const ambiguous = ['service', 'version', 'environment'].find((name) => (named.get(name)?.length ?? 0) > 1);
  if (ambiguous !== undefined)
    return none(`several tags are ${ambiguous}:…: ${named.get(ambiguous)?.join(', ')}; send one annotation for each`);
  const one = (name: string): string | undefined => named.get(name)?.[0];
  const listed = bare.filter((tag) => serviceNamed(services, tag) !== undefined);
  const service = one('service') ?? listed[0];
  if (!named.has('service') && new Set(listed.map((tag) => serviceNamed(services, tag))).size > 1)
    return none(`${listed.join(' and ')} are services of the catalogue; send service:NAME`);
  if (service === undefined)
    return none(
      bare.length === 0
        ? 'no tag names the service; send service:NAME, or a tag with its name in the catalogue'
        : `no tag is a service of the catalogue: ${bare.join(', ')}; add it to services.yaml, or send service:NAME`,
    );
  const name = serviceNamed(services, service) ?? service;
  const entry = serviceEntry(services, name);
  const unnamed = bare.filter((tag) => !isAlike(tag, service) && serviceNamed(services, tag) !== name);
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
  const hashes = others.filter(isHash);
  const clearest = distinct(clearestVersions(others), (tag) => spelling(nameKey(tag)));
  // A version that is a commit can be there in short, too.
  const likely = clearest.every(isHash) && isOne(hashes) ? clearest.slice(0, 1) : clearest;
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
  const [commit] = isOne(hashes) ? hashes.toSorted((a, b) => b.length - a.length) : [];
  const { note, onlyLink, fields } = readText(rest.text);
  const parsed = NewChange.safeParse({
    kind: KINDS[kindTag],
    service: name,
    environment: environment ?? byDefault,
    version,
    ...outcomeOf(tags),
    ...(time > 0 && { started_at: timestamp(Math.min(time, timeEnd || time)) }),
    ...(timeEnd > 0 && { finished_at: timestamp(Math.max(time, timeEnd)) }),
    ...(commit !== undefined && commit !== version && { commit: commit.toLowerCase() }),
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

/** Returns how a deploy ended, if its tags say that it did not succeed, such as `failed` or `status:cancelled`. */
function outcomeOf(tags: readonly string[]): { status?: 'failed' | 'cancelled' } {
  for (const tag of tags) {
    const { data } = WrittenStatus.safeParse(tag.replace(/^(?:status|result|outcome|conclusion)\s*:\s*/i, ''));
    if (data === 'failed' || data === 'cancelled') return { status: data };
  }
  return {};
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
  if (word === undefined)
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
  { started_at, url }: Pick<Change, 'started_at' | 'url'>,
  { timeEnd, tags, text }: PostedAnnotation,
): AnnotationPatch {
  const seconds = whyInSeconds([timeEnd]);
  if (seconds !== undefined) return { kind: 'none', why: seconds };
  const { note, onlyLink, fields } = readText(text);
  const parsed = ChangePatch.safeParse({
    ...outcomeOf(tags),
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

/** Tells tags of the kind, tags with a colon, and others apart. `env` and `stage` can stand for `environment`. */
function readTags(services: Config['services'], tags: readonly string[]) {
  const serviceKey = (name: string): string => serviceNamed(services, name) ?? nameKey(name);
  const kinds = tags.map((tag) => tag.toLowerCase());
  const others = tags.filter((_, index) => !KIND_TAGS.some((tag) => tag === kinds[index]));
  const named = others.flatMap((tag): [string, string][] => {
    const colon = tag.indexOf(':');
    const name = tag.slice(0, colon).trim().toLowerCase();
    const value = tag.slice(colon + 1).trim();
    // A stage is one of the pipeline, or an environment.
    const isEnvironment = name === 'env' || (name === 'stage' && isUsualEnvironment(value));
    return colon > 0 && value !== '' ? [[isEnvironment ? 'environment' : name, value]] : [];
  });
  return {
    kindTag: KIND_TAGS.find((tag) => kinds.includes(tag)),
    named: new Map(
      [...Map.groupBy(named, ([name]) => name)].map(([name, all]) => [
        name,
        distinct(
          all.map(([, value]) => value),
          name === 'service' ? serviceKey : nameKey,
        ),
      ]),
    ),
    bare: [...new Set(others.filter((tag) => tag.indexOf(':') <= 0))],
  };
}

/** What marks a line as an item of a list, a quotation, or a heading. */
const ITEM_MARKS = /^(?:(?:[-*+\u2013\u2014]|#{1,6}|\d{1,3}[.)])\s+|[>\u2022\u2023\u25E6\u00B7]\s*)+/;

/** A commit at the start of a line, as `git log --oneline` has it. */
const COMMIT_LINE = /^([0-9a-f]{7,40})(?=[\s:]|$)/;

/** A commit at the start of the line `Commit:`, or at the end of its URL, and what separates it from the rest. */
const COMMIT = /^(?:https?:\/\/\S*\/([0-9a-f]{7,64})(?![0-9a-z])\S*|\W*([0-9a-f]{7,64})(?![0-9a-z]))[-–—:|,.;)\]\s]*/i;

/** What ends a line in HTML, and in plain text. */
const LINE_END =
  /<br\s?\/?>|<\/?(?:p|div|ul|ol|li|h\d|table|t(?:head|body|r|d|h)|d[ltd])(?:\s[^<>]*)?>|\r\n?|[\n\u0085\u2028\u2029]/i;
/** What separates a name from its value in tables and lists of HTML. */
const BEFORE_VALUE = /<\/(?:t[dh]|dt)>\s*<(?:td|dd)(?:\s[^<>]*)?>/gi;
/** Line breaks that a sender has escaped twice. */
const ESCAPED_LINE_END = /\\r\\n|\\[rn]/;

/** A line with a field, without markup. */
const FIELD = /^(commit|author|changes)\s*:[\s:]*(.*)$/is;
/** What separates a field from the text before it on the same line: punctuation, or only a blank if its name is capitalized. */
const BEFORE_FIELD =
  /(?<![\s,;|])(?:\s*[,;|][\s,;|]*(?=(?:[Cc]ommit|[Aa]uthor|[Cc]hanges)\s*:)|\s+(?=(?:Commit|Author|Changes)\s*:))/;

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
  const values = lines.map(({ text }) => FIELD.exec(text)?.[2]);
  const areBelow = values.every((value) => !value);
  const isValue = (name: Line | undefined, { text }: Line): boolean => {
    const field = FIELD.exec(name?.text ?? '')?.[1]?.toLowerCase();
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
  const [, name = '', value = ''] = FIELD.exec(text) ?? [];
  const field = name.toLowerCase();
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

/** Returns the commit that the value of `Commit:` names, and the rest of it. */
function commitIn(value: string): { commit: string; rest: string } | undefined {
  const text = plain(value);
  const found = COMMIT.exec(text);
  const commit = found?.[1] ?? found?.[2];
  if (found !== null && commit !== undefined) return { commit, rest: text.slice(found[0].length) };
  const linked = COMMIT.exec(linkIn(value)?.url ?? '')?.[1];
  return linked === undefined ? undefined : { commit: linked, rest: text };
}

/** Maximum length of a URL that is recorded although no field names it. */
const URL_MAX_CHARS = 2048;

/**
 * Reads the fields in a text, which can be HTML. `Changes:` has a URL, or lines that begin with commits. `onlyLink`: the only link of
 * the rest, such as the run of the pipeline.
 */
function readText(marked: string) {
  const fields: { commit?: string; author?: string; url?: string } = {};
  const commits: { sha: string }[] = [];
  const kept: string[] = [];
  const links = new Set<string>();
  let isInChanges = false;
  for (const { raw, text } of linesOf(marked)) {
    const [, name, value = text] = FIELD.exec(text) ?? [];
    const field = name?.toLowerCase();
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
      const sha = isInChanges ? COMMIT_LINE.exec(shown)?.[1] : undefined;
      if (sha !== undefined && commits.length < COMMITS_MAX) commits.push({ sha });
      if (sha === undefined) for (const part of linkedParts(text)) if (typeof part !== 'string') links.add(part.url);
      if (field !== 'changes' || shown !== '') kept.push(raw);
    }
  }
  const [onlyLink = ''] = links;
  const isUsable = links.size === 1 && onlyLink.length <= URL_MAX_CHARS && URL.canParse(onlyLink);
  return {
    fields: { ...fields, ...(commits.length > 0 && { commits }) },
    ...(isUsable && { onlyLink }),
    note: kept
      .filter((line) => line.trim() !== '')
      .join('\n')
      .slice(0, NOTE_MAX_CHARS)
      .toWellFormed(),
  };
}
