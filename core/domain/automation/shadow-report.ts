import { ofVersion } from '../changes/change-words.ts';
import type { Automation } from '../../../schemas/access/access.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { DecisionView, IncidentView } from '../../../schemas/incidents/incident.ts';
import { lowestMode, type Mode, type Version } from '../../../schemas/config/names.ts';
import type {
  ShadowAct,
  ShadowCase,
  ShadowRow,
  ShadowTally,
  ShadowVerdict,
} from '../../../schemas/automation/shadow-report.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { environmentCap, modesFor } from './automation.ts';
import { serviceEntry } from '../catalogue/catalogue.ts';
import { activeClearings, clearingsText } from '../changes/cleared-suspects.ts';
import type { ServiceEnvironment } from '../ports/common.ts';
import { isSameVersion, partsOf } from '../changes/version-identity.ts';
import { byStart, putsVersionLive } from '../changes/versions.ts';

/** Compares what automation would have done in shadow mode with what people did. */

/** A rollback within 30 minutes after the end of an incident still belongs to it. */
const LATE_SECONDS = 30 * 60;

/** A version that is rolled back within a day after the end may have been the cause after all. */
const DOUBT_SECONDS = 24 * 3600;

/** Maximum number of cases shown per service and environment. */
const CASES_SHOWN_MAX = 20;

/** Minimum number of right cases for a promotion; a tenth of the cases may be wrong. */
const READY_RIGHT_MIN = 3;
const READY_WRONG_SHARE_MAX = 0.1;

/** Minimum number of right rollbacks for `act`, with none wrong: two wrong ones of 20 demote the service again. */
const ACT_RIGHT_MIN = 10;

export type ShadowIncident = Pick<
  IncidentView,
  'id' | 'number' | 'service' | 'environment' | 'opened_at' | 'resolved_at' | 'cleared' | 'decisions'
>;

/** Hypothetical action for one incident, not judged yet. */
export type ShadowedIncident = ServiceEnvironment & {
  would: ShadowAct;
  decision: DecisionView;
  incident: ShadowIncident;
};

/** Changes of a service and environment, in any order, complete since `since`. */
export type KnownChanges = { changes: readonly Change[]; since: Timestamp };

/**
 * Returns the most automatic action that automation would have taken for an incident.
 *
 * @param isShadow whether a service and environment is in shadow mode now, for decisions without possible action, which
 *   do not record the mode
 * @returns undefined if the incident was not handled in shadow mode
 */
export function shadowedIncident(
  incident: ShadowIncident,
  isShadow: (serviceEnvironment: ServiceEnvironment) => boolean,
): ShadowedIncident | undefined {
  const all = incident.decisions
    .filter(({ question }) => question === undefined)
    // Older versions did not store the hypothetical decision.
    .filter(({ kind, would }) => (kind === 'shadow' && would !== undefined) || kind === 'none')
    .map((decision): ShadowedIncident => ({
      ...serviceEnvironmentOf(decision, incident),
      would: actOf(decision),
      decision,
      incident,
    }))
    .filter(({ decision, ...serviceEnvironment }) => decision.kind === 'shadow' || isShadow(serviceEnvironment));
  return ACTS.map((act) => all.find(({ would }) => would === act)).find((found) => found !== undefined);
}

/** Most automatic first. */
const ACTS: readonly ShadowAct[] = ['roll_back', 'ask', 'nothing'];

function serviceEnvironmentOf({ target }: DecisionView, { service, environment }: ShadowIncident): ServiceEnvironment {
  return target ?? { service, environment };
}

function actOf({ would, from_version, to_version }: DecisionView): ShadowAct {
  if (would === undefined || would.kind === 'suggest' || from_version === null || to_version === null) return 'nothing';
  return would.kind === 'roll_back' ? 'roll_back' : 'ask';
}

type Judgement = { verdict: ShadowVerdict; because: string };
const right = (because: string): Judgement => ({ verdict: 'right', because });
const wrong = (because: string): Judgement => ({ verdict: 'wrong', because });
const undecided = (because: string): Judgement => ({ verdict: 'undecided', because });

/** Judges a case by people's answers and by deployments. Unclear cases are undecided. */
export function judgeShadow(judgedCase: ShadowedIncident, knownChanges: KnownChanges, now: Timestamp): ShadowCase {
  const { decision, incident, would } = judgedCase;
  const { from_version, to_version } = decision;
  return {
    incident: incident.id,
    number: incident.number,
    at: decision.at,
    would,
    from_version,
    to_version,
    ...(would === 'nothing' ? judgeNothing(judgedCase, knownChanges, now) : judgeAct(judgedCase, knownChanges, now)),
  };
}

