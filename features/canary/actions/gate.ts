import type { Gate } from '../decisions/progress.ts';
import type { CanaryRecord } from '../canary.ts';
import type { Deps } from '../ports.ts';
import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import { readAutomation } from '../../../workflows/steps/judge-incident.ts';
import { check } from '../../freeze/actions/check.ts';
import type { CheckDeps } from '../../freeze/actions/inputs.ts';
import { refusalText } from '../../freeze/decisions/words.ts';

export type GateDeps = CheckDeps & Pick<Deps, 'automation'>;

/** Returns why nothing is done automatically. Null: no reason. */
export async function whyPaused(deps: Pick<Deps, 'automation'>): Promise<string | null> {
  const { killSwitch } = await readAutomation(deps);
  if (killSwitch.state === 'unreadable') return `the kill switch could not be read: ${killSwitch.detail}`;
  return killSwitch.paused ? 'the kill switch is on' : null;
}

/**
 * Checks the kill switch, open incidents, and freezes.
 *
 * @param by name for the record of the freeze check
 * @param consume whether the canary gets more traffic now, so that it uses up a required override
 */
export async function gateOf(
  deps: GateDeps,
  { service, environment, version, id }: CanaryRecord,
  { by, consume }: { by: string; consume: boolean },
): Promise<Gate> {
  const paused = await whyPaused(deps);
  if (paused !== null) return { open: false, code: 'automation_paused', reason: paused };
  const incident = await deps.incidents.openAt({ service, environment });
  if (incident !== undefined)
    return { open: false, code: 'incident', reason: `incident ${incidentName(incident)} is open: ${incident.title}` };
  try {
    const request = { service, environment, version, commit: null, deployment_id: id, change: 'deploy' as const };
    const answer = await check(deps, { request, by, consume, identityToken: null });
    if (answer.allowed) return { open: true };
    return { open: false, code: 'frozen', reason: refusalText(answer) };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { open: false, code: 'freeze_unknown', reason: `the freezes could not be checked: ${detail}` };
  }
}
