import type { FreezeDeps } from '../../domain/ports/deps.ts';
import { githubProtection } from '../../integrations/github/protection/protection.ts';
import { identityTokens } from '../../integrations/oidc/identity-tokens.ts';
import { es256Signer } from '../clients/signer.ts';
import { notifyingFreezes } from '../notifying-stores.ts';
import { AuditLogTable } from '../table/audit/audit-log.ts';
import { FreezeDecisionTable } from '../table/freeze/freeze-decisions.ts';
import { FreezeStateTable } from '../table/freeze/freeze-state.ts';
import { FreezeTable } from '../table/freeze/freezes.ts';
import { WaitingDeploymentTable } from '../table/freeze/waiting-deployments.ts';
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
    signer: es256Signer({ secrets, clock, log }),
    identityTokens: identityTokens({ clock }),
    rollbackGates,
    waitingDeployments: new WaitingDeploymentTable(table, clock),
    deploymentProtection: counted('github', githubProtection(github)),
  };
}
