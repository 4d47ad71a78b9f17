import type { Deps } from '../../domain/ports/deps.ts';
import { mutedBy, type Mute } from '../../domain/alerts/routing.ts';
import { minuteOf } from '../../domain/messages/story.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import { admitSignals } from '../../actions/alerts/admit-signals.ts';

type ReadmitDeps = Parameters<typeof admitSignals>[0];

/** Admits muted alerts that still fire as new alerts, after their silence or maintenance window has ended. */
export async function readmitUnmuted(deps: ReadmitDeps, trace: string): Promise<{ ended: number }> {
  const muted = await deps.incidents.muted();
  if (muted.length === 0) return { ended: 0 };
  const [config, silences, now] = [await deps.config.current(), await deps.silences.active(), deps.clock.now()];
  // If the silences cannot be read, none counts as ended.
  const over = muted.filter(
    ({ signal, by }) => mutedBy(signal, config, silences, now) === null && (silences !== null || by !== 'silence'),
  );
  for (const { signal } of over) await admitSignals(deps, [signal], { at: now, trace });
  return { ended: over.length };
}

/**
 * Shows on an open incident that its alerts are silenced or in maintenance, and why, so that responders know about it.
 */
export async function showMutes(
  deps: Pick<Deps, 'config' | 'silences' | 'clock' | 'incidents'>,
  open: readonly IncidentRecord[],
): Promise<void> {
  const silences = await deps.silences.active();
  const config = await deps.config.current();
  if ((silences ?? []).length === 0 && config.routes.maintenance.length === 0 && open.every(({ muted }) => !muted))
    return;
  const now = deps.clock.now();
  for (const incident of open) {
    const { items } = await deps.incidents.signals(incident.id, { limit: 50 });
    const firing = items.filter(({ status }) => status === 'firing');
    const mutes = firing.flatMap((signal) => mutedBy(signal, config, silences, now) ?? []);
    const text = mutes[0] === undefined ? null : muteText(mutes[0], mutes.length, firing.length);
    if (text === null && silences === null) continue;
    if (!(await deps.incidents.setMuted(incident.id, text)) || text === null) continue;
    await deps.incidents.note(incident.id, `muted-${text}`, {
      at: now,
      actor: 'alerts',
      kind: 'silence.shown',
      text,
      detail: null,
    });
  }
}

function muteText({ by, name, until, reason }: Mute, muted: number, firing: number): string {
  const what = by === 'silence' ? 'Silenced in Alertmanager' : `In maintenance (${name})`;
  const which = muted < firing ? `, ${muted} of ${firing} alerts` : '';
  return `${what}${which}${until === null ? '' : ` until ${minuteOf(until)}`}${reason === '' ? '' : `: ${reason}`}`;
}
