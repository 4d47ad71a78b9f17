import { withCleared } from '../../core/domain/changes/cleared-suspects.ts';
import { isLaterProblem, onsetWords, recovered } from '../../core/domain/incidents/new-onset.ts';
import type { Redeploy } from '../../core/domain/incidents/response.ts';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import { afterVerdict, isSameMitigation, type Mitigation } from '../../core/domain/rollback/verdict.ts';
import type { VerificationOutcome } from '../../schemas/incidents/inbox.ts';
import type { EarlierProblem, IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { Change } from '../../schemas/changes/change.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { clockText, secondsBetween } from '../../schemas/time/time.ts';
import { wake } from '../wake.ts';
import { slowBurnTitles } from './read-inbox.ts';
import { noteDemotion } from '../demotion.ts';
import { healthNow } from './health-now.ts';
import { VERIFICATION_SECONDS } from '../../core/domain/rollback/verdict.ts';
import { rollbackKey } from './roll-back.ts';
import { actionKeysOf } from './runbook/action-keys.ts';

/**
 * Returns the seconds of the verification window that have passed, in earlier runs of the workflow. Null: none, or another
 * mitigation is newer.
 */
export async function passedOfWindow(deps: Deps, id: IncidentId, about: Mitigation): Promise<number | null> {
  const { verifying } = (await deps.incidents.read(id)) ?? {};
  if (verifying?.at === undefined || !isSameMitigation(verifying, about)) return null;
  const seconds = Math.round(secondsBetween(verifying.at, deps.clock.now()) * deps.timeScale);
  return seconds <= 0 ? null : Math.min(seconds, VERIFICATION_SECONDS - 1);
}

/** The service that a mitigation changed. */
type Acted = ServiceEnvironment & { was: 'rolled back' | 'deployed again' };

/**
 * `alertsFired`: firing alerts are the only reason against a passed verification. `drifted`: it failed because the mitigation was
 * undone, which says nothing about its cause.
 */
export type Verdict = { outcome: VerificationOutcome; text: string; alertsFired?: true; drifted?: true };

/**
 * Verifies whether the mitigation helped: by the health query if there is one and Prometheus is connected, otherwise by
 * the alerts. No data is inconclusive. If it changed another service, that service must be healthy as well.
 *
 * @param about the mitigation. Absent: whatever was done last
 * @param acted what was rolled back or deployed again. Absent: the mitigation is a runbook
 */
export async function verdictOf(deps: Deps, id: IncidentId, about?: Mitigation, acted?: Acted): Promise<Verdict> {
  const incident = await deps.incidents.read(id);
  if (incident === undefined) throw new Error(`incident ${id} does not exist`);
  const ofEarlier = about && verdictOfEarlier(incident, about);
  if (ofEarlier != null) return ofEarlier;
  const verdict = await measuredVerdict(deps, incident, acted);
  const { verifying = about } = incident;
  if (about !== undefined && verifying !== undefined && !isSameMitigation(verifying, about))
    return verdict.outcome === 'passed'
      ? { outcome: 'inconclusive', text: `Inconclusive: another mitigation has followed. ${verdict.text}` }
      : verdict;
  if (!isLaterProblem(incident)) return verdict;
  const isFiring = (await firingBesidesWarnings(deps, incident)) > 0;
  if (verdict.outcome === 'passed' && !isFiring) return verdict;
  const began = onsetWords(incident.new_onset?.after_change?.name);
  const text = `Inconclusive: another problem began ${began}, and is judged by itself. ${verdict.text}`;
  return { outcome: 'inconclusive', text, ...(isFiring && { alertsFired: true }) };
}

/**
 * Returns the verdict about a mitigation of a problem before the newest one: what is measured now shows nothing about it. Null: it is
 * about the newest problem.
 */
function verdictOfEarlier(
  { verifying, earlier_problems: earlier = [] }: IncidentRecord,
  about: Mitigation,
): Verdict | null {
  if (verifying === undefined || isSameMitigation(verifying, about)) return null;
  const isOf = ({ mitigation, judged }: EarlierProblem): boolean =>
    (mitigation !== undefined && isSameMitigation(mitigation, about)) || (about.number > 0 && about.number <= judged);
  const problem = earlier.find(isOf);
  if (problem === undefined) return null;
  const { mitigation, recovered_at: end } = problem;
  return mitigation !== undefined && isSameMitigation(mitigation, about) && end !== undefined
    ? {
        outcome: 'passed',
        text: `The mitigation had helped: its problem ended at ${clockText(end)}, before the next one began`,
      }
    : { outcome: 'inconclusive', text: 'Inconclusive: another mitigation has followed, of another problem' };
}

const firingBesidesWarnings = async (deps: Deps, { id, firing }: IncidentRecord): Promise<number> =>
  firing > 0 ? firing - (await slowBurnTitles(deps, id)).length : 0;

/** Measures the incident's service, and the one that the mitigation changed, if that is another one. */
async function measuredVerdict(deps: Deps, incident: IncidentRecord, acted: Acted | undefined): Promise<Verdict> {
  const own = await verdictAbout(deps, incident);
  if (acted === undefined || acted.service === incident.service || own.outcome === 'failed') return own;
  const health = await healthNow(deps, acted);
  if (health === null) return own;
  const { outcome, text: shown } = health.verdict;
  const text = `${own.text}. ${acted.service}, which was ${acted.was}: ${shown}`;
  return { ...own, text, ...(outcome !== 'passed' && { outcome }) };
}

async function verdictAbout(deps: Deps, incident: IncidentRecord): Promise<Verdict> {
  const health = await healthNow(deps, incident);
  return health?.verdict ?? verdictByAlerts(await firingBesidesWarnings(deps, incident));
}

/** Judges by firing alerts, which prove no failure: an alert over a 1 h window keeps firing long after recovery. */
const verdictByAlerts = (firing: number): Verdict =>
  firing <= 0
    ? { outcome: 'passed', text: 'All alerts have resolved (no health query is configured)' }
    : {
        outcome: 'inconclusive',
        alertsFired: true,
        text: `${firing} ${firing === 1 ? 'alert is' : 'alerts are'} still firing, and no health query is configured; verification repeats when they resolve`,
      };

/** Verifies, and adds the verdict to the inbox, once per `key`. */
export async function verifyOnce(deps: Deps, id: IncidentId, number: number, key: string): Promise<Verdict> {
  const target = (await deps.decisions.get(id, number))?.target;
  const verdict = await verdictOf(deps, id, { number }, target == null ? undefined : { ...target, was: 'rolled back' });
  return concludeVerification(deps, id, number, verdict, key);
}

/** Verifies the changes of a runbook. `again`: key suffix of a verification after the end of its window. */
export async function verifyRunbook(deps: Deps, id: IncidentId, runbook: number, keySuffix = ''): Promise<Verdict> {
  const about = { number: 0, runbook };
  const verdict = await verdictOf(deps, id, about);
  await postVerdict(deps, id, about, verdict, `verification-runbook-${runbook}${keySuffix}`);
  if (verdict.outcome === 'failed')
    for (const key of await actionKeysOf(deps, id, runbook)) await countAsWrong(deps, id, key, verdict);
  await wake(deps, id);
  return verdict;
}

/**
 * Verifies the redeploy of an earlier version by a person. What a person did does not count against the service's automation.
 * `keySuffix`: of a verification after the end of its window.
 */
export async function verifyRedeploy(
  deps: Deps,
  id: IncidentId,
  { number, change }: Redeploy,
  keySuffix = '',
): Promise<Verdict> {
  const redeployed = await deps.changes.get(change);
  const verdict = await verdictOf(deps, id, { number, change }, redeployed && { ...redeployed, was: 'deployed again' });
  await postVerdict(deps, id, { number, change }, verdict, `verification-redeploy-${change}${keySuffix}`);
  await wake(deps, id);
  return verdict;
}

/** Adds a verdict to the inbox, once per `key`. A failed verification counts against the service's automation. */
export async function concludeVerification(
  deps: Deps,
  id: IncidentId,
  number: number,
  verdict: Verdict,
  key: string,
): Promise<Verdict> {
  await postVerdict(deps, id, { number }, verdict, key);
  if (verdict.outcome === 'failed') await countAsWrong(deps, id, rollbackKey(id, number), verdict);
  await wake(deps, id);
  return verdict;
}

async function postVerdict(
  deps: Deps,
  id: IncidentId,
  mitigation: Mitigation,
  { outcome, text, alertsFired, drifted }: Verdict,
  key: string,
): Promise<void> {
  const at = deps.clock.now();
  const inVain = outcome === 'failed' && drifted === undefined ? await undoneSuspects(deps, id) : [];
  await deps.incidents.post(
    id,
    { kind: 'verification', ...mitigation, outcome, ...(alertsFired && { alerts_fired: true }) },
    (incident) => {
      const change = afterVerdict(incident, mitigation, outcome);
      const updatedText = change.status === 'open' ? `${text}. The incident is open again` : text;
      return {
        ...change,
        // The problem went on without them.
        ...(change.verification === 'failed' && {
          cleared: inVain.reduce(
            (all, { id: change_id, service, version, kind }) =>
              withCleared(all, { change_id, service, version, kind, by: 'firebreak', at, because: 'did_not_help' }),
            incident.cleared ?? [],
          ),
        }),
        // The end of the alerts was not its end.
        ...(change.verification === 'failed' && drifted === undefined && { recoveredAt: null }),
        ...(change.verification === 'passed' && recovered({ ...incident, ...change }, deps.clock.now())),
        timeline: { actor: 'firebreak', kind: `verification.${outcome}`, text: updatedText, detail: mitigation },
      };
    },
    key,
  );
}

/** Returns the changes suspected in an incident that were rolled back for it. */
async function undoneSuspects(
  { changes, incidents }: Pick<Deps, 'changes' | 'incidents'>,
  id: IncidentId,
): Promise<Change[]> {
  const { suspects = [] } = (await incidents.read(id)) ?? {};
  const suspected = await Promise.all(suspects.map(({ change_id: change }) => changes.get(change)));
  return suspected.flatMap((change) => (change?.rolled_back_by === id ? change : []));
}

async function countAsWrong(deps: Deps, id: IncidentId, key: string, { text }: Verdict): Promise<void> {
  const { demoted } = await deps.automation.markWrong(id, key, text);
  for (const service of demoted) await noteDemotion(deps, id, service);
}
