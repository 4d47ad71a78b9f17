import type { EnvironmentEntry } from '../../schemas/config/config.ts';
import type { TargetInputs } from './judgement.ts';

/** Returns what the catalogue says about acting on a service and environment. Undefined: it has no entry. */
export const policyOfTarget = (
  entry: EnvironmentEntry | undefined,
): Pick<TargetInputs, 'policy' | 'has_deployer' | 'has_flags'> => ({
  policy: {
    mode: entry?.autoRollback.mode ?? 'shadow',
    unknownMigration: entry?.autoRollback.unknownMigration ?? 'approve',
    approvals: entry?.autoRollback.approvals ?? 1,
    evidence: entry?.autoRollback.evidence ?? 'proved',
  },
  has_deployer: entry?.deployer !== undefined,
  ...(entry?.flags !== undefined && { has_flags: true as const }),
});
