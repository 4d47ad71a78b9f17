import { type Change, type ChangeKind, whyNoStatus, WrittenKind } from '../../../schemas/changes/change.ts';
import { KIND_WORDS, type Outcome, outcomeOf } from '../../../schemas/changes/words.ts';
import { wordKey } from '../../../schemas/parsing/spelled.ts';
import { withoutLinks } from './text-links.ts';
import { clearestVersions } from './version-identity.ts';

/** Kinds of changes that annotations record: of several, the first one here counts. */
export const KINDS: readonly ChangeKind[] = [
  'rollback',
  'flag',
  'config',
  'migration',
  'infrastructure',
  'experiment',
  'hotfix',
  'deploy',
];
/** The words that make an annotation a change without a name before them. */
const BARE_KINDS = ['rollback', 'hotfix', 'deploy', ...Object.keys(KIND_WORDS)].filter((word) =>
  ['rollback', 'hotfix', 'deploy'].includes(WrittenKind.parse(word)),
);
/** The words for kinds that errors list. */
export const KIND_TAGS = 'deploy, deployment, release, rollout, hotfix, rollback, revert';

const BARE_KIND = BARE_KINDS.toSorted((a, b) => b.length - a.length).join('|');
/** A kind at the start or the end of a tag, such as `deploy-failed`, `rollback:true`, and `failed deployment`. */
const WITH_KIND = new RegExp(`^(?:(${BARE_KIND})(?:[\\s:=_.-]+(.*))?|(.*)[\\s:=_.-](${BARE_KIND}))$`, 'is');
/** Who has begun it, as in `auto-rollback`. */
const BEFORE_KIND = new RegExp(`^(?:auto(?:mat(?:ic|ed))?|manual|emergency)[\\s_-]?(?=(?:${BARE_KIND})(?![a-z]))`, 'i');
/** Forms of the word for a rollback. */
export const ROLLED_BACK = /\broll(?:ed|ing)?[\s_-]?back\b/gi;
const YES = /^(?:true|yes|1)$/i;
const NO = /^(?:false|no|0)$/i;

/** Names of tags with an outcome, such as `status`, `deploy_status`, and `job.status`. */
const OF_STATUS =
  /^(?:(?:deploy(?:ment)?|release|rollout|rollback|job|pipeline|workflow|run)[\s._-]?)?(?:status|result|outcome|conclusion|state)\s*[:=]\s*/i;
/** Returns whether a field has an outcome: `Deploy status` and `State`. */
export const isOfStatus = (name: string): boolean => OF_STATUS.test(`${name}:`);
/** Names of tags with a kind, and those that only can have one. */
const OF_KIND = /^(?:change[\s._-]?)?kind\s*[:=]\s*|^change[\s._-]?type\s*[:=]\s*/i;
const MAYBE_OF_KIND = /^(?:(?:deploy(?:ment)?[\s._-]?)?type|event|action|change)\s*[:=]\s*/i;
/** A word for an outcome with its answer, such as `success:false`, and the code with which a program has ended. */
const ANSWERED = /^([^:=]+)[:=]\s*(?:(true|yes)|false|no)$/i;
const EXIT_CODE = /^(?:[\w.-]+[._-])?exit[\s._-]?(?:code|status)\s*[:=]\s*/i;

/** Words for outcomes that mean something else as a tag of their own, such as what has started a pipeline. */
const OTHERWISE_BARE = new Set(['manual', 'scheduled', 'created', 'requested', 'blocked', 'neutral', 'stale']);

/** What a tag says about the kind of a change, and how far it is. `rest`: what else it says. `wrong`: why it cannot be read. */
export type Words = { kind?: ChangeKind; outcome?: Outcome; rest?: string; wrong?: string };

/**
 * Reads a tag about the kind or the outcome of a change. Undefined: it is about something else.
 *
 * @param isName returns whether a text is a name that the catalogue gives a meaning, as in `deploy-staging`
 */
export function wordsOf(tag: string, isName: (text: string) => boolean = () => false): Words | undefined {
  const answer = answerIn(tag);
  if (answer !== undefined) return answer;
  const ofStatus = OF_STATUS.test(tag);
  const ofKind = OF_KIND.test(tag);
  const value = [OF_STATUS, OF_KIND, MAYBE_OF_KIND].reduce((text, name) => text.replace(name, ''), tag);
  const read = wordsIn(value, { ofStatus, ofKind: ofKind || MAYBE_OF_KIND.test(tag) }, isName);
  if (!ofStatus && !ofKind) return read;
  if (ofStatus && (read?.rest !== undefined || read === undefined)) {
    const said = statedOutcome(value);
    return said.wrong === undefined ? said : { wrong: `${tag}: ${said.wrong}` };
  }
  if (read !== undefined) return read;
  return { wrong: `${tag}: the kind is unknown; send one of ${KIND_TAGS}, or another kind of deployments` };
}

