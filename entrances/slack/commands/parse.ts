import { leadingDuration } from '../../../core/domain/slack/commands/duration.ts';
import { numberInAddress } from '../../../core/domain/incidents/incident-number.ts';
import { incidentNamed, type NamedIncident, referenceWords } from '../../../core/domain/slack/commands/reference.ts';
import { namedArgumentsIn, plainText, withoutLinks, wordsOf } from '../../../core/domain/slack/commands/text.ts';
import { nearest } from '../../../schemas/parsing/similar-names.ts';
import { type ActionRequest, TYPED, type TypedAction } from './lookup.ts';
import { type CommandName, COMMANDS, type EnvironmentsOf, type CommandArguments, type UsageError } from './verb.ts';

export type Parsed =
  | {
      kind: 'request';
      /** May lack arguments, for which a dialog asks. */
      request: ActionRequest;
      /** The incident that the command refers to. Null: the one of the channel in which it was typed, or none. */
      incident: NamedIncident | null;
      /** The command without the incident reference, as it would be typed. */
      typed: { verb: string; rest: string };
    }
  | { kind: 'help'; command: CommandName }
  /** `nearest`: the command that was probably meant, as it would be typed. */
  | { kind: 'usage'; because: string; nearest: string | null; command: CommandName | null };

const HELP = new Set(['help', '?', '-h', '--help', 'usage']);

/**
 * Parses a slash command.
 *
 * @param typed command with its slash: `/incident`, or `/acme-incident` if another app has that name
 * @param text text as sent by Slack, with mentions and escapes
 */
export function parseCommand(typed: string, text: string, environmentsOf: EnvironmentsOf = () => undefined): Parsed {
  const command = COMMANDS.find((name) => typed === `/${name}` || typed.endsWith(`-${name}`));
  if (command === undefined)
    return { kind: 'usage', because: `${typed} is not a Firebreak command`, nearest: null, command: null };
  return command === 'firebreak' ? parseRoot(typed, text, environmentsOf) : parse(command, typed, text, environmentsOf);
}

/** Parses the root command: `/firebreak freeze …` as `/freeze …`, and `/firebreak note …` as `/incident note …`. */
function parseRoot(typed: string, text: string, environmentsOf: EnvironmentsOf): Parsed {
  const { first, rest } = split(text);
  const other = COMMANDS.find((name) => name === first);
  if (other === 'firebreak') return parseRoot(typed, rest, environmentsOf);
  if (other !== undefined) return parse(other, `${typed} ${other}`, rest, environmentsOf);
  if (first === '' || HELP.has(first)) return { kind: 'help', command: 'firebreak' };
  if (verbNamed(TYPED.firebreak, first) !== undefined) return parse('firebreak', typed, text, environmentsOf);
  if (verbNamed(TYPED.incident, first) !== undefined)
    return parse('incident', `${typed} incident`, text, environmentsOf);
  const suggestion = nearest(first, [...COMMANDS, ...namesOf(TYPED.firebreak), ...namesOf(TYPED.incident), HELP_VERB]);
  if (suggestion === HELP_VERB) return helpMeant('firebreak', typed, first);
  return usageError('firebreak', unknownVerb(first), suggestion && `${typed} ${suggestion} ${plainText(rest)}`);
}

const HELP_VERB = 'help';

const unknownVerb = (first: string): string => `unknown subcommand "${first}"`;

const helpMeant = (command: CommandName, typed: string, first: string): Parsed =>
  usageError(command, unknownVerb(first), `${typed} ${HELP_VERB}`);

function parse(command: CommandName, typed: string, text: string, environmentsOf: EnvironmentsOf): Parsed {
  const verbs = TYPED[command];
  const { first, rest } = split(text);
  if (HELP.has(first) && (rest === '' || verbNamed(verbs, rest.toLowerCase()) !== undefined))
    return { kind: 'help', command };
  const [only] = verbs;
  if (verbs.length === 1 && only !== undefined) return parseArguments(command, typed, only, text, environmentsOf);
  const reordered = command === 'incident' ? verbBeforeIncident(text) : undefined;
  if (reordered !== undefined) return parse(command, typed, reordered, environmentsOf);
  const verb = first === '' ? withoutVerb(command) : verbNamed(verbs, first);
  if (verb !== undefined) return parseArguments(command, `${typed} ${verb.name}`, verb, rest, environmentsOf);
  if (first === '') return { kind: 'help', command };
  const suggestion = nearestVerb(verbs, first);
  if (suggestion === HELP_VERB) return helpMeant(command, typed, first);
  if (suggestion !== null)
    return unknownVerbWithSuggestion(command, typed, first, `${suggestion} ${rest}`, environmentsOf);
  const implied = command === 'freeze' && hasDurationOrReason(rest) ? verbNamed(verbs, 'open') : undefined;
  if (implied !== undefined) return parseArguments(command, `${typed} open`, implied, text, environmentsOf);
  return usageError(
    command,
    unknownVerb(first),
    `${typed} ${command === 'incident' ? 'declare' : 'open'} ${plainText(text)}`,
  );
}

