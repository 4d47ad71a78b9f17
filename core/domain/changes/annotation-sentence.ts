import type { ChangeKind } from '../../../schemas/changes/change.ts';
import { outcomeIn, ROLLED_BACK, type Words, wordsOf } from './annotation-words.ts';

/** What says in a sentence that there is no deploy, or not yet. */
const NEGATED =
  /\b(?:no|not|never|cannot|skip(?:s|ped)?|postponed|blocked|planned|scheduled|upcoming|freeze|frozen)\b|n['\u2019]t\b/i;

const unclearText = (text: string): string =>
  `${JSON.stringify(text.slice(0, 100))} can mean that there is no deploy; name what was done, such as Deployed`;

/** Reads the kind in the name of an event of Graphite. */
export function kindsOfEvent(what: string): Words[] {
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
  return [{ wrong: unclearText(text) }];
}

/** Maximum length of a sentence that is read. */
const SENTENCE_MAX_CHARS = 500;
/** What ends a part of a sentence. Points and colons within versions and addresses are none. */
const CLAUSE_END = /[,;!?()[\]|"]|[.:](?=\s|$)|\s[-\u2013\u2014](?=\s)/;
/** What ends a word. A point within a version is none: the last part of `2.5.0 failed` is no number of failures. */
const WORD_END = /(?:[^\p{L}\p{N}'\u2019_.-]|\.(?!\d))+/u;
/** Words after which a sentence is about something else: `Deploy fix for pods that crash`, `The previous deploy failed`. */
const OF_OTHERS =
  /^(?:fix\w*|bug\w*|that|which|who|when|if|where|why|how|since|because|after|while|previous|last|earlier|add|allow|change|handle|hide|log|make|mark|move|prevent|rename|report|retry|show|treat|update|use)$/i;
/** Words between an outcome and a kind: `Failed to deploy`. */
const BETWEEN = /^(?:to|the|a|an|this|our|during)$/i;
const AUXILIARY = /^(?:is|was|has|have|been|got)$/i;
const PARTICIPLE = /(?:ed|en|un)$/i;
/** Ends of words for an outcome before a kind: `Failed deploy`, `Unsuccessful rollout`, `Successfully deployed`. */
const BEFORE_NOUN = /(?:ed|en|un|ful|fully)$/i;
const WITHOUT = /^(?:without|no|zero|0)$/i;
/** Words after an outcome of the deploy: in others, such as `failed login`, it is one of something else. */
const AFTER_OUTCOME =
  /^(?:after|again|and|at|because|but|by|due|for|from|in|of|on|to|with|within|without|successfully|automatically)$/i;

/**
 * Reads how a deploy ended in a sentence about it, such as `Deploy of checkout failed` and `Deploy was aborted by ada`. Undefined: it says
 * nothing, as `Deploy: fix failed login`.
 *
 * @param change the kind of the change
 */
export function outcomeOfSentence(text: string, change: ChangeKind | undefined): Words | undefined {
  const parts = text
    .slice(0, SENTENCE_MAX_CHARS)
    .replaceAll(ROLLED_BACK, 'rollback')
    .split(CLAUSE_END)
    .map((clause) => clause.split(WORD_END).filter((word) => word !== ''))
    .filter((words) => words.length > 0);
  const clauses = change === 'rollback' ? clausesOfRollback(parts) : parts;
  const kinds = clauses.map((words) => words.findIndex((word) => kindOf(word) !== undefined));
  const hasKind = kinds.some((kind) => kind >= 0);
  const all = clauses.flatMap((words, n) => {
    const kind = kinds[n] ?? -1;
    // `Deploying checkout` can be sent by a step that is the only one to do so.
    const whole = kind < 0 && (hasKind || n === 0) ? outcomeIn(words.join(' ')) : undefined;
    return whole ?? (hasKind ? outcomesOfClause(words, kind) : []);
  });
  const wrong = all.find((words) => words.wrong !== undefined);
  return wrong ?? all.find(({ outcome }) => outcome !== 'started' && outcome !== 'ended') ?? all.at(-1);
}

const kindOf = (word: string): ChangeKind | undefined => (/s$/i.test(word) ? undefined : wordsOf(word)?.kind);

/** Returns the parts of a sentence without those about the deploy that is rolled back: `Rollback: deploy of v42 failed`. */
function clausesOfRollback(clauses: readonly string[][]): string[][] {
  let isReason = false;
  return clauses.filter((words) => {
    const kinds = words.flatMap((word) => kindOf(word) ?? []);
    if (kinds.length > 0) isReason = !kinds.includes('rollback');
    return !isReason;
  });
}

/** Reads the outcomes in a part of a sentence. `kind`: the place of the word for the kind; -1: it is in another part. */
function outcomesOfClause(words: readonly string[], kind: number): Words[] {
  const other = words.findIndex((word) => OF_OTHERS.test(word));
  const end = other < 0 ? words.length : other;
  if (kind > end) return [];
  return words.slice(0, end).flatMap((word, n): Words[] => {
    const two = outcomeIn(`${word} ${words[n + 1]}`);
    const outcome = n === kind ? undefined : (two ?? outcomeIn(word));
    if (outcome === undefined || WITHOUT.test(words[n - 1] ?? '')) return [];
    if (n < kind) {
      const between = words.slice(n + 1, kind);
      const isOfKind =
        between.every((one) => BETWEEN.test(one)) && (BEFORE_NOUN.test(word) || between.includes('during'));
      return isOfKind ? [outcome] : [];
    }
    const next = words[n + (two === undefined ? 1 : 2)];
    const isLast = next === undefined || AFTER_OUTCOME.test(next);
    const isDirect = PARTICIPLE.test(word) && (n === kind + 1 || AUXILIARY.test(words[n - 1] ?? ''));
    const isMeant = kind < 0 ? n === 0 && PARTICIPLE.test(word) && isLast : isDirect || isLast;
    if (!isMeant) return [];
    const isNegated = words.slice(Math.max(kind, 0), n).some((one) => NEGATED.test(one));
    return [isNegated ? { wrong: unclearText(words.join(' ')) } : outcome];
  });
}
