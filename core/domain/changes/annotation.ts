import type * as z from 'zod';
import type { Config } from '../../../schemas/config/config.ts';
import { type Change, type ChangeKind, ChangePatch, NewChange } from '../../../schemas/changes/change.ts';
import { millisOf, timestamp } from '../../../schemas/time/time.ts';
import { serviceEntry, unnamedEnvironmentOf } from '../catalogue/catalogue.ts';
import { catalogueName, environmentsOf, matchingName, type NamingConfig } from '../catalogue/known-names.ts';

/** An annotation as clients of Grafana post it. Times are in milliseconds; 0 is an absent one. */
export type PostedAnnotation = { time: number; timeEnd: number; tags: readonly string[]; text: string };

/** The tags that make an annotation a change, and its kind. Of several tags, the first one here counts. */
const KINDS = {
  rollback: 'rollback',
  hotfix: 'hotfix',
  deployment: 'deploy',
  deploy: 'deploy',
} as const satisfies Record<string, ChangeKind>;
const KIND_TAGS = Object.keys(KINDS) as (keyof typeof KINDS)[];

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
 * environment; the catalogue tells them apart. Lines `Commit:`, `Author:`, and `Changes:` of its text are fields of it.
 */
export function changeOfAnnotation(
  config: NamingConfig,
  { time, timeEnd, ...rest }: PostedAnnotation,
): AnnotatedChange {
  const { services } = config;
  const seconds = whyInSeconds([time, timeEnd]);
  if (seconds !== undefined) return none(seconds);
  const tags = rest.tags.map((tag) => tag.trim()).filter((tag) => tag !== '');
  const { kindTag, named, bare } = readTags(tags);
  if (kindTag === undefined) return none(`no tag is one of ${KIND_TAGS.toReversed().join(', ')}`);
  const ambiguous = ['service', 'version', 'environment'].find((name) => (named.get(name)?.length ?? 0) > 1);
  if (ambiguous !== undefined)
    return none(`several tags are ${ambiguous}:…: ${named.get(ambiguous)?.join(', ')}; send one annotation for each`);
  const one = (name: string): string | undefined => named.get(name)?.[0];
  const listed = bare.filter((tag) => serviceOfTag(services, tag) !== undefined);
  const service = one('service') ?? listed[0];
  if (!named.has('service') && new Set(listed.map((tag) => serviceOfTag(services, tag))).size > 1)
    return none(`${listed.join(' and ')} are services of the catalogue; send service:NAME`);
  if (service === undefined)
    return none(
      `no tag is a service of the catalogue: ${bare.join(', ')}; add it to services.yaml, or send service:NAME`,
    );
  const name = serviceOfTag(services, service) ?? service;
  const entry = serviceEntry(services, name);
  const unnamed = bare.filter((tag) => tag !== service && serviceOfTag(services, tag) !== name);
  const possible = environmentsOf(config, name);
  const tagged = unnamed.filter((tag) => matchingName(tag, possible) !== undefined);
  const stated = one('environment') ?? one('env');
  if (stated === undefined && tagged.length > 1)
    return none(`${tagged.join(' and ')} are environments of the configuration; send environment:NAME`);
  const environment = stated ?? tagged[0];
  const byDefault = unnamedEnvironmentOf(entry);
  const environments = Object.keys(entry?.environments ?? {});
  if (environment === undefined && environments.length > 0 && !environments.includes(byDefault ?? ''))
    return none(`${name} has the environments ${environments.join(', ')}; send environment:NAME`);
  const others = unnamed.filter((tag) => tag !== environment);
  const version = one('version') ?? (others.length === 1 ? others[0] : undefined);
  if (version === undefined && others.length === 0)
    return none('no tag is left for the version, as those with a colon are ignored; send version:VALUE');
  if (version === undefined) {
    const why =
      environment === undefined
        ? `, as none is an environment of ${name}, which has ${[...possible].join(', ')}; send version:VALUE, and environment:NAME if one is the environment`
        : '; send version:VALUE';
    return none(`each of ${others.join(', ')} could be the version${why}`);
  }
  const { note, ...fields } = readText(rest.text);
  const parsed = NewChange.safeParse({
    kind: KINDS[kindTag],
    service: name,
    environment: environment ?? byDefault,
    version,
    ...(time > 0 && { started_at: timestamp(Math.min(time, timeEnd || time)) }),
    ...(timeEnd > 0 && { finished_at: timestamp(Math.max(time, timeEnd)) }),
    ...fields,
  });
  if (parsed.success) return { kind: 'change', change: parsed.data, note, tags };
  return none(textOf(parsed.error));
}