/**
 * Rewrites `#incident-1 resolve …` as `resolve #incident-1 …`, and `1 resolve …` as `resolve INC-1 …`; alone, it asks for the
 * status. Undefined: other text.
 */
function verbBeforeIncident(text: string): string | undefined {
  const [named] = wordsOf(text);
  if (named === undefined) return undefined;
  const number = numberInAddress(named.text.replace(/^#/, '').replace(/[.,:;!)]+$/, ''));
  const reference = number === undefined ? named.text : `INC-${number}`;
  if (incidentNamed(reference) === undefined) return undefined;
  const { first, rest } = split(text.trimStart().slice(named.text.length));
  if (first === '') return `status ${reference}`;
  return verbNamed(TYPED.incident, first)?.ofIncident === true ? `${first} ${reference} ${rest}` : undefined;
}

/** Returns the usage error for an unknown subcommand. The suggestion corrects the subcommand and, if possible, its arguments. */
function unknownVerbWithSuggestion(
  command: CommandName,
  typed: string,
  first: string,
  text: string,
  environmentsOf: EnvironmentsOf,
): Parsed {
  const corrected = parse(command, typed, text, environmentsOf);
  const suggestion =
    corrected.kind === 'usage' && corrected.nearest !== null ? corrected.nearest : `${typed} ${plainText(text)}`;
  return usageError(command, unknownVerb(first), suggestion);
}

/** Returns the verb of a command without a subcommand: `/incident` alone declares an incident. */
const withoutVerb = (command: CommandName): TypedAction | undefined =>
  command === 'incident' ? verbNamed(TYPED.incident, 'declare') : undefined;

/** Returns whether the text contains a duration or a reason, which only occurs when opening a freeze. */
const hasDurationOrReason = (rest: string): boolean =>
  /(?:^|\s)reason=/i.test(rest) ||
  wordsOf(rest).some((_, at, words) => isDuration(words.slice(at).map(({ text }) => text)));

function isDuration(words: readonly string[]): boolean {
  const found = leadingDuration(words);
  return found !== undefined && 'seconds' in found.duration;
}

function parseArguments(
  command: CommandName,
  typed: string,
  verb: TypedAction,
  text: string,
  environmentsOf: EnvironmentsOf,
): Parsed {
  const parsed = (rest: string): object | UsageError => verb.parse(givenArguments(verb, rest, environmentsOf));
  const isText = (rest: string): boolean => {
    const answer = parsed(rest);
    return !('error' in answer) && (verb.freeText?.(answer) ?? null) !== null;
  };
  const { incident, rest } = verb.ofIncident === true ? splitIncident(text, isText) : { incident: null, rest: text };
  if (HELP.has(rest.toLowerCase())) return { kind: 'help', command };
  const answer = parsed(rest);
  const number = incident === null && verb.ofIncident === true ? numberBefore(rest) : undefined;
  if (number !== undefined && ('error' in answer || HAVE_INCIDENT_OR_NOTE.has(verb.act)))
    return usageError(
      command,
      'error' in answer
        ? answer.error
        : `"${number.written}" is not a reference, such as INC-2; to begin a note with it, write it in quotation marks`,
      `${typed} ${number.asReference}`,
    );
  if (!('error' in answer))
    return {
      kind: 'request',
      request: { act: verb.act, ...answer },
      incident,
      typed: { verb: typed, rest: plainText(rest) },
    };
  if (answer.suggestion === null) return usageError(command, answer.error, null);
  const suggestion = answer.suggestion === undefined ? verb.usage.replace(/^\S+ ?/, '') : answer.suggestion;
  const named = incident === null ? '' : referenceWords(incident);
  return usageError(command, answer.error, `${typed} ${named} ${suggestion}`);
}

/** Verbs that change the state of an incident, after which a number can be that of an incident, or begin the note. */
const HAVE_INCIDENT_OR_NOTE: ReadonlySet<string> = new Set(['resolve', 'reopen']);

/** What can be meant as `INC-2`: `#2`, `2:`, `inc 2`, `[INC-2]`, `incident 2`, but not `2 pods`, `5xx`, or `10:30`. */
const LIKE_REFERENCE =
  /^\W{0,3}(?:(?:inc|incident)\W{0,3}|#)0*[1-9]\d{0,8}(?!\w)\W?|^\(?0*[1-9]\d{0,8}(?:[:,)!?]+(?!\d)|\.?$)/i;

/** Returns what is like a reference at the start of a text, and the text with a reference in its place. Undefined: nothing. */
function numberBefore(text: string): { written: string; asReference: string } | undefined {
  const plain = plainText(text);
  const [written] = LIKE_REFERENCE.exec(plain) ?? [];
  const rest = plain.slice(written?.length).trim();
  return written === undefined
    ? undefined
    : { written: written.trim(), asReference: `INC-${Number(/\d+/.exec(written)?.[0])} ${rest}` };
}

/**
 * Parses the incident reference in the first or the last word, and the remaining text.
 *
 * @param isText whether a text has words of the person, such as a note, so that a reference after it is part of it
 */
function splitIncident(
  text: string,
  isText: (before: string) => boolean,
): { incident: NamedIncident | null; rest: string } {
  const words = wordsOf(text);
  const [first, last] = [words[0], words.at(-1)];
  const incident = first && incidentNamed(first.text);
  if (first && incident) return { incident, rest: text.slice(first.at + first.text.length).trim() };
  const atEnd = last && incidentNamed(last.text);
  const before = text.slice(0, last?.at).trim();
  return atEnd === undefined || isText(before) ? { incident: null, rest: text } : { incident: atEnd, rest: before };
}

function givenArguments(verb: TypedAction, text: string, environmentsOf: EnvironmentsOf): CommandArguments {
  const { line, named } = namedArgumentsIn(text, verb.named ?? []);
  const words = wordsOf(line, verb);
  return {
    words: words.map(({ text: word }) => (/^<[@#!]/.test(word) ? word : plainText(withoutLinks(word)))),
    named,
    firstNamed: verb.named?.find((name) => text.trimStart().toLowerCase().startsWith(`${name}=`)) ?? null,
    textFrom: (index, before = words.length) => {
      const word = words[index];
      if (word === undefined || index >= before) return null;
      // A fully quoted argument is the text between the quotes.
      const rest = before === index + 1 ? word.text : line.slice(word.at, words[before]?.at);
      return plainText(rest) || null;
    },
    environmentsOf,
  };
}

function split(text: string): { first: string; rest: string } {
  const [, first = '', rest = ''] = /^\s*(\S*)\s*([\s\S]*)$/.exec(text) ?? [];
  return { first: first.toLowerCase(), rest: rest.trimEnd() };
}

const verbNamed = (verbs: readonly TypedAction[], word: string): TypedAction | undefined =>
  verbs.find(({ name, aliases = [] }) => name === word || aliases.includes(word));

/** Minimum length of an alias to be suggested: a service name could be mistaken for a misspelled short alias. */
const ALIAS_MIN_CHARS = 8;

/** Returns the subcommand that was probably meant; null: none is similar. */
function nearestVerb(verbs: readonly TypedAction[], word: string): string | null {
  const aliases = verbs.flatMap((verb) => verb.aliases ?? []).filter(({ length }) => length >= ALIAS_MIN_CHARS);
  const suggestion = nearest(word, [...namesOf(verbs), HELP_VERB, ...aliases]);
  return suggestion === null ? null : (verbNamed(verbs, suggestion)?.name ?? suggestion);
}

const namesOf = (verbs: readonly TypedAction[]): string[] => verbs.map(({ name }) => name).filter(Boolean);

const usageError = (command: CommandName, because: string, suggestion: string | null): Parsed => ({
  kind: 'usage',
  because,
  nearest: suggestion?.trim().replaceAll(/\s+/g, ' ') ?? null,
  command,
});

/** Returns all verbs of a command as typed; for the root, those of all commands. */
export function helpOf(command: CommandName): { typed: string; description: string }[] {
  const listed = (name: CommandName) =>
    TYPED[name].map(({ usage, description }) => ({ typed: `/${name} ${usage}`, description }));
  return command === 'firebreak' ? COMMANDS.flatMap(listed) : listed(command);
}
