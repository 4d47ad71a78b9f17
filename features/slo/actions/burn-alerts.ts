import { sha256 } from '../../../core/stores/hash.ts';
import { reportKeyOf } from '../../../core/domain/alerts/admission.ts';
import { burnFreezeByAlert } from '../../freeze/decisions/causes.ts';
import { freezeId } from '../../freeze/decisions/ids.ts';
import type { Freeze } from '../../freeze/schemas/freeze.ts';
import type { Deps } from '../ports.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { Slo } from '../../../schemas/slo/slo.ts';
import { policyOf } from '../../freeze/decisions/policy.ts';

type AlertDeps = Pick<Deps, 'clock' | 'freezes' | 'freezeState' | 'sloAlerts' | 'log'>;

/**
 * Opens freezes for burn-rate alerts at once, so that no deployment passes before the next evaluation. A burn-rate
 * alert has the label `slo` with the ID of an objective of its service and environment.
 */
export async function freezeByAlerts(deps: AlertDeps, config: Config, signals: readonly Signal[]): Promise<void> {
  for (const signal of signals) {
    const slo = objectiveOf(signal, config);
    // An alert about failing monitoring says nothing about the service.
    if (slo === undefined || signal.monitoringFailure) continue;
    const { severity, status } = signal;
    await deps.sloAlerts.record(slo.id, { report: reportKeyOf(signal), severity, firing: status === 'firing' });
    if (status === 'firing') await freezeByAlert(deps, config, signal, slo);
  }
}

async function freezeByAlert(
  { clock, freezes, freezeState, log }: AlertDeps,
  config: Config,
  signal: Signal,
  slo: Slo,
): Promise<void> {
  const { severity, title, source, episode } = signal;
  const freeze = burnFreezeByAlert(slo, { severity, title, by: source }, policyOf(config, slo), clock.now(), sha256);
  if (freeze === null) return;
  // Freezes of objectives are in the scope of their service, never in that of a team.
  if (isCovered(slo, signal, (await freezeState.read({ ...slo, team: null }, [])).own)) return;
  // Senders repeat firing alerts. An alert opens a freeze only once, so that a repetition does not reopen an ended
  // freeze.
  const id = freezeId(sha256, 'burn', [slo.id, episode], signal.startsAt);
  const { id: slo_id, service, environment } = slo;
  try {
    const { created } = await freezes.open({ ...freeze, id });
    if (created)
      log.info('deploys are frozen', { freeze: id, slo: slo_id, service, environment, because: freeze.reason });
  } catch (error) {
    // A retry would not help, and the alert must still be processed.
    if (!(error instanceof Error && error.name === 'ScopeFull')) throw error;
    log.error('a burn-rate alert could not open a freeze', {
      slo: slo_id,
      service,
      environment,
      error: error.message,
    });
  }
}

/** Returns whether a freeze by the spent budget covers the alert. What burned when a person lifted it does not freeze again. */
const isCovered = ({ id }: Slo, { startsAt }: Signal, freezes: readonly Freeze[]): boolean =>
  freezes.some(
    ({ cause, slo, ended_at }) => cause === 'budget' && slo === id && (ended_at === null || ended_at > startsAt),
  );

function objectiveOf({ labels, service, environment }: Signal, { slos }: Config): Slo | undefined {
  const named = labels.find(([name]) => name === 'slo')?.[1];
  return named === undefined
    ? undefined
    : slos.find((slo) => slo.id === named && slo.service === service && slo.environment === environment);
}