function judgeAct(
  { decision, incident, service }: ShadowedIncident,
  knownChanges: KnownChanges,
  now: Timestamp,
): Judgement {
  const { from_version: from, to_version: to, marked_wrong: mark } = decision;
  if (mark !== undefined) return wrong(`${mark.by} marked it as wrong: ${mark.note}`);
  const cleared = activeClearings(incident.cleared).find((each) => each.version === from && each.service === service);
  if (cleared !== undefined) return wrong(clearingsText([cleared]));
  const undecidable = judgeUndecidable(incident, knownChanges);
  if (undecidable !== undefined) return undecidable;
  const { during, later, until } = changesAround(incident, knownChanges, now);
  const isTarget = (change: Change): boolean => to !== null && brings(change, to);
  const rollback = during.find((change) => putsVersionLive(change) && (isTarget(change) || isRollback(change)));
  if (rollback !== undefined && !isTarget(rollback))
    return undecided(`people rolled back to ${rollback.version} instead of ${to}`);
  if (incident.resolved_at === null)
    return undecided(
      rollback === undefined ? 'the incident is open' : `people rolled back to ${to}, and the incident is open`,
    );
  if (rollback !== undefined) return right(`people rolled back to ${to}, and the incident ended`);
  const otherChange = during.find((change) => !putsVersionLive(change) || change.version !== from);
  if (otherChange !== undefined)
    return undecided(`another change was made during the incident: ${otherChange.kind} ${ofVersion(otherChange)}`);
  if (now < until) return undecided('the incident ended less than 30 minutes ago');
  const laterRollback = later.find((change) => isTarget(change) || isRollback(change));
  if (laterRollback !== undefined)
    return undecided(`people rolled back to ${laterRollback.version} within a day after the end`);
  return wrong(`the incident ended while ${from} kept running`);
}

function judgeNothing({ incident, decision }: ShadowedIncident, knownChanges: KnownChanges, now: Timestamp): Judgement {
  const { marked_wrong: mark } = decision;
  if (mark !== undefined) return wrong(`${mark.by} marked it as wrong: ${mark.note}`);
  const undecidable = judgeUndecidable(incident, knownChanges);
  if (undecidable !== undefined) return undecidable;
  const { during, until } = changesAround(incident, knownChanges, now);
  const rollback = during.find(isRollback);
  if (rollback !== undefined) return wrong(`people rolled back to ${rollback.version}`);
  if (incident.resolved_at === null) return undecided('the incident is open');
  if (now < until) return undecided('the incident ended less than 30 minutes ago');
  return right('people did not roll back either');
}

/** Returns the judgement of a case that changes cannot decide. Undefined: they can. */
function judgeUndecidable({ decisions, opened_at }: ShadowIncident, { since }: KnownChanges): Judgement | undefined {
  if (decisions.some(({ kind, because }) => kind === 'roll_back' && because !== 'requested_by_person'))
    return undecided('the mode was raised during the incident, and Firebreak rolled back automatically');
  if (opened_at < since) return undecided('too many changes since then to judge it');
  return undefined;
}

function changesAround(
  { opened_at, resolved_at }: ShadowIncident,
  { changes }: KnownChanges,
  now: Timestamp,
): { during: Change[]; later: Change[]; until: Timestamp } {
  const until = resolved_at === null ? now : plusSeconds(resolved_at, LATE_SECONDS);
  const doubtUntil = plusSeconds(until, DOUBT_SECONDS);
  const succeeded = changes
    .filter(({ status, started_at }) => status === 'succeeded' && started_at >= opened_at)
    .toSorted(byStart);
  return {
    during: succeeded.filter(({ started_at }) => started_at <= until),
    later: succeeded.filter(
      (change) => putsVersionLive(change) && change.started_at > until && change.started_at <= doubtUntil,
    ),
    until,
  };
}

/** Returns whether people restored the version. Their system can call one commit of a branch by the name of the branch. */
const brings = (change: Change, version: Version): boolean =>
  change.version === version || (partsOf(version).name !== version && isSameVersion(change, { version }));

const isRollback = ({ kind }: Change): boolean => kind === 'rollback';

