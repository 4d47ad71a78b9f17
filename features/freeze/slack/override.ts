import { overrideWarnings } from '../decisions/exemptions/overrides.ts';
import { scopeInWords } from '../decisions/words.ts';
import type { ChatButton, Text } from '../../../core/domain/messages/chat-message.ts';
import { NewOverride } from '../schemas/freeze.ts';
import { minuteText, plusSeconds } from '../../../schemas/time/time.ts';
import { requireFreeze } from '../actions/freezes.ts';
import { approveOverride as approveOne, giveOverride } from '../actions/overrides.ts';
import { answered, Declined, message } from '../../../entrances/slack/outcome.ts';
import { textInput } from '../../../entrances/slack/modals/blocks.ts';
import { FIELDS, USES_MAX } from '../../../entrances/slack/modals/form.ts';
import type { CommandArguments, Verb, UsageError } from '../../../entrances/slack/commands/verb.ts';
import {
  idOf,
  NAMES_MAX,
  findFreeze,
  REASON_MAX,
  reasonOf,
  typedDuration,
  warningLines,
  withDuration,
  type RunVerb,
} from './shared.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

/** The arguments as typed. Null: omitted. */
type OverrideDraft = {
  freeze: string | null;
  reason: string | null;
  uses: number | null;
  seconds: number | null;
  version: string | null;
};
type Override = OverrideDraft & { freeze: string; reason: string };

export const overrideFreeze: Verb<OverrideDraft, Override> = {
  permission: 'freezes:override',
  command: 'freeze',
  name: 'override',
  aliases: ['except', 'allow', 'exception'],
  usage: 'override ID REASON [uses=1] [2h]',
  description: 'let a deploy through a freeze',
  named: ['reason', 'uses', 'for', 'duration', 'version'],
  parse: parseOverride,
  isComplete: (draft): draft is Override => draft.freeze !== null && draft.reason !== null,
  dialog: {
    id: 'override_freeze',
    title: 'Override a freeze',
    submit: 'Override',
    field: FIELDS.freeze,
    isNeededFor: ({ freeze, reason, seconds }) => freeze === null || reason === null || seconds === null,
    context: (draft) => ({ version: draft?.version ?? null }),
    blocks: ({ draft }) => [
      textInput({ field: FIELDS.freeze, label: 'Freeze ID', initial: draft?.freeze ?? null, max: NAMES_MAX }),
      textInput({
        field: FIELDS.reason,
        label: 'Reason',
        initial: draft?.reason ?? null,
        max: REASON_MAX,
        lines: true,
      }),
      textInput({
        field: FIELDS.duration,
        label: 'Duration',
        initial: typedDuration(draft?.seconds ?? null) ?? '1h',
        max: 16,
      }),
      textInput({
        field: FIELDS.uses,
        label: 'Number of deploys',
        optional: true,
        initial: String(draft?.uses ?? 1),
        max: 4,
      }),
    ],
    read: (fields, modalContext) => ({
      freeze: fields.needed(FIELDS.freeze, 'Enter the ID of the freeze'),
      reason: fields.needed(FIELDS.reason, 'Enter a reason. It is kept on record'),
      uses: fields.uses(),
      seconds: fields.duration() ?? fields.missing(FIELDS.duration, 'Enter a duration, such as 2h or 30m'),
      version: modalContext.version,
    }),
  },
  freeText: ({ reason }) => reason || null,
};

function parseOverride(input: CommandArguments): OverrideDraft | UsageError {
  const { words, named } = input;
  const freeze = words[0] ?? null;
  const uses = named.get('uses');
  const suggestion = `${freeze ?? 'ID'} REASON uses=1 2h`;
  const { duration, reason } = withDuration(input, 1);
  if (duration !== undefined && 'problem' in duration) return { error: duration.problem, suggestion };
  if (uses !== undefined && !(Number.isInteger(Number(uses)) && Number(uses) >= 1 && Number(uses) <= USES_MAX))
    return {
      error: `"${uses}" is not a valid number of deploys: use a whole number from 1 to ${USES_MAX}`,
      suggestion,
    };
  return {
    freeze,
    reason: reasonOf(named.get('reason'), reason),
    uses: uses === undefined ? null : Number(uses),
    seconds: duration?.seconds ?? null,
    version: named.get('version') || null,
  };
}

/** Default duration of an override in seconds, which covers an imminent deployment. */
const OVERRIDE_SECONDS = 2 * 3600;

export const runOverrideFreeze: RunVerb<Override> = async (deps, { caller, key }, request) => {
  const freeze = await findFreeze(deps, request.freeze);
  const parsed = NewOverride.safeParse({
    reason: request.reason,
    uses: request.uses ?? 1,
    expires_at: plusSeconds(deps.clock.now(), request.seconds ?? OVERRIDE_SECONDS),
    version: request.version,
  });
  if (!parsed.success) throw new Declined(`${inputProblemText(parsed.error)}. Nothing was done.`);
  const id = idOf('ovr', key, freeze);
  const override = await giveOverride(deps, caller, { freeze, id, override: parsed.data });
  const what = `${override.uses ?? 'any number of'} ${override.uses === 1 ? 'deployment' : 'deployments'} until ${minuteText(override.expires_at)}`;
  const overrideText: Text = [` (override `, { code: id }, ' of ', { code: freeze }, `): ${override.reason}`];
  const advice = warningLines(overrideWarnings(override));
  if (!override.needs_approval || override.approved_by !== null)
    return answered(`Override created: ${what}`, ...overrideText, ...advice);
  const yes: ChatButton = {
    button: { verb: 'approve_override', freeze, override: id },
    text: 'Approve override',
    style: 'primary',
  };
  const { reason, ...scope } = await requireFreeze(deps, freeze);
  const requestText: Text = [
    `${caller.shown ?? caller.name} requests an override for ${what}, through the freeze of ${scopeInWords(scope)} (${reason})`,
    ...overrideText,
    ...advice,
  ];
  return {
    answer: message([...requestText, '\nThe policy requires the approval of a second person.'], [yes]),
    isPublic: true,
  };
};

/** Approval by a second person. */
type Approval = { freeze: string; override: string };

export const approveOverride: Verb<Approval> = {
  permission: 'freezes:override',
  buttons: { approve_override: ({ freeze, override }) => ({ freeze, override }) },
};

export const runApproveOverride: RunVerb<Approval> = async (deps, { caller }, { freeze, override: id }) => {
  const before =
    (await requireFreeze(deps, freeze)).overrides.find((candidate) => candidate.id === id)?.approved_by ?? null;
  const override = await approveOne(deps, caller, { freeze, id });
  if (before !== null) return answered(`The override is already active: ${before} has approved it.`);
  const by =
    override.approved_by === caller.name ? (caller.shown ?? caller.name) : (override.approved_by ?? caller.name);
  const text: Text = [`${by} has approved the override `, { code: id }, '. It is active now.'];
  return { answer: message(text), isPublic: true };
};
