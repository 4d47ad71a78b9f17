import { probablyMeant, theOneCalled } from '../../freeze/place-names.ts';
import { type Duration, durationIn, innerDuration, leadingDuration, trailingDuration } from './duration.ts';
import { plainText } from './text.ts';
import type { Form, Given, CommandRequest, Wrong } from './wanted.ts';

/** Maximum number of uses, as in `POST /v1/freezes/{id}/overrides`. */
const USES_MAX = 1000;

export const FREEZE: readonly Form[] = [
  {
    verb: 'status',
    also: ['list', 'show', 'check'],
    usage: 'status [SERVICE]',
    says: 'show freezes and their reasons',
    read: status,
  },
  {
    verb: 'open',
    also: ['start', 'add', 'on', 'begin'],
    usage: 'open SERVICE|TEAM [ENVIRONMENT] [2h] REASON',
    says: 'freeze deploys; without a duration, until the freeze is lifted',
    named: ['reason', 'for', 'duration', 'env', 'environment', 'service', 'team'],
    read: open,
  },
  {
    verb: 'lift',
    also: ['close', 'end', 'stop', 'off', 'remove', 'thaw', 'unfreeze', 'release'],
    usage: 'lift ID|SERVICE REASON',
    says: 'lift a freeze',
    named: ['reason'],
    read: lift,
  },
  {
    verb: 'override',
    also: ['except', 'allow', 'exception'],
    usage: 'override ID REASON [uses=1] [2h]',
    says: 'let a deploy through a freeze',
    named: ['reason', 'uses', 'for', 'duration', 'version'],
    read: override,
  },
];

/** The implied subcommand for input such as `/freeze checkout 2h load test`. */
export const impliedFreeze: Form | undefined = FREEZE.find(({ verb }) => verb === 'open');

function status({ words, from }: Given): CommandRequest | Wrong {
  const [service] = words;
  if (words.length > 1) return { wrong: 'too many arguments: expected one service', instead: service ?? '' };
  return { act: 'freeze_status', service: service === undefined ? null : from(0) };
}

const durationNamed = (named: Given['named']): string | undefined =>
  named.get('for') || named.get('duration') || undefined;

const reasonOf = (...parts: (string | null | undefined)[]): string | null =>
  plainText(parts.filter(Boolean).join(' ')) || null;

function open(given: Given): CommandRequest | Wrong {
  const { named, words } = given;
  const team = named.get('team');
  const byName = named.get('service') || (team && `team:${team}`) || undefined;
  const rest = byName !== undefined || isOfAll(given) ? 0 : 1;
  const targets = (byName ?? (rest === 0 ? '' : (words[0] ?? ''))).split(',').filter(Boolean);
  const { environment, at } = environmentAt(given, rest, targets);
  const { duration, reason } = withDuration(given, at);
  const what = [targets.join(',') || 'env=', environment].filter(Boolean).join(targets.length === 0 ? '' : ' ');
  if (duration !== undefined && 'wrong' in duration)
    return {
      wrong: `${duration.wrong}. If it is part of the reason, write reason="…"`,
      instead: `${what} 2h …`,
    };
  const inner =
    duration === undefined && named.get('reason') === undefined ? innerDuration(words.slice(at)) : undefined;
  if (inner !== undefined)
    return {
      wrong: `"${inner}" is in the middle of the reason. If it is the duration, write it before the reason; otherwise, write reason="…"`,
      instead: `${what} ${inner} …`,
    };
  return {
    act: 'freeze_open',
    targets,
    environment,
    seconds: duration?.seconds ?? null,
    reason: reasonOf(named.get('reason'), reason),
  };
}

/**
 * Returns the named environment, else the word after the targets if it is one of their environments, resembles one, or
 * stands alone before a duration. Whether the environment exists is checked when the freeze opens. `at`: index of the
 * remaining words.
 */
function environmentAt(
  { named, words, environmentsOf }: Given,
  at: number,
  targets: readonly string[],
): { environment: string | null; at: number } {
  const told = named.get('environment') || named.get('env');
  if (told) return { environment: told, at };
  const none = { environment: null, at };
  const word = words[at];
  if (word === undefined || targets.length === 0 || leadingDuration(words.slice(at)) !== undefined) return none;
  const known = targets.flatMap((target) => environmentsOf(target.replace(/^team:/, '')) ?? []);
  const environment = theOneCalled(word, known);
  if (environment !== undefined) return { environment, at: at + 1 };
  const isMeant = probablyMeant(word, known) !== null || leadingDuration(words.slice(at + 1)) !== undefined;
  return isMeant ? { environment: word, at: at + 1 } : none;
}

/** Recognizes `env=production 2h …`, which covers an entire environment, if no service can be meant. */
function isOfAll({ words, named, begins }: Given): boolean {
  const hasEnvironment = Boolean(named.get('environment') || named.get('env'));
  if (!hasEnvironment) return false;
  return words.length === 0 || ((begins ?? '').startsWith('env') && leadingDuration(words) !== undefined);
}

/** Returns the named duration, else the one before the reason, else the one after it, with the remaining reason. */
function withDuration({ words, named, from }: Given, at: number): { duration?: Duration; reason: string | null } {
  const told = durationNamed(named);
  if (told !== undefined) return { duration: durationIn(told), reason: from(at) };
  const leading = leadingDuration(words.slice(at));
  if (leading !== undefined) return { duration: leading.duration, reason: from(at + leading.words) };
  const trailing = trailingDuration(words.slice(at));
  if (trailing === undefined) return { reason: from(at) };
  return { duration: trailing.duration, reason: from(at, words.length - trailing.words) };
}

function lift({ words, named, from }: Given): CommandRequest | Wrong {
  const [freeze] = words;
  if (freeze === undefined)
    return { wrong: 'the freeze is missing: name it by its ID or its service', instead: 'ID REASON' };
  const reason = reasonOf(named.get('reason'), from(1));
  return reason === null
    ? { wrong: 'the reason is missing; it is kept on record', instead: `${freeze} REASON` }
    : { act: 'freeze_lift', freeze, reason };
}

function override(given: Given): CommandRequest | Wrong {
  const { words, named } = given;
  const freeze = words[0] ?? null;
  const uses = named.get('uses');
  const instead = `${freeze ?? 'ID'} REASON uses=1 2h`;
  const { duration, reason } = withDuration(given, 1);
  if (duration !== undefined && 'wrong' in duration) return { wrong: duration.wrong, instead };
  if (uses !== undefined && !(Number.isInteger(Number(uses)) && Number(uses) >= 1 && Number(uses) <= USES_MAX))
    return { wrong: `"${uses}" is not a valid number of deploys: use a whole number from 1 to ${USES_MAX}`, instead };
  return {
    act: 'freeze_override',
    freeze,
    reason: reasonOf(named.get('reason'), reason),
    uses: uses === undefined ? null : Number(uses),
    seconds: duration?.seconds ?? null,
    version: named.get('version') || null,
  };
}