/** Returns one row for each service and environment, sorted by name. @param cases newest first */
export function shadowRows(
  cases: readonly { serviceEnvironment: ServiceEnvironment; judged: ShadowCase }[],
  { services, automation }: { services: Config['services']; automation: Automation },
): ShadowRow[] {
  const serviceEnvironments = Map.groupBy(cases, ({ serviceEnvironment }) =>
    JSON.stringify([serviceEnvironment.service, serviceEnvironment.environment]),
  );
  return [...serviceEnvironments]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, all]) => {
      const { service, environment } = all[0]?.serviceEnvironment ?? {};
      if (service === undefined || environment === undefined) return [];
      const serviceEnvironment = { service, environment };
      const judged = all.map((judgedCase) => judgedCase.judged);
      const tallies = {
        rollbacks: tally(judged, 'roll_back'),
        questions: tally(judged, 'ask'),
        nothing: tally(judged, 'nothing'),
      };
      return [
        {
          ...serviceEnvironment,
          mode: modeOf(serviceEnvironment, services, automation),
          ...tallies,
          promotion: promotionOf(serviceEnvironment, tallies, { services, automation }),
          cases: judged.slice(0, CASES_SHOWN_MAX),
        },
      ];
    });
}

function tally(cases: readonly ShadowCase[], act: ShadowAct): ShadowTally {
  const casesOfAct = cases.filter(({ would }) => would === act);
  const count = (verdict: ShadowVerdict) => casesOfAct.filter((judgedCase) => judgedCase.verdict === verdict).length;
  return { count: casesOfAct.length, right: count('right'), wrong: count('wrong'), undecided: count('undecided') };
}

/** Returns the effective mode of a service and environment. Null: not in the catalogue. */
export function modeOf(
  serviceEnvironment: ServiceEnvironment,
  services: Config['services'],
  automation: Automation,
): Mode | null {
  const configured = configuredMode(serviceEnvironment, services);
  if (configured === null) return null;
  const demoted: Mode[] = Object.hasOwn(automation.demoted, serviceEnvironment.service) ? ['approve'] : [];
  return lowestMode(configured, ...modesFor(automation, serviceEnvironment, services), ...demoted);
}

function configuredMode({ service, environment }: ServiceEnvironment, services: Config['services']): Mode | null {
  const entry = serviceEntry(services, service);
  if (entry === undefined || !Object.hasOwn(entry.environments, environment)) return null;
  return entry.environments[environment]?.autoRollback.mode ?? 'shadow';
}

function promotionOf(
  serviceEnvironment: ServiceEnvironment,
  { rollbacks, questions }: Record<'rollbacks' | 'questions', ShadowTally>,
  { services, automation }: { services: Config['services']; automation: Automation },
): ShadowRow['promotion'] {
  if (modeOf(serviceEnvironment, services, automation) !== 'shadow') return null;
  const rightCount = rollbacks.right + questions.right;
  const wrongCount = rollbacks.wrong + questions.wrong;
  const ready = rightCount >= READY_RIGHT_MIN && wrongCount <= READY_WRONG_SHARE_MAX * (rightCount + wrongCount);
  const to = ready && rollbacks.right >= ACT_RIGHT_MIN && rollbacks.wrong === 0 ? 'act' : 'approve';
  const because = `${rightCount} right, ${wrongCount} wrong${ready ? '' : `; wait for at least ${READY_RIGHT_MIN} right and at most ${READY_WRONG_SHARE_MAX * 100} % wrong`}`;
  return { to, ready, because, steps: promotionSteps(to, serviceEnvironment, { services, automation }) };
}

/** Returns the required changes: the catalogue, and each cap that is `shadow`. */
function promotionSteps(
  to: Mode,
  serviceEnvironment: ServiceEnvironment,
  { services, automation }: { services: Config['services']; automation: Automation },
): string[] {
  const { service, environment } = serviceEnvironment;
  const serviceCaps = Object.hasOwn(automation.services, service) ? automation.services[service] : undefined;
  const key = [service, 'environments', environment, 'autoRollback', 'mode'].map(yamlKey).join(': { ');
  return [
    ...(configuredMode(serviceEnvironment, services) === 'shadow'
      ? [`In config/services.yaml, set services: { ${key}: ${to}${' }'.repeat(5)}`]
      : []),
    ...(environmentCap(automation, serviceEnvironment, services) === 'shadow'
      ? [`firebreak automation mode ${to} --service ${shellWord(service)} --environment ${shellWord(environment)}`]
      : []),
    ...(serviceCaps?.mode === 'shadow' ? [`firebreak automation mode ${to} --service ${shellWord(service)}`] : []),
    ...(automation.mode === 'shadow' ? [`firebreak automation mode ${to}  # for all services`] : []),
  ];
}

const PLAIN_WORD = /^[A-Za-z][\w.-]*$/;
const YAML_WORDS = /^(true|false|null|yes|no|on|off|y|n)$/i;
const yamlKey = (name: string): string =>
  PLAIN_WORD.test(name) && !YAML_WORDS.test(name) ? name : JSON.stringify(name);
const shellWord = (name: string): string => (PLAIN_WORD.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`);
