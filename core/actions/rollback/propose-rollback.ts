import { incidentName } from '../../domain/incidents/incident-number.ts';
import { openIncident } from '../incidents/declare-incident.ts';
import { actionRequestOf, refuseWhilePaused } from '../incidents/action-request.ts';
import { incidentResolved, requireIncident } from '../incidents/require-incident.ts';
import type { Caller } from '../people/caller.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Version } from '../../../schemas/config/names.ts';
import type { DecisionView, IncidentView } from '../../../schemas/incidents/incident.ts';
import { wake } from '../../../workflows/wake.ts';
import { type PlanDeps, readPlan, requirePossible } from './plan-rollback.ts';

type ProposeDeps = PlanDeps & Pick<Deps, 'automation' | 'decisions' | 'engine' | 'inbound' | 'log'>;

/** A proposed rollback. `to`: absent: the newest version that is known to be good. `trace`: of the request. */
export type Proposal = { serviceEnvironment: ServiceEnvironment; to?: Version; reason: string; trace: string };

/**
 * What became of a proposal. `asked`: people are asked, now or before. Null: the question follows in a moment. `from`,
 * `to`: the versions of the question.
 */
export type Proposed = { incident: IncidentView; asked: DecisionView | null; from: Version; to: Version };

/**
 * Asks people to approve a rollback, in the open incident or in a new one. Rolls nothing back, whatever the mode of the
 * service is. A repeated proposal asks once.
 *
 * @throws Refusal 403; 409, 422 if the rollback is not possible now
 */
export async function proposeRollback(
  deps: ProposeDeps,
  caller: Caller,
  { serviceEnvironment, to: named, reason, trace }: Proposal,
): Promise<Proposed> {
  caller.allow('incidents:write', serviceEnvironment);
  await refuseWhilePaused(deps); // before an incident is opened for it
  const plan = await readPlan(deps, serviceEnvironment, named);
  const {
    live: { version: from },
    target: { version: to },
  } = requirePossible(plan);
  const title = `Proposed rollback of ${from}`;
  const opening = { ...serviceEnvironment, title, severity: 'warning', trace, alone: true } as const;
  const { id } = plan.incident ?? (await openIncident(deps, caller, opening)).incident;
  const incident = await requireIncident(deps, id);
  const asked = questionAbout(incident, from, to);
  if (asked?.state === 'waiting') return { incident, asked, from, to };
  if (asked?.state === 'rejected')
    throw new Refusal(
      409,
      'proposal-rejected',
      `${asked.answered_by ?? 'a person'} rejected this rollback in ${incidentName(incident)}; ask that person`,
    );
  const { fulfilled } = await actionRequestOf(deps, { action: 'rollback', to }, incident, caller.name);
  if (fulfilled) throw new Refusal(409, 'rollback-in-progress', `a rollback to ${to} was started just now`);
  const { mitigations = 0 } = (await deps.incidents.read(id)) ?? {};
  const text = `Proposed a rollback from ${from} to ${to}${reason === '' ? '' : `: ${reason}`}`;
  const timeline = { actor: caller.name, kind: 'rollback.proposed', text, detail: { from, to } };
  const message = {
    kind: 'rollback_proposed',
    by: caller.name,
    note: reason,
    from,
    ...(named && { to: named }),
  } as const;
  if (!(await deps.incidents.post(id, message, { timeline }, `proposed-after-${mitigations}-${from}-to-${to}`)))
    throw incidentResolved(incident);
  await wake(deps, id);
  return { incident: await requireIncident(deps, id), asked: null, from, to };
}

/** Returns the newest question about this rollback. */
const questionAbout = ({ decisions }: IncidentView, from: Version, to: Version): DecisionView | undefined =>
  decisions.findLast(
    ({ kind, question, from_version, to_version }) =>
      kind === 'approve' && question === undefined && from_version === from && to_version === to,
  );
