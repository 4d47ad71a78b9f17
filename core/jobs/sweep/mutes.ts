import type { Deps } from '../../domain/ports/deps.ts';
import type { Silences } from '../../domain/ports/silences.ts';
import type { Mute } from '../../domain/alerts/routing.ts';
import { muteOf, mutesNow, recordExplained, withInhibitors } from '../../actions/alerts/muted-by.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { admitSignals } from '../../actions/alerts/admit-signals.ts';
import { minuteText } from '../../../schemas/time/time.ts';

type ReadmitDeps = Parameters<typeof admitSignals>[0];

/**
 * Admits muted alerts that still fire as new alerts, after their silence, maintenance window, or experiment has ended.
 * Those that an experiment explains instead are recorded on it, and can abort it.
 */
export async function readmitUnmuted(deps: ReadmitDeps, trace: string): Promise<{ ended: number }> {
  const muted = await deps.incidents.muted();
  if (muted.length === 0) return { ended: 0 };
  const mutes = await mutesNow(
    deps,
    muted.map(({ signal }) => signal),
  );
  const alerts = muted.map(({ signal, mute: before }) => ({ signal, before, mute: muteOf(signal, mutes) }));
  // If the silences cannot be read, none counts as ended, and no mute without a recorded kind: it can be a silence.
  const ended = alerts.filter(
    ({ before, mute }) => mute === null && (mutes.silences !== null || (before !== null && before.by !== 'silence')),
  );
  for (const { signal } of ended) await admitSignals(deps, [signal], { at: mutes.now, trace });
  const explained = alerts.filter(({ before, mute }) => mute?.by === 'experiment' && before?.by !== 'experiment');
  await recordExplained(explained, mutes);
  return { ended: ended.length };
}

/**
 * Shows on an open incident that its alerts are silenced or in maintenance, and why, so that responders know about it. No wait
 * of a workflow: one list of silences counts for all incidents.
 */
export async function showMutes(
  deps: Pick<Deps, 'config' | 'extensions' | 'clock' | 'log' | 'incidents'> & { silences: Silences },
  open: readonly IncidentRecord[],
): Promise<void> {
  const mutes = await mutesNow(deps, []);
  const { config, silences, explanations, now } = mutes;
  const hasNoMutes =
    (silences ?? []).length === 0 &&
    config.routes.maintenance.length === 0 &&
    config.routes.inhibit_rules.length === 0 &&
    explanations.every(({ explainsAny }) => !explainsAny);
  if (hasNoMutes && open.every(({ muted }) => !muted)) return;
  for (const incident of open) {
    const { items } = await deps.incidents.signals(incident.id, { limit: 50 });
    const firing = items.filter(({ status }) => status === 'firing');
    const known = await withInhibitors(deps, mutes, firing);
    const activeMutes = firing.flatMap((signal) => muteOf(signal, known) ?? []);
    const text = activeMutes[0] === undefined ? null : muteText(activeMutes[0], activeMutes.length, firing.length);
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
  const what = {
    silence: 'Silenced in Alertmanager',
    maintenance: `In maintenance (${name})`,
    experiment: `Expected from experiment ${name}`,
    inhibition: `Inhibited by ${name}`,
  }[by];
  const share = muted < firing ? `, ${muted} of ${firing} alerts` : '';
  return `${what}${share}${until === null ? '' : ` until ${minuteText(until)}`}${reason === '' ? '' : `: ${reason}`}`;
}
