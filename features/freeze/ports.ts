import { Unrecognized } from '../../core/actions/alerts/unrecognized.ts';
import type { IdentityTokens } from '../../core/domain/ports/access.ts';
import { loadedOnUse } from '../../core/domain/ports/loaded-on-use.ts';
import { type FeatureDeps, type FeatureParts, portsAdder } from '../manifest.ts';
import { FreezeStateTable } from './stores/freeze-state.ts';
import type {
  ClusterGates,
  DecisionRetention,
  DeploymentProtection,
  EvaluationLease,
  FreezeDecisions,
  Freezes,
  FreezeState,
  Signer,
  WaitingDeployments,
} from './types.ts';

/** What freezes need beyond the core. */
export type FreezePorts = {
  freezes: Freezes;
  freezeState: FreezeState;
  freezeDecisions: FreezeDecisions;
  decisionRetention: DecisionRetention;
  evaluationLease: EvaluationLease;
  signer: Signer;
  identityTokens: IdentityTokens;
  waitingDeployments: WaitingDeployments;
  deploymentProtection: DeploymentProtection;
  clusterGates: ClusterGates;
  unrecognized: Pick<Unrecognized, 'count'>;
};

export type Deps = FeatureDeps & FreezePorts;

/** Creates the stores of freezes, and what the freeze check needs. Their code is loaded with their first use. */
export function freezePorts({ system, table, audit, changed, github, counted }: FeatureParts): FreezePorts {
  const { blobs, clock, log, secrets } = system;
  return {
    freezes: loadedOnUse<Freezes>(
      async () => new (await import('./stores/freezes.ts')).FreezeTable(table, clock, audit, changed),
    ),
    // Not on use: a freeze check reads it in one call to the store with what features report.
    freezeState: new FreezeStateTable(table),
    freezeDecisions: loadedOnUse<FreezeDecisions>(
      async () => new (await import('./stores/freeze-decisions.ts')).FreezeDecisionTable(table, blobs, audit, log),
    ),
    decisionRetention: loadedOnUse<DecisionRetention>(
      async () =>
        new (await import('./stores/decision-retention.ts')).DecisionRetentionTable(table, blobs, audit, clock),
    ),
    evaluationLease: loadedOnUse<EvaluationLease>(
      async () => new (await import('./stores/evaluation-lease.ts')).EvaluationLeaseTable(table, clock),
    ),
    signer: loadedOnUse<Signer>(async () => (await import('./vendors/signer.ts')).es256Signer({ secrets, clock, log })),
    identityTokens: loadedOnUse<IdentityTokens>(async () =>
      (await import('../../vendors/oidc/identity-tokens.ts')).identityTokens({ clock }),
    ),
    waitingDeployments: loadedOnUse<WaitingDeployments>(
      async () => new (await import('./stores/waiting-deployments.ts')).WaitingDeploymentTable(table, clock),
    ),
    deploymentProtection: counted(
      'github',
      loadedOnUse<DeploymentProtection>(async () =>
        (await import('./vendors/github/protection.ts')).githubProtection(github),
      ),
    ),
    clusterGates: counted(
      'kubernetes',
      loadedOnUse<ClusterGates>(async () =>
        (await import('./vendors/kubernetes/cluster-gates.ts')).clusterGates({ secrets, clock }),
      ),
    ),
    unrecognized: new Unrecognized(system.counters),
  };
}

/** Returns the dependencies with those of freezes. */
export const withPorts = portsAdder<FreezePorts>('freeze');
