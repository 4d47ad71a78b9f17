import { durationIn, plainText } from './text.ts';
import type { Form, Given, Wanted, Wrong } from './wanted.ts';

/** As `POST /v1/freezes/{id}/overrides` takes. */
const USES_MAX = 1000;

export const FREEZE: readonly Form[] = [
  {
    verb: 'status',
    also: ['list', 'show', 'check'],
    usage: 'status [SERVICE]',
    says: 'what is frozen, and why',
    read: status,
  },
  {
    verb: 'open',
    also: ['start', 'add', 'on', 'begin'],
    usage: 'open SERVICE|TEAM [2h] REASON',
    says: 'hold deploys back; without a duration until it is lifted',
    named: ['reason', 'for', 'duration', 'env', 'environment', 'service', 'team'],
    read: open,
  },
  {
    verb: 'lift',
    also: ['close', 'end', 'stop', 'off', 'remove', 'thaw'],
    usage: 'lift ID|SERVICE REASON',
    says: 'let deploys go on',
    named: ['reason'],
    read: lift,
  },
  {
    verb: 'override',
    also: ['except', 'allow', 'exception'],
    usage: 'override ID REASON [uses=1] [2h]',
    says: 'let one deploy through',
    named: ['reason', 'uses', 'for', 'duration', 'version'],
    read: override,
  },
];

/** `/freeze checkout 2h load test`: what else could be meant. */
export const impliedFreeze: Form | undefined = FREEZE.find(({ verb }) => verb === 'open');

function status({ words, from }: Given): Wanted | Wrong {
  const [service] = words;
  if (words.length > 1) return { wrong: 'one service at a time', instead: service ?? '' };
  return { act: 'freeze_status', service: service === undefined ? null : from(0) };
}

const durationNamed = (named: Given['named']): string | undefined =>
  named.get('for') || named.get('duration') || undefined;

const reasonOf = (...parts: (string | null | undefined)[]): string | null =>
  plainText(parts.filter(Boolean).join(' ')) || null;

function open({ words, named, from }: Given): Wanted | Wrong {
  const team = named.get('team');
  const byName = named.get('service') || (team && `team:${team}`) || undefined;
  const rest = byName === undefined ? 1 : 0;
  const targets = (byName ?? words[0] ?? '').split(',').filter(Boolean);
  const length = words[rest] === undefined ? undefined : durationIn(words[rest]);
  const told = durationNamed(named);
  const seconds = told === undefined ? length : durationIn(told);
  if (told !== undefined && seconds === undefined)
    return { wrong: `"${told}" is no duration, as 2h or 30m`, instead: `${targets.join(',')} 2h …` };
  return {
    act: 'freeze_open',
    targets,
    environment: named.get('environment') || named.get('env') || null,
    seconds: seconds ?? null,
    reason: reasonOf(named.get('reason'), from(length === undefined ? rest : rest + 1)),
  };
}

function lift({ words, named, from }: Given): Wanted | Wrong {
  const [freeze] = words;
  if (freeze === undefined) return { wrong: 'say which, by its id or its service', instead: 'checkout it is over' };
  const reason = reasonOf(named.get('reason'), from(1));
  return reason === null
    ? { wrong: 'say why: it is kept', instead: `${freeze} it is over` }
    : { act: 'freeze_lift', freeze, reason };
}

function override({ words, named, from }: Given): Wanted | Wrong {
  const [freeze, ...more] = words;
  const uses = named.get('uses');
  const told = durationNamed(named);
  const last = more.at(-1);
  const atEnd = told === undefined && last !== undefined ? durationIn(last) : undefined;
  const seconds = told === undefined ? atEnd : durationIn(told);
  const instead = `${freeze ?? 'ID'} reason uses=1 2h`;
  if (told !== undefined && seconds === undefined) return { wrong: `"${told}" is no duration, as 2h or 30m`, instead };
  if (uses !== undefined && !(Number.isInteger(Number(uses)) && Number(uses) >= 1 && Number(uses) <= USES_MAX))
    return { wrong: `"${uses}" is no number of deploys from 1 to ${USES_MAX}`, instead };
  const text = from(1);
  const rest = atEnd === undefined || text === null ? text : text.slice(0, text.length - (last?.length ?? 0)).trim();
  return {
    act: 'freeze_override',
    freeze: freeze ?? null,
    reason: reasonOf(named.get('reason'), rest),
    uses: uses === undefined ? null : Number(uses),
    seconds: seconds ?? null,
    version: named.get('version') || null,
  };
}