/** What a client changes of an annotation. Empty fields stay. */
export type AnnotationPatch =
  | { kind: 'patch'; patch: ChangePatch; shown: { note?: string; tags?: string[] } }
  | { kind: 'none'; why: string };

/**
 * Returns what a changed annotation adds to the change that it has recorded: its end, and the fields of its text. Start,
 * service, and version stay, whatever the tags are now. An end before the start is of another clock, and becomes the start.
 */
export function patchOfAnnotation(
  { started_at }: Pick<Change, 'started_at'>,
  { timeEnd, tags, text }: PostedAnnotation,
): AnnotationPatch {
  const seconds = whyInSeconds([timeEnd]);
  if (seconds !== undefined) return { kind: 'none', why: seconds };
  const { note, ...fields } = readText(text);
  const parsed = ChangePatch.safeParse({
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

/** Tells tags of the kind, tags with a colon, and others apart. */
function readTags(tags: readonly string[]) {
  const kinds = tags.map((tag) => tag.toLowerCase());
  const others = tags.filter((_, index) => !KIND_TAGS.some((tag) => tag === kinds[index]));
  const named = others.flatMap((tag): [string, string][] => {
    const colon = tag.indexOf(':');
    return colon > 0 ? [[tag.slice(0, colon).trim().toLowerCase(), tag.slice(colon + 1).trim()]] : [];
  });
  return {
    kindTag: KIND_TAGS.find((tag) => kinds.includes(tag)),
    named: new Map(
      [...Map.groupBy(named, ([name]) => name)].map(([name, all]) => [
        name,
        [...new Set(all.map(([, value]) => value))],
      ]),
    ),
    bare: [...new Set(others.filter((tag) => tag.indexOf(':') <= 0))],
  };
}

/** Returns the service with this name, or whose alerts have it in their label `service`; otherwise, the one in another case. */
function serviceOfTag(services: Config['services'], tag: string): string | undefined {
  if (Object.hasOwn(services, tag)) return tag;
  return (
    Object.entries(services).find(([, { match }]) => match?.['service'] === tag)?.[0] ?? catalogueName(services, tag)
  );
}

/** A commit at the start of a line, as `git log --oneline` has it, possibly as a list item. */
const COMMIT_LINE = /^(?:[-*] )?([0-9a-f]{7,40})(?: |$)/;

/** A commit at the start of the line `Commit:`, or at the end of its URL, and what separates it from the rest. */
const COMMIT = /^(?:\W*|https?:\/\/\S*\/)([0-9a-f]{7,64})(?![0-9a-z])\S*[-–—:|\s]*/i;

/** What ends a line in HTML. */
const LINE_END = /<br\s?\/?>|<\/?(?:p|div|ul|ol|li|h\d)(?:\s[^<>]*)?>|\r?\n/i;
/** Line breaks that a sender has escaped twice. */
const ESCAPED_LINE_END = /\\r\\n|\\n/;

const MARKUP = String.raw`(?:<[^<>]+>|\*\*)*`;
const NAMES = 'commit|author|changes';
/** A line with a field, possibly as a list item, with a bold name. */
const FIELD = new RegExp(`^(?:[-*] )?${MARKUP}(${NAMES})${MARKUP}:${MARKUP}(.*)$`, 'i');
/** What separates a field from the one before it on the same line. */
const BEFORE_FIELD = new RegExp(String.raw`(?<![\s,;|]|^[-*])[\s,;|]+(?=${MARKUP}(?:${NAMES})${MARKUP}:)`, 'i');

/** An HTML tag. The address in `Ada <ada@acme.test>` is none. */
const HTML_TAG = /<\/?[a-z][^<>@]*>/gi;

/** Links in HTML and Markdown, and a URL at the start. */
const LINKS = [
  /<a\s[^<>]*href=["']?(?<url>https?:\/\/[^"'\s<>]+)[^<>]*>(?<text>[^<>]*)/i,
  /\[(?<text>[^[\]]*)\]\((?<url>https?:\/\/[^\s()]+)\)/,
  /<(?<url>https?:\/\/[^\s<>|]+)>/,
  /^\s*(?<url>https?:\/\/\S+)/,
];

/** Characters that HTML writes as entities. */
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };
const ENTITY = /&(?:#(\d{2,7})|#x([0-9a-f]{2,6})|([a-z]{2,4}));/gi;

const decoded = (html: string): string =>
  html.replace(ENTITY, (entity, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? entity;
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    return code < 0x20 || code > 0x10_ff_ff ? entity : String.fromCodePoint(code);
  });

const plain = (html: string): string => decoded(html.replaceAll(HTML_TAG, '')).trim();

/** Returns the lines of a text, also those of HTML, and those that begin with a field on the line of another one. */
function linesOf(text: string): string[] {
  return text.split(LINE_END).flatMap((line) => {
    const escaped = line.split(ESCAPED_LINE_END);
    return (escaped.some((part) => FIELD.test(part.trim())) ? escaped : [line]).flatMap((part) => {
      const parts = part.trim().split(BEFORE_FIELD);
      // One word with a colon in a sentence is no field.
      return parts.length > 2 || FIELD.test(part.trim()) ? parts : [part.trim()];
    });
  });
}

/** Returns the first link of a line, and the line without it, or with its text instead. */
function linkIn(line: string): { url: string; without: string; withText: string } | undefined {
  for (const pattern of LINKS) {
    const found = pattern.exec(line);
    if (found === null) continue;
    const [link] = found;
    const { url = '', text = '' } = found.groups ?? {};
    return {
      url: decoded(url),
      without: plain(line.replace(link, '')),
      withText: plain(line.replace(link, () => text)),
    };
  }
  return undefined;
}

/** Returns the commit that a line `Commit:` names, and the rest of the line. */
function commitIn(line: string): { commit: string; rest: string } | undefined {
  const text = plain(line);
  const [start = '', commit] = COMMIT.exec(text) ?? [];
  if (commit !== undefined) return { commit, rest: text.slice(start.length) };
  const link = linkIn(line);
  const linked = link && COMMIT.exec(link.url)?.[1];
  return linked === undefined ? undefined : { commit: linked, rest: link?.withText ?? '' };
}

/** Reads the fields in a text, which can be HTML. `Changes:` has a URL, or lines that begin with commits. */
function readText(text: string) {
  const fields: { commit?: string; author?: string; url?: string } = {};
  const commits: { sha: string }[] = [];
  const kept: string[] = [];
  let isInChanges = false;
  for (const line of linesOf(text)) {
    const [, name, html = line] = FIELD.exec(line) ?? [];
    const field = name?.toLowerCase();
    if (field !== undefined) isInChanges = field === 'changes';
    const commit = field === 'commit' ? commitIn(html) : undefined;
    const link = field === 'changes' ? linkIn(html) : undefined;
    if (commit !== undefined) {
      fields.commit = commit.commit.toLowerCase();
      kept.push(commit.rest);
    } else if (link !== undefined) {
      fields.url = link.url;
      kept.push(link.without);
    } else if (field === 'author') fields.author = plain(html).slice(0, 512).toWellFormed();
    else {
      const value = plain(html);
      const sha = isInChanges ? COMMIT_LINE.exec(value)?.[1] : undefined;
      if (sha !== undefined && commits.length < COMMITS_MAX) commits.push({ sha });
      if (field !== 'changes' || value !== '') kept.push(decoded(line));
    }
  }
  return {
    ...fields,
    ...(commits.length > 0 && { commits }),
    note: kept
      .filter((line) => line.trim() !== '')
      .join('\n')
      .slice(0, NOTE_MAX_CHARS)
      .toWellFormed(),
  };
}
