import { decodeHTMLStrict } from 'entities';
import { AUTHOR_MAX_CHARS, type ChangeKind } from '../../../schemas/changes/change.ts';
import { isUnset } from '../../../schemas/parsing/unset.ts';
import { type FieldName, fieldNamed } from './annotation-fields.ts';
import { outcomeOfSentence } from './annotation-sentence.ts';
import { answerIn, isOfStatus, outcomeWordIn, statedOutcome, type Words } from './annotation-words.ts';
import { linkedParts, withoutLinks, withSlackLinks } from './text-links.ts';
import { clearestVersions } from './version-identity.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

/** Maximum length of the part of a text that is kept, in UTF-16 code units. */
const NOTE_MAX_CHARS = 1000;
const COMMITS_MAX = 500;

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

/** What separates a field from the text before it on the same line: punctuation, or only a blank if its name is capitalized. */
const BEFORE_FIELD =
  /(?<![\s,;|])(?:\s*[,;|][\s,;|]*(?=(?:[Cc]ommit|[Aa]uthor|[Cc]hanges|[Vv]ersion|[Ii]mage|[Rr]evision|[Ss]tatus|[Rr]esult|[Oo]utcome|[Ss]tate|[Ee]nv(?:ironment)?|[Nn]amespace|[Tt]arget|[Cc]luster)\s*[:=])|\s+(?=(?:Commit|Author|Changes|Version|Image|Revision|Status|Result|Outcome|State|Env(?:ironment)?|Namespace|Target|Cluster)\s*[:=]))/;

/** Maximum length of the name of a field. */
const NAME_MAX_CHARS = 40;

/** A field of a line. `answer`: what says how something has ended by another word than one for an outcome, such as `Exit code: 1`. */
type Field = { field: FieldName | 'changes' | 'revision' | 'status' | 'answer'; value: string };

/** Returns the field of a line without markup, and its value. */
function fieldIn(text: string): Field | undefined {
  const at = text.search(/[:=]/);
  if (at < 0 || at > NAME_MAX_CHARS) return undefined;
  const name = text.slice(0, at).trim().toLowerCase();
  // A colon can be that of an icon, such as `:x:`.
  const value = text.slice(at + 1).replace(/^(?:[\s=]|:(?!\w+:))+/, '');
  if (name === 'changes' || name === 'revision') return { field: name, value };
  if (isOfStatus(name)) return { field: 'status', value };
  const field = fieldNamed(name);
  if (field !== undefined) return { field, value };
  return answerIn(`${name}:${plain(value)}`) === undefined ? undefined : { field: 'answer', value: plain(value) };
}
const isField = (text: string): boolean => fieldIn(text) !== undefined;

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
    return (escaped.some(({ text }) => isField(text)) ? escaped : [lineOf(line)]).flatMap((part) => {
      const parts = part.text.split(BEFORE_FIELD);
      // Names with a colon in a sentence are no fields.
      const isSplit = parts.length > 1 && (isField(part.text) || parts.some(isSurelyField));
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
    if (field === 'status') return outcomeWordIn(text) !== undefined;
    if (field === 'environment') return /^[\w./-]+$/.test(plain(text));
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
  const { field, value } = fieldIn(text) ?? { field: undefined, value: '' };
  if (field === 'status') return outcomeWordIn(value) !== undefined;
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
export function commitIn(value: string): { commit: string; rest: string } | undefined {
  const text = plain(value);
  const found = COMMIT.exec(text);
  const written = found?.[1] ?? found?.[2];
  const linked = COMMIT.exec(linkIn(value)?.url ?? '')?.[1];
  const commit = written !== undefined && linked?.startsWith(written) === true ? linked : (written ?? linked);
  return commit === undefined ? undefined : { commit, rest: text.slice(found?.[0].length ?? 0) };
}

/** What separates an author from other facts on the same line. */
const AFTER_AUTHOR = /(?<!\s)\s+[|;\u00B7\u2022]\s+|(?<![\s,;|])[\s,;|]*[,;|]\s*$/;

/** Maximum length of a URL that is recorded although no field names it. */
const URL_MAX_CHARS = 2048;

/**
 * Reads the fields in a text, which can be HTML. `Changes:` has a URL, or lines that begin with commits. `onlyLink`: the only link of
 * the rest, such as the run of the pipeline. `stated`: the values of fields that tags can have, too. `said`: what lines such as
 * `Status:`, and the first sentence, say about the outcome.
 *
 * @param kind the kind of the change
 */
export function readText(marked: string, kind: ChangeKind | undefined) {
  const fields: { commit?: string; author?: string; url?: string } = {};
  const stated: Record<'version' | 'image' | 'revision' | 'environment' | 'place' | 'cluster', string[]> = {
    version: [],
    image: [],
    revision: [],
    environment: [],
    place: [],
    cluster: [],
  };
  const said: Words[] = [];
  const commits: { sha: string }[] = [];
  const kept: string[] = [];
  const links = new Set<string>();
  let isInChanges = false;
  let isAfterSentence = false;
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
    } else if (field === 'author') {
      const [author = '', ...more] = plain(value).split(AFTER_AUTHOR);
      if (!isUnset(author)) fields.author = truncated(author.trim(), AUTHOR_MAX_CHARS);
      kept.push(more.join(' | '));
    } else {
      const shown = plain(value);
      const [word = ''] = shown.replace(/^refs\/(?:tags|heads)\/(?=.)/, '').split(/[\s,;|(]/, 1);
      if (field === 'status' && !/^\d|^https?:/.test(shown)) said.push(inText(statedOutcome(shown)));
      if (field === 'answer') said.push(inText(answerIn(text) ?? {}));
      if (field === undefined && !isInChanges && !isAfterSentence) {
        isAfterSentence = true;
        said.push(inText(outcomeOfSentence(shown, kind) ?? {}));
      }
      if (field === 'environment' || field === 'place' || field === 'cluster' || field === 'image')
        stated[field].push(word);
      if (field === 'environment') stated.place.push(...shown.slice(word.length).split(/[\s,;|()]+/));
      if (field === 'version' && clearestVersions([word]).length > 0) stated.version.push(word);
      const revision = field === 'revision' ? commitIn(value)?.commit : undefined;
      if (revision !== undefined) stated.revision.push(revision);
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
    said,
    fields: { ...fields, ...(commits.length > 0 && { commits }) },
    ...(isUsable && { onlyLink }),
    note: truncated(kept.filter((line) => line.trim() !== '').join('\n'), NOTE_MAX_CHARS),
  };
}

const inText = (words: Words): Words =>
  words.wrong === undefined ? words : { wrong: `status in the text: ${words.wrong}` };
