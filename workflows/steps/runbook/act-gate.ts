import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import {
  type Act,
  type ActGate,
  actGate,
  type Asked,
  actsOf,
  flagDoneText,
  setsFlag,
} from '../../../core/domain/rollback/same-act.ts';
import { numberOf } from '../../../core/domain/rollback/question-names.ts';
import type { QuestionInputs } from '../../../core/domain/runbooks/permission.ts';
import { weightsInWords } from '../../../core/domain/rollback/reroute.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { DecisionView, Effect, IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { StepEnd } from '../../../schemas/runbooks/parts/runs.ts';
import type { With } from '../../../schemas/runbooks/parts/kinds.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import type { StepContext } from './context.ts';
import type { TrafficShift } from './reroute.ts';

/** Seconds after the withdrawal of a question within which the judgement that replaces it begins, if there is one. */
const JUDGED_AGAIN_SECONDS = 60;

export const judgedUntil = ({ clock, timeScale }: Pick<Deps, 'clock' | 'timeScale'>): Timestamp =>
  plusSeconds(clock.now(), -JUDGED_AGAIN_SECONDS / timeScale);

type Resolved = { given: unknown; scale: { to: number } | null; shift?: TrafficShift | undefined };

/** Returns what a step does, with its resolved parameters. Null: no question can ask for the same. */
export function actOfStep(
  { step, inverse, serviceEnvironment }: Pick<StepContext, 'step' | 'inverse' | 'serviceEnvironment'>,
  { given, scale, shift }: Resolved,
): Act | null {
  const uses = inverse?.uses ?? step.uses;
  const act = (does: string): Act => ({ ...serviceEnvironment, does });
  switch (uses) {
    case 'flag.disable':
    case 'flag.enable':
      return act(setsFlag((given as With<'flag.disable'>).flag, uses === 'flag.enable'));
    case 'scale':
    case 'scale.restore':
      return scale === null ? null : act(`scale to ${scale.to}`);
    case 'restart':
      return act('restart');
    case 'reroute':
    case 'reroute.restore':
      return shift === undefined ? null : act(`reroute ${shift.route} to ${weightsInWords(shift.to)}`);
    case 'http':
      return step.mutating || inverse !== null ? act(`http ${JSON.stringify(given)}`) : null;
    case 'rollback':
    case 'note':
    case 'page':
    case 'slack.post':
    case 'ticket':
    case 'approve':
    case 'verify':
    case 'wait':
    case 'wait.until':
      return null;
  }
}

type GateDeps = Pick<Deps, 'clock' | 'timeScale' | 'incidents' | 'incidentGroups' | 'decisions'>;

/**
 * Decides whether a step may act, although people are asked for the same act, strongly consistent. A person who started the
 * runbook has decided it, and an undo restores only what the runbook itself has changed.
 *
 * @param key of the action, if it was tried
 */
export async function gateOfStep(
  deps: GateDeps,
  { incident, selected, inverse }: StepContext,
  act: Act | null,
  key = '',
): Promise<ActGate> {
  if (act === null || selected.by !== undefined || inverse !== null) return { kind: 'free' };
  const { asked, effects } = await askedAround(deps, incident);
  return actGate(act, asked, flagDoneText(act, effects, key), judgedUntil(deps));
}

/** Returns the seconds that people have for an answer. */
export const secondsToAnswer = (
  { clock, timeScale }: Pick<Deps, 'clock' | 'timeScale'>,
  { until }: Extract<ActGate, { kind: 'waits' }>,
): number => (until === null ? 0 : Math.max(0, secondsBetween(clock.now(), until)) * timeScale);

export const WAITS_TEXT = 'people are asked about the same act, and have not answered';

/** Returns the end of a step that does not act. What was done already is not the step's to undo. */
export const endAtGate = ({ kind, because }: Extract<ActGate, { because: string }>): StepEnd =>
  kind === 'done'
    ? { status: 'skipped', output: null, detail: `already done: ${because}` }
    : { status: 'declined', output: null, detail: because };

/** Returns the decisions, oldest first, and the effects of an incident and of its group, which is asked together. */
export async function askedAround(
  deps: Pick<Deps, 'incidents' | 'incidentGroups' | 'decisions'>,
  { id, parent_id: parent }: Pick<IncidentRecord, 'id' | 'parent_id'>,
): Promise<{ asked: Asked[]; effects: Effect[] }> {
  const children = parent === undefined ? [] : await deps.incidentGroups.children(parent);
  const ids = new Set<IncidentId>([
    id,
    ...(parent === undefined ? [] : [parent]),
    ...children.map(({ incident }) => incident.id),
  ]);
  const views = await Promise.all([...ids].map((one) => deps.incidents.view(one)));
  const found = views.filter((view) => view !== undefined);
  const asked = await Promise.all(
    found.flatMap((view) =>
      view.decisions.map(async (decision) => ({ at: decision.at, asked: await askedIn(deps, view.id, decision) })),
    ),
  );
  return {
    asked: asked.toSorted((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at))).map((one) => one.asked),
    effects: found.flatMap(({ effects }) => effects),
  };
}

async function askedIn(deps: Pick<Deps, 'decisions'>, id: IncidentId, decision: DecisionView): Promise<Asked> {
  const acts = await actsAsked(deps, id, decision);
  if (decision.question !== undefined || acts.length === 0) return { decision, acts };
  const outcome = (await deps.decisions.outcome(id, Number(numberOf(decision.id))))?.outcome ?? null;
  return { decision, acts, outcome };
}

/** Returns the acts of a decision. Those of a runbook's question are stored with its inputs. */
export async function actsAsked(deps: Pick<Deps, 'decisions'>, id: IncidentId, decision: DecisionView): Promise<Act[]> {
  if (decision.question === undefined) return actsOf(decision);
  const inputs: unknown = await deps.decisions.inputs(id, Number(numberOf(decision.id)));
  return actsOf(decision, (inputs as QuestionInputs | undefined)?.does);
}

/** Returns the flag of this service that an action sets already. Null: none. */
export async function flagDoneAround(
  deps: Pick<Deps, 'incidents' | 'incidentGroups' | 'decisions'>,
  incident: Pick<IncidentRecord, 'id' | 'parent_id'>,
  { flag, on, at }: { flag: string; on: boolean; at: ServiceEnvironment },
  key: string,
): Promise<string | null> {
  const { effects } = await askedAround(deps, incident);
  return flagDoneText({ service: at.service, environment: at.environment, does: setsFlag(flag, on) }, effects, key);
}
