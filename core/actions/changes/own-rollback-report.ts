import { flagKeyOf, turnedFlagOff } from '../../domain/changes/flags.ts';
import { changedSince } from '../../domain/rollback/switched-flags.ts';
import { isOtherNameThan } from '../../domain/changes/recognize.ts';
import { haveDifferentRevisions, isSameName, nameOf } from '../../domain/changes/version-identity.ts';
import { putsVersionLive } from '../../domain/changes/versions.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { RolloutChange } from '../../domain/changes/rollout.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import type { Effect } from '../../../schemas/incidents/incident.ts';
import type { Change, NewChange } from '../../../schemas/changes/change.ts';

/** What the record of a rollback has, whatever its sender reports. */
type RollbackFields = { kind: 'rollback'; previous_version: string };

/**
 * Returns what to record if a report is that of Firebreak's own rollback in progress, although its commit is not that of the
 * version: the job of a rollback often reports the commit of its own run. Recorded as a deploy, it would make a branch of the name.
 * Undefined: it is not.
 *
 * @param recent newest changes of the same service and environment
 */
export async function ownRollbackIn(
  { effects, decisions }: Pick<Deps, 'effects' | 'decisions'>,
  report: ServiceEnvironment &
    Pick<NewChange, 'version' | 'kind' | 'commit' | 'previous_version'> &
    Partial<Pick<Change, 'reported_by' | 'deploy_commit' | 'artifact'>>,
  recent: readonly Change[],
): Promise<RollbackFields | undefined> {
  const name = nameOf(report);
  const isOfOtherCommit = recent.some(
    (change) => putsVersionLive(change) && isSameName(nameOf(change), name) && haveDifferentRevisions(change, report),
  );
  if (!isOfOtherCommit || !putsVersionLive(report)) return undefined;
  for (const { incident, effect } of await effects.unfinished('roll-back')) {
    const { service, environment } = effect.service_environment ?? {};
    if (service !== report.service || environment !== report.environment) continue;
    const decision = await decisions.get(incident, Number(effect.key.split('.').at(-1)));
    const { from_version: from = null, to_version: to = null } = decision ?? {};
    if (from !== null && to !== null && isSameName(nameOf({ version: to }), name) && isOtherNameThan(from, name))
      return { kind: 'rollback', previous_version: report.previous_version ?? from };
  }
  return undefined;
}

/** How an act ends that leaves the flag as it is. `superseded`: someone else has set it since. */
const NOT_OFF: readonly Effect['state'][] = ['failed', 'withheld', 'superseded'];

/**
 * Returns the incident for which Firebreak has turned a flag off: by the key of its act or, where the flag service reports none, by
 * the flag. Undefined: Firebreak has not turned it off. A key that names no act of Firebreak belongs to no incident. A flag
 * that Firebreak turned on again for a person stays a suspect, because turning it on can cause a problem.
 *
 * @param recent newest changes of the same service and environment
 */
export async function incidentOfFlagOff(
  { effects }: Pick<Deps, 'effects'>,
  { action: key, ...report }: Pick<RolloutChange, 'version' | 'action'>,
  at: ServiceEnvironment,
  recent: readonly Change[],
): Promise<IncidentId | undefined> {
  if (key !== undefined) {
    const incident = IncidentId.safeParse(key.split('.')[0]).data;
    const { flag, service_environment: of } = (incident && (await effects.get(incident, key))) ?? {};
    return flag?.on === false && of?.service === at.service && of.environment === at.environment ? incident : undefined;
  }
  const act = turnedFlagOff(report) ? await effects.ofFlag(at, flagKeyOf(report)) : undefined;
  const flag = act?.effect.flag;
  if (flag?.on !== false || act === undefined || NOT_OFF.includes(act.effect.state)) return undefined;
  return changedSince(recent, { flag, at: act.effect.at }) === undefined ? act.incident : undefined;
}
