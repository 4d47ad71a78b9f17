import { scopeInWords } from '../decisions/words.ts';
import { liftFreeze as liftOne } from '../actions/freezes.ts';
import { answered } from '../../../entrances/slack/outcome.ts';
import type { Verb } from '../../../entrances/slack/commands/verb.ts';
import { findFreeze, reasonOf, type RunVerb } from './shared.ts';
import { minuteText } from '../../../schemas/time/time.ts';

/** `freeze`: the ID of a freeze, or the service that it covers. */
type Lift = { freeze: string; reason: string };

export const liftFreeze: Verb<Lift> = {
  permission: 'freezes:write',
  command: 'freeze',
  name: 'lift',
  aliases: ['close', 'end', 'stop', 'off', 'remove', 'thaw', 'unfreeze', 'release'],
  usage: 'lift ID|SERVICE REASON',
  description: 'lift a freeze',
  named: ['reason'],
  parse({ words, named, textFrom }) {
    const [freeze] = words;
    if (freeze === undefined)
      return { error: 'the freeze is missing: name it by its ID or its service', suggestion: 'ID REASON' };
    const reason = reasonOf(named.get('reason'), textFrom(1));
    return reason === null
      ? { error: 'the reason is missing; it is kept on record', suggestion: `${freeze} REASON` }
      : { freeze, reason };
  },
  buttons: { lift_freeze: ({ freeze }) => ({ freeze, reason: '' }) },
  freeText: ({ reason }) => reason || null,
};

export const runLiftFreeze: RunVerb<Lift> = async (deps, { caller }, request) => {
  const id = await findFreeze(deps, request.freeze);
  const { freeze, hadEnded } = await liftOne(deps, caller, { id, reason: request.reason || null });
  if (!hadEnded)
    return answered(
      `Freeze lifted: ${scopeInWords(freeze)}. Deploys are allowed again, unless another freeze applies.`,
    );
  const by = freeze.ended_by === null ? '' : ` by ${freeze.ended_by}`;
  return answered(
    `Superseded: the freeze has ended already, at ${minuteText(freeze.ended_at ?? freeze.until ?? freeze.starts_at)}${by}.`,
  );
};
