import { sha256 } from '../../aws/hash.ts';
import { burnFreezeByAlert } from '../../domain/freeze/causes.ts';
import { freezeId } from '../../domain/freeze/ids.ts';
import type { Deps } from '../../domain/ports.ts';
import type { Config } from '../../schemas/config.ts';
import type { Signal } from '../../schemas/signal.ts';
import type { Slo } from '../../schemas/slo.ts';
import { policyOf } from './policy.ts';

type AlertDeps = Pick<Deps, 'clock' | 'freezes' | 'sloAlerts' | 'log'>;

/**
 * A burn alert freezes at once: what is deployed until the next evaluation would be too much already. It is one whose
 * label `slo` names an objective of its service and environment.
 */
export async function freezeByAlerts(deps: AlertDeps, config: Config, signals: readonly Signal[]): Promise<void> {
  for (const signal of signals) {
    const slo = objectiveOf(signal, config);
    // Monitoring that fails says nothing of the service.
    if (slo === undefined || signal.monitoringFailure) continue;
    const { fingerprint, severity, status } = signal;
    await deps.sloAlerts.heard(slo.id, { fingerprint, severity, firing: status === 'firing' });
    if (status === 'firing') await freezeBy(deps, config, signal, slo);
  }
}

async function freezeBy({ clock, freezes, log }: AlertDeps, config: Config, signal: Signal, slo: Slo): Promise<void> {
  const { severity, title, source, episode } = signal;
  const freeze = burnFreezeByAlert(slo, { severity, title, by: source }, policyOf(config, slo), clock.now(), sha256);
  if (freeze === null) return;
  // Senders repeat what still fires. It freezes once: whatever ended that freeze knew more than the repetition does.
  const id = freezeId(sha256, 'burn', [slo.id, episode], signal.startsAt);
  const { id: slo_id, service, environment } = slo;
  try {
    const { created } = await freezes.open({ ...freeze, id });
    if (created)
      log.info('deploys are frozen', { freeze: id, slo: slo_id, service, environment, because: freeze.reason });
  } catch (error) {
    // Nothing that is tried again helps, and the alert has more to do than this.
    if (!(error instanceof Error && error.name === 'ScopeFull')) throw error;
    log.error('a burn alert could not freeze', { slo: slo_id, service, environment, error: error.message });
  }
}

function objectiveOf({ labels, service, environment }: Signal, { slos }: Config): Slo | undefined {
  const named = labels.find(([name]) => name === 'slo')?.[1];
  return named === undefined
    ? undefined
    : slos.find((slo) => slo.id === named && slo.service === service && slo.environment === environment);
}
