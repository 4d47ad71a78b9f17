import { endOf, putsVersionLive } from '../changes/versions.ts';
import { MIN_SECONDS_SIDE_BY_SIDE } from '../correlation/side-by-side.ts';
import { evidenceLevelOf } from '../rollback/target-policy.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { EnvironmentEntry } from '../../../schemas/config/config.ts';
import type { Connections, CountedDeploys, Provability } from '../../../schemas/config/connections.ts';
import { DEPLOYER_NOTES } from '../../../schemas/rollback/targets.ts';
import { secondsBetween } from '../../../schemas/time/time.ts';

/** What monitoring shows of a service and environment. `missing`: why not more. Null: nothing is missing. */
export type PassiveProofs = Pick<Connections['evidence'][number], 'proofs' | 'missing' | 'deploys'>;

/** What decides how a suspect can be proved. */
export type ProvabilityInputs = Pick<EnvironmentEntry, 'autoRollback' | 'look'> & {
  deployer: string;
  hasHealth: boolean;
  measured: PassiveProofs;
  /** Lines that add the version to `health`. */
  propose: readonly string[];
};

/** Deploys that are examined, the newest ones. */
export const EXAMINED_MAX = 10;

/** What a controlled look needs to be allowed, by the kinds of deployers that can run one. */
const LOOK_PERMISSIONS = new Map(
  DEPLOYER_NOTES.flatMap(([kind, { look }]) => (look === undefined ? [] : [[kind, look]])),
);
const CAN_LOOK = [...LOOK_PERMISSIONS.keys()].join(' or ');

/** Decides what automation can prove before it acts without a person, and what would change that. */
export function provabilityOf({
  deployer,
  autoRollback,
  look,
  hasHealth,
  measured: { proofs, missing, deploys },
  propose,
}: ProvabilityInputs): Provability {
  const level = evidenceLevelOf({ autoRollback, look });
  const permissions = LOOK_PERMISSIONS.get(deployer);
  const addLook =
    permissions === undefined
      ? []
      : [`to test each suspected version, set look: {}; its credential must be allowed to ${permissions}`];
  const addVersions = propose.map((line) => `add to health: ${line}`);
  if (level === 'time') return { kind: 'time', steps: [...addVersions, ...addLook] };
  if (look !== undefined && permissions !== undefined)
    return {
      kind: 'tested',
      or_proved: level !== 'tested' && proofs.length > 0,
      steps: hasHealth ? [] : ['set health.promql: without it, a look only finds instances that do not run'],
    };
  if (level === 'tested')
    return look === undefined
      ? { kind: 'asks', because: 'evidence: tested needs look: {}', steps: addLook.length > 0 ? addLook : [NO_LOOK] }
      : { kind: 'asks', because: `a deployer of kind ${deployer} can't run a controlled look`, steps: [NO_LOOK] };
  if (proofs.length === 0)
    return { kind: 'asks', because: missing ?? 'nothing shows versions apart', steps: [...addVersions, ...addLook] };
  if (!proofs.includes('canary') && deploys?.by === 'requests' && deploys.side_by_side === 0)
    return {
      kind: 'asks',
      because: `in none of the last ${deploys.examined} deploys, both versions served for ${MIN_SECONDS_SIDE_BY_SIDE} s`,
      steps: ['roll out in steps, or slower', ...addLook],
    };
  return { kind: 'proved', proofs, deploys, steps: [...addVersions, ...addLook] };
}

const NO_LOOK = `remove evidence: tested and look, or use a deployer of kind ${CAN_LOOK}`;

/** Says in a sentence what automation can prove, without the steps. */
export function provabilityText(can: Provability): string {
  switch (can.kind) {
    case 'tested':
      return can.or_proved
        ? 'tested with a fresh instance of each version, or proved when two versions run side by side'
        : 'tested with a fresh instance of each version';
    case 'proved':
      return can.proofs.includes('version')
        ? `proved when two versions run side by side${can.deploys === null ? '' : ` (${countText(can.deploys)})`}`
        : 'proved when a canary fails';
    case 'time':
      return 'acts on the time of a deploy alone, without proof (evidence: time)';
    case 'asks':
      return `asks only: ${can.because}`;
  }
}

const countText = ({ examined, side_by_side: count, by }: CountedDeploys): string =>
  `${count} of the last ${examined} ${examined === 1 ? 'deploy' : 'deploys'}${by === 'records' ? ' by the recorded times' : ''}`;

/** Returns the newest deploys that are examined. @param changes oldest first */
export const examinedDeploys = (changes: readonly Change[]): Change[] =>
  changes.filter((change) => change.kind !== 'rollback' && putsVersionLive(change)).slice(-EXAMINED_MAX);

/** Counts the newest deploys that took long enough for a comparison, by their recorded times. @param changes oldest first */
export function deploysByRecords(changes: readonly Change[]): CountedDeploys | null {
  const deploys = examinedDeploys(changes);
  const isLong = (change: Change) =>
    change.canary_weight !== null || secondsBetween(change.started_at, endOf(change)) >= MIN_SECONDS_SIDE_BY_SIDE;
  return deploys.length === 0
    ? null
    : { examined: deploys.length, side_by_side: deploys.filter(isLong).length, by: 'records' };
}

/** Says what could be proved by the configuration and the records alone, as long as no check has measured it. */
export function proofsByRecords(
  health: EnvironmentEntry['health'] | undefined,
  changes: readonly Change[],
): PassiveProofs {
  const hasCanaries = changes.some(({ canary_weight: weight }) => weight !== null);
  const canary = hasCanaries ? (['canary'] as const) : [];
  if (health === undefined) return { proofs: [], missing: NO_HEALTH, deploys: null };
  return health.byVersion === undefined
    ? { proofs: [...canary], missing: 'health.byVersion is not set', deploys: null }
    : { proofs: ['version', ...canary], missing: null, deploys: deploysByRecords(changes) };
}

export const NO_HEALTH = 'there is no health query (health.promql) and no objective';
