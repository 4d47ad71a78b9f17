import { flagKeyOf, turnedFlagOff } from '../../domain/changes/flags.ts';
import { switchedFlags } from '../../domain/rollback/switched-flags.ts';
import { isOtherNameThan } from '../../domain/changes/recognize.ts';
import { haveDifferentRevisions, isSameName, nameOf } from '../../domain/changes/version-identity.ts';
import { putsVersionLive } from '../../domain/changes/versions.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
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

/**
 * Returns the incident for which Firebreak has turned a flag off, by the key of its action. What was not turned off by Firebreak
 * there has no incident, even if somebody writes the key. If Firebreak turns a flag on again for a person, that can cause a
 * problem, so it stays a suspect.
 */
export async function incidentOfAction(
  { effects }: Pick<Deps, 'effects'>,
  key: string | undefined,
  { service, environment }: ServiceEnvironment,
): Promise<IncidentId | undefined> {
  const incident = IncidentId.safeParse(key?.split('.')[0]).data;
  if (key === undefined || incident === undefined) return undefined;
  const { flag, service_environment: at } = (await effects.get(incident, key)) ?? {};
  return flag?.on === false && at?.service === service && at.environment === environment ? incident : undefined;
}

/** Maximum number of open incidents that are searched for a flag that Firebreak has turned off. */
const SEARCHED_MAX = 50;

/**
 * Returns the open incident for which Firebreak has turned a flag off through the HTTP provider, of which its flag service reports
 * no author. Undefined: none, so that someone else has turned the flag off.
 */
export async function incidentOfFlagOff(
  { incidents }: Pick<Deps, 'incidents'>,
  report: Pick<NewChange, 'version' | 'kind'>,
  { service, environment }: ServiceEnvironment,
): Promise<IncidentId | undefined> {
  if (report.kind !== 'flag' || !turnedFlagOff(report)) return undefined;
  const name = flagKeyOf(report);
  for (const { id } of (await incidents.openSummaries()).slice(0, SEARCHED_MAX)) {
    const flags = switchedFlags((await incidents.view(id))?.effects ?? []);
    const isOwn = flags.some(
      ({ name: switched, state, effect: { service_environment: at } }) =>
        switched === name &&
        (state === 'off' || state === 'turning_off') &&
        at.service === service &&
        at.environment === environment,
    );
    if (isOwn) return id;
  }
  return undefined;
}
