import { stateAt } from '../decisions/state.ts';
import { scopeInWords, untilText } from '../decisions/words.ts';
import type { ChatButton, Text } from '../../../core/domain/messages/chat-message.ts';
import type { Freeze } from '../schemas/freeze.ts';
import { mayRead } from '../actions/freezes.ts';
import { CURRENT_FREEZES } from '../reports.ts';
import { isPermitted } from '../../../entrances/slack/execution/caller.ts';
import { answered, message } from '../../../entrances/slack/outcome.ts';
import type { Verb } from '../../../entrances/slack/commands/verb.ts';
import { isFreezeOf, type Target, targetNamed, type RunVerb } from './shared.ts';
import { minuteText } from '../../../schemas/time/time.ts';

type Shown = { service: string | null };

export const freezeStatus: Verb<Shown> = {
  permission: 'freezes:read',
  command: 'freeze',
  name: 'status',
  aliases: ['list', 'show', 'check'],
  usage: 'status [SERVICE]',
  description: 'show freezes and their reasons',
  parse({ words, textFrom }) {
    const [service] = words;
    if (words.length > 1) return { error: 'too many arguments: expected one service', suggestion: service ?? '' };
    return { service: service === undefined ? null : textFrom(0) };
  },
};

const SHOWN_MAX = 10;

/** Freezes with a button, so that the list stays readable. */
const BUTTONS_MAX = 5;

/** Returns whether a freeze applies to the target, alone or with others. */
const appliesTo = (freeze: Freeze, target: Target): boolean =>
  isFreezeOf(freeze, target) || (freeze.service === null && (freeze.team === null || freeze.team === target.team));

/** Lists all freezes, or those that apply to a service or to the services of a team. */
export const runFreezeStatus: RunVerb<Shown> = async (deps, { caller }, { service: name }) => {
  const target = name === null ? null : await targetNamed(deps, name);
  const service = target?.service ?? null;
  caller.allow('freezes:read', service === null ? {} : { service });
  const { value: current } = await deps.reports.read(CURRENT_FREEZES, null, null);
  const all = current.filter(
    (freeze) =>
      (target === null || appliesTo(freeze, target)) &&
      mayRead((scope) => isPermitted(caller, 'freezes:read', scope), freeze),
  );
  const now = deps.clock.now();
  const targetText = target === null ? null : (target.service ?? `services of ${target.team}`);
  if (all.length === 0) return answered(`No freeze applies${targetText === null ? '' : ` to ${targetText}`}.`);
  const shown = all.slice(0, SHOWN_MAX);
  const rows = shown.flatMap((freeze): Text => [
    `\n❄️ `,
    { bold: scopeInWords(freeze) },
    `: ${freeze.reason}\n${stateAt(freeze, now) === 'scheduled' ? 'scheduled for' : 'since'} ${minuteText(freeze.starts_at)}, ${untilText(freeze)} · `,
    { code: freeze.id },
  ]);
  const more = all.length > shown.length ? [`\nand ${all.length - shown.length} more`] : [];
  const lifts = shown.slice(0, BUTTONS_MAX).map((freeze): ChatButton => ({
    button: { verb: 'lift_freeze', freeze: freeze.id },
    text: `Lift: ${scopeInWords(freeze)}`,
    confirm: { title: 'Lift this freeze?', text: freeze.reason, yes: 'Lift', no: 'Cancel' },
  }));
  const title = targetText === null ? 'Freezes:' : `Deploys of ${targetText} are frozen:`;
  return { answer: message([title, ...rows, ...more], lifts) };
};
