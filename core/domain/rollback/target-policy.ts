import type { EnvironmentEntry, EvidenceLevel } from '../../../schemas/config/config.ts';
import { knowsNamesOnly } from '../changes/deploy-repository.ts';
import type { TargetInputs } from './judgement.ts';

/** Returns the evidence that an automatic action requires. Where a controlled look is on, a test is the default. */
export const evidenceLevelOf = (entry: Pick<EnvironmentEntry, 'autoRollback' | 'look'> | undefined): EvidenceLevel =>
  entry?.autoRollback.evidence ?? (entry?.look === undefined ? 'proved' : 'tested');

/** Returns what the catalogue says about acting on a service and environment. Undefined: it has no entry. */
export const policyOfTarget = (
  entry: EnvironmentEntry | undefined,
): Pick<TargetInputs, 'policy' | 'has_deployer' | 'names_only' | 'has_flags' | 'has_look'> => ({
  policy: {
    mode: entry?.autoRollback.mode ?? 'shadow',
    unknownMigration: entry?.autoRollback.unknownMigration ?? 'approve',
    approvals: entry?.autoRollback.approvals ?? 1,
    evidence: evidenceLevelOf(entry),
    ...(entry && { maxOnsetAgeMinutes: entry.autoRollback.maxOnsetAgeMinutes }),
  },
  has_deployer: entry?.deployer !== undefined,
  ...(knowsNamesOnly(entry?.deployer) && { names_only: true as const }),
  ...(entry?.flags !== undefined && { has_flags: true as const }),
  ...(entry?.look !== undefined && { has_look: true as const }),
});