/** Reads the value of a status, possibly after an icon and before more text, such as `timed out after 5 minutes`. */
export function statedOutcome(value: string): Words {
  const word = outcomeWordIn(value);
  return (word === undefined ? undefined : outcomeIn(word, true)) ?? { wrong: whyNoStatus(value) };
}

/** Returns the word for an outcome with which a text begins, possibly after an icon: `timed out after 5 minutes`. Undefined: none. */
export function outcomeWordIn(text: string): string | undefined {
  const [first = '', second = '', third = ''] = withoutLinks(text)
    .replaceAll(/:\w+:/g, ' ')
    .replace(/^[^\p{L}]+/u, '')
    .split(/[^\p{L}_-]+/u);
  return [`${first} ${second} ${third}`, `${first} ${second}`, first].find((word) => outcomeOf(word) !== undefined);
}

/** Reads what answers whether, or with which code, something has ended. Undefined: the tag is about something else. */
export function answerIn(tag: string): Words | undefined {
  const code = EXIT_CODE.test(tag) ? tag.replace(EXIT_CODE, '').trim() : undefined;
  if (code !== undefined)
    return /^\d+$/.test(code)
      ? { outcome: /^0+$/.test(code) ? 'succeeded' : 'failed' }
      : { wrong: `${tag}: send a number, or the status` };
  const [, word = '', yes] = ANSWERED.exec(tag) ?? [];
  const said = WITH_KIND.test(word) ? undefined : outcomeIn(word);
  if (said === undefined || yes !== undefined) return said;
  const denied = { succeeded: 'failed', ended: 'started' } as const;
  return said.outcome === 'succeeded' || said.outcome === 'ended' ? { outcome: denied[said.outcome] } : {};
}

function wordsIn(
  value: string,
  { ofStatus, ofKind }: Record<'ofStatus' | 'ofKind', boolean>,
  isName: (text: string) => boolean,
): Words | undefined {
  const words = value.replaceAll(ROLLED_BACK, 'rollback').replace(BEFORE_KIND, '');
  const whole = ofKind ? WrittenKind.safeParse(words).data : undefined;
  if (whole !== undefined && !BARE_KINDS.includes(words.toLowerCase())) return { kind: whole };
  const outcome = outcomeIn(words, ofStatus);
  const [, first, after = '', before = '', last] = WITH_KIND.exec(words) ?? [];
  const kind = WrittenKind.safeParse(first ?? last).data;
  if (kind === undefined) return outcome;
  const more = after || before;
  if (more === '' || YES.test(more)) return { kind, ...outcome };
  const ofMore = outcomeIn(more);
  if (ofMore !== undefined) return { kind, ...ofMore };
  const isValue = first !== undefined && /^\s*[:=]/.test(words.slice(first.length));
  // That a rollback is possible, as `rollback:enabled` says, is none.
  const isMeant = kind === 'rollback' ? clearestVersions([more]).length > 0 : !NO.test(more);
  const hasValue = isValue && first?.toLowerCase() !== 'release' && isMeant;
  return hasValue || (!/[:=]/.test(words) && isName(more)) ? { kind, rest: more } : undefined;
}

/** Reads a word for an outcome. Undefined: it is none. `ofStatus`: it is the value of a status. */
export function outcomeIn(word: string, ofStatus = false): Words | undefined {
  const outcome = !ofStatus && OTHERWISE_BARE.has(wordKey(word)) ? undefined : outcomeOf(word);
  if (outcome === undefined) return undefined;
  return outcome === 'skipped' || outcome === 'waiting' ? { wrong: whyNoStatus(word) } : { outcome };
}

/** Returns the status that outcomes mean, or why they contradict each other. What has ended without a word for how has succeeded. */
export function statusOf(outcomes: readonly (Outcome | undefined)[]): { status?: Change['status']; why?: string } {
  const bad = (['failed', 'cancelled'] as const).find((status) => outcomes.includes(status));
  if (bad !== undefined && outcomes.includes('succeeded'))
    return { why: `succeeded and ${bad} contradict each other; send one of them` };
  if (bad !== undefined) return { status: bad };
  if (outcomes.includes('succeeded') || outcomes.includes('ended')) return { status: 'succeeded' };
  return outcomes.includes('started') ? { status: 'started' } : {};
}
