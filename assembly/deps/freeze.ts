import type { FreezeDeps } from '../../domain/ports/deps.ts';
import { githubProtection } from '../../integrations/github/protection/protection.ts';
import { notifyingFreezes } from '../../stores/notifying-stores.ts';
import { AuditLogTable } from '../../stores/audit/audit-log.ts';
import { FreezeDecisionTable } from '../../stores/freeze/freeze-decisions.ts';
import { FreezeStateTable } from '../../stores/freeze/freeze-state.ts';
import { FreezeTable } from '../../stores/freeze/freezes.ts';
import { WaitingDeploymentTable } from '../../stores/freeze/waiting-deployments.ts';
import { loadedOnUse } from '../../domain/ports/loaded-on-use.ts';
import type { Shared } from './shared.ts';

/** Creates the stores of freezes and the audit log, and what the freeze check needs. */
export function freezeDeps({ system, table, projections, rollbackGates, github, counted }: Shared): FreezeDeps {
  const { clock, secrets, log, blobs } = system;
  const audit = new AuditLogTable(table, blobs, clock, log, secrets);
  return {
    freezes: notifyingFreezes(new FreezeTable(table, clock, audit), (...subjects) => projections.changed(...subjects)),
    freezeState: new FreezeStateTable(table),
    freezeDecisions: new FreezeDecisionTable(table, blobs, audit, log),
    audit,
    signer: loadedOnUse(async () => {
      const { es256Signer } = await import('../../integrations/jose/signer.ts');
      return es256Signer({ secrets, clock, log });
    }),
    identityTokens: loadedOnUse(async () => {
      const { identityTokens } = await import('../../integrations/oidc/identity-tokens.ts');
      return identityTokens({ clock });
    }),
    rollbackGates,
    waitingDeployments: new WaitingDeploymentTable(table, clock),
    deploymentProtection: counted('github', githubProtection(github)),
  };
}
