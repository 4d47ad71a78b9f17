import { scopeOf } from '../../domain/alerts/admission.ts';
import { lastingTitle } from '../../domain/alerts/lasting-title.ts';
import type { HeldAlert } from '../../domain/ports/alerts.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { admitSignals } from '../../actions/alerts/admit-signals.ts';
import { eachAlone } from '../../actions/each-alone.ts';
import { wake } from '../../../workflows/wake.ts';
import { healthNow } from '../../../workflows/steps/health-now.ts';

export type HeldDeps = Parameters<typeof admitSignals>[0] & Pick<Deps, 'metrics'>;

/**
 * Decides about what is held.
 *
 * - Alerts that were reported as firing shortly after their end: if the health query is within its limit, the notification was
 *   late. Otherwise, or if health is not known, the alert fires, and opens or reopens its incident.
 * - Ends that were not measured: the alert ends when the health query is within its limit.
 */
export async function settleHeld(deps: HeldDeps, trace: string): Promise<{ fire: number; late: number }> {
  const now = deps.clock.now();
  const held = await deps.incidents.held(now);
  const ends = held.filter(({ signal }) => signal.status === 'resolved');
  await eachAlone(
    deps.log,
    'an end that was not measured',
    ends.map((end) => ({ id: end.signal.episode, end })),
    ({ end }) => settleEnd(deps, end),
  );
  const due = held.filter(({ signal }) => signal.status === 'firing');
  const scopes = [...Map.groupBy(due, ({ signal }) => scopeOf(signal))].map(([id, alerts]) => ({ id, alerts }));
  const settled = { fire: 0, late: 0 };
  await eachAlone(deps.log, 'a held alert', scopes, async ({ alerts }) => {
    const [first] = alerts;
    const health = first && (await healthyText(deps, first.signal));
    if (health == null) {
      const signals = alerts.map(({ signal }) => signal);
      await admitSignals(deps, signals, { at: now, trace });
      settled.fire += alerts.length;
    } else {
      for (const alert of alerts) await release(deps, alert, health);
      settled.late += alerts.length;
    }
  });
  return settled;
}

async function settleEnd(deps: HeldDeps, held: HeldAlert): Promise<void> {
  const { incidents } = deps;
  const { signal, episode, incident: id, isFiring } = held;
  const incident = id === null ? undefined : await incidents.read(id);
  if (isFiring && incident !== undefined && incident.status !== 'resolved') {
    const health = await healthyText(deps, signal);
    if (health === null) return;
    const text = `The end of "${lastingTitle(signal.title)}" was not measured: ${signal.unmeasured}. ${health}`;
    await incidents.endEpisodes(incident.id, [episode], text);
    await wake(deps, incident.id);
  }
  await incidents.releaseHeld(held);
}

/** Returns what the health query shows, if it is within its limit. Null: it is not, or health is not known. */
async function healthyText(deps: HeldDeps, signal: Signal): Promise<string | null> {
  const health = signal.unmatched === null ? await healthNow(deps, signal) : null;
  return health?.verdict.outcome === 'passed' ? health.verdict.text : null;
}

async function release({ incidents, clock }: HeldDeps, alert: HeldAlert, health: string): Promise<void> {
  const { signal, until, incident } = alert;
  await incidents.releaseHeld(alert);
  if (incident === null) return;
  await incidents.note(incident, `released-${until}-${signal.episode}`, {
    at: clock.now(),
    actor: 'firebreak',
    kind: 'alerts.late',
    text: `Not reopened: "${lastingTitle(signal.title)}" was reported as firing after its end, probably by a late notification. ${health}`,
    detail: { episode: signal.episode },
  });
}
