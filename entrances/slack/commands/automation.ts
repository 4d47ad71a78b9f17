import { leadingDuration } from '../../../core/domain/slack/commands/duration.ts';
import { automationText, killSwitchText } from '../../../core/domain/automation/automation.ts';
import { capitalized } from '../../../core/domain/messages/decision-lines.ts';
import { setAutomation } from '../../../core/actions/automation/set-automation.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';
import { executeResponseAction } from '../../../core/actions/incidents/response-action.ts';
import type { CommandDeps } from '../deps.ts';
import { answered, type Outcome } from '../outcome.ts';
import type {
  CommandArguments,
  EnvironmentsOf,
  IncidentVerb,
  RunVerb,
  RunIncidentVerb,
  UsageError,
  Verb,
} from './verb.ts';

type Reason = { reason: string | null };

/** Parses the reason. Services, environments, and durations alone are refused: the switch has none. */
const reasonOf = ({ textFrom, words, environmentsOf }: CommandArguments): Reason | UsageError =>
  words.length > 0 && areLess(words, environmentsOf)
    ? {
        error:
          'this concerns the automation of all services, until a person changes it; to do that, give a reason in other words',
        suggestion: null,
      }
    : { reason: textFrom(0) };

/** Returns whether words only name services, their environments, and durations. */
function areLess([word = '', ...others]: readonly string[], environmentsOf: EnvironmentsOf, known = ['']): boolean {
  const duration = leadingDuration([word, ...others]);
  const isDuration = duration !== undefined && 'seconds' in duration.duration;
  const name = word.toLowerCase().replace(/[.,:;!]+$/, '');
  const environments = isDuration ? [] : environmentsOf(name);
  if (environments === undefined && !known.includes(name)) return false;
  const rest = isDuration ? [word, ...others].slice(duration.words) : others;
  return rest.length === 0 || areLess(rest, environmentsOf, [...known, ...(environments ?? [])]);
}

export const pause: Verb<Reason> = {
  permission: 'automation:write',
  command: 'firebreak',
  name: 'pause',
  usage: 'pause [REASON]',
  description: 'pause all automation, everywhere',
  parse: reasonOf,
};

export const resume: Verb<Reason> = {
  permission: 'automation:write',
  command: 'firebreak',
  name: 'resume',
  aliases: ['unpause'],
  usage: 'resume [REASON]',
  description: 'resume all automation',
  parse: reasonOf,
};

export const runPause: RunVerb<Reason> = (deps, { caller }, { reason }) => setKillSwitch(deps, caller, true, reason);

export const runResume: RunVerb<Reason> = (deps, { caller }, { reason }) => setKillSwitch(deps, caller, false, reason);

async function setKillSwitch(
  deps: CommandDeps,
  caller: Caller,
  paused: boolean,
  reason: string | null,
): Promise<Outcome> {
  const before = await deps.automation.read();
  if (before.paused === paused && before.by !== null) {
    caller.allow('automation:read', {});
    return answered(`Nothing changed: ${automationText(before)}.`);
  }
  await setAutomation(deps, caller, { paused, reason: reason });
  return answered(
    paused
      ? `${capitalized(killSwitchText({ by: caller.name, reason }))}. Nothing is rolled back, in any service. Paging continues.`
      : 'Automation is resumed, within the limits of its modes.',
  );
}

/** Pauses or resumes the automation of one incident. */
export const switchAutomation: IncidentVerb<{ action: 'pause' | 'resume' }> = {
  permission: 'incidents:act',
  ofIncident: true,
  buttons: { pause: () => ({ action: 'pause' }), resume: () => ({ action: 'resume' }) },
};

export const runSwitchAutomation: RunIncidentVerb<{ action: 'pause' | 'resume' }> = async (
  deps,
  { caller, key },
  id,
  { action },
) => {
  await executeResponseAction(deps, caller, { id, action, note: '', key });
  return action === 'pause'
    ? answered('The automation of this incident is paused: it starts nothing new.')
    : answered('The automation of this incident is resumed.');
};
