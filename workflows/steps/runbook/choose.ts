import { serviceEntry } from '../../../domain/catalogue.ts';
import type { Deps, RunbookEnd, SignalView } from '../../../domain/ports.ts';
import { routingLabels } from '../../../domain/routing.ts';
import { planOf, type PlannedStep } from '../../../domain/runbooks/plan.ts';
import { byPriority, select } from '../../../domain/runbooks/select.ts';
import type { Runbook } from '../../../schemas/runbook.ts';
import type { RunbookInput } from '../../runbook.ts';
import { wake } from '../../wake.ts';
import { beforeItBegins } from './variables.ts';

/** What the order of things depends on, of one step. What it does is read where it is done. */
export type Outline = Pick<
  PlannedStep,
  'id' | 'number' | 'stage' | 'onFailure' | 'mutating' | 'timeoutSeconds' | 'retry'
> & {
  uses: PlannedStep['uses'] | 'scale.restore';
  otherwise: 'skip' | 'stop';
  /** It takes this step back. */
  undoes: string | null;
};

export type Chosen = { name: string; title: string; steps: Outline[]; failureSteps: Outline[]; undo: Runbook['undo'] };

/** How many of an incident's alerts are asked which runbook is for them. */
const SIGNALS_READ = 50;

/** Which runbook answers to what fires now. Null: none, or one that was followed already. */
export async function chooseRunbook(deps: Deps, { incidentId, number }: RunbookInput): Promise<Chosen | null> {
  const kept = await deps.runbooks.get(incidentId, number);
  if (kept !== undefined) return outlineOf(kept.runbook);
  const incident = await deps.incidents.read(incidentId);
  if (incident === undefined || incident.status === 'resolved' || incident.crowd !== undefined) return null;
  const config = await deps.config.current();
  const before = new Set((await deps.runbooks.of(incidentId)).map(({ name }) => name));
  const usable = config.runbooks.runbooks.filter(
    ({ name, inputs }) => !before.has(name) && Object.values(inputs).every(({ required }) => !required),
  );
  if (usable.length === 0) return null;
  const entry = serviceEntry(config.services, incident.service);
  const { items } = await deps.incidents.signals(incidentId, { limit: SIGNALS_READ });
  const found = new Map<Runbook, SignalView>();
  for (const signal of items.filter(({ status }) => status === 'firing')) {
    const labels = routingLabels(signal, incident.unmatched === null ? entry : undefined);
    const { chosen } = select(usable, labels, beforeItBegins(incident, config, signal, labels));
    if (chosen !== null) found.set(chosen, signal);
  }
  const [best] = byPriority([...found.keys()]);
  const signal = best && found.get(best);
  if (signal === undefined || best === undefined) return null;
  const labels = [...routingLabels(signal, incident.unmatched === null ? entry : undefined)];
  const followed = { runbook: best, labels, annotations: signal.annotations };
  const first = await deps.runbooks.choose(incidentId, number, followed, `it is for "${signal.title}"`);
  return outlineOf(first.runbook);
}

function outlineOf(runbook: Runbook): Chosen {
  const plan = planOf(runbook);
  const outline = ({
    id,
    number,
    stage,
    onFailure,
    mutating,
    timeoutSeconds,
    retry,
    uses,
    approval,
  }: PlannedStep): Outline => ({
    id,
    number,
    stage,
    onFailure,
    mutating,
    timeoutSeconds,
    retry,
    uses,
    otherwise: approval?.otherwise ?? 'stop',
    undoes: null,
  });
  return {
    name: runbook.name,
    title: runbook.title,
    steps: plan.steps.map(outline),
    failureSteps: plan.failureSteps.map(outline),
    undo: plan.undo,
  };
}

export async function concludeRunbook(
  deps: Deps,
  { incidentId, number }: RunbookInput,
  end: RunbookEnd,
): Promise<null> {
  await deps.runbooks.conclude(incidentId, number, end);
  await wake(deps, incidentId);
  return null;
}
