import { isEvent } from '../alerts/admission.ts';
import type { Overview } from './story.ts';
import { minuteText } from '../../../schemas/time/time.ts';

/**
 * Alerts of an incident with the same title, as every channel shows them. `event`: it happened, and can't fire. `note`: what else
 * is to be said. Null: nothing.
 */
export type AlertLine = { title: string; state: 'firing' | 'last_seen' | 'event' | 'resolved'; note: string | null };

/**
 * Returns the alerts of an incident by title, firing ones first, and how many fire in words. The number is counted from the
 * alerts that are listed beneath it, if all are known.
 */
export function alertLines({ incident, signals }: Pick<Overview, 'incident' | 'signals'>): {
  rows: AlertLine[];
  countText: string;
} {
  const states = signals.map((signal) => ({ ...signal, state: stateOf(signal) }));
  const isWhole = signals.length >= incident.signal_count;
  const count = (state: AlertLine['state']): number => states.filter((one) => one.state === state).length;
  const firing = isWhole ? count('firing') : Math.max(incident.firing, 0);
  const lastSeen = isWhole ? count('last_seen') : (incident.last_seen_alerts ?? 0);
  const rows = [...Map.groupBy(states, ({ title }) => title)].map(([title, all]): AlertLine => {
    const [first] = ORDER.filter((state) => all.some((one) => one.state === state));
    const state = first ?? 'resolved';
    const same = all.filter((one) => one.state === state);
    const seen = same
      .flatMap(({ lastSeenAt }) => lastSeenAt ?? [])
      .toSorted()
      .at(-1);
    const notes = [
      ...(all.length === 1
        ? []
        : [same.length === all.length ? `${all.length} times` : `${same.length} of ${all.length}`]),
      ...(state === 'last_seen' && seen !== undefined ? [`last seen ${minuteText(seen)}`] : []),
    ];
    return { title, state, note: notes.length === 0 ? null : notes.join(', ') };
  });
  return {
    rows: rows.toSorted((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state)),
    countText: `${firing} of ${Math.max(incident.signal_count, firing)} firing${lastSeen === 0 ? '' : `, ${lastSeen} last seen over a day ago`}`,
  };
}

const ORDER: readonly AlertLine['state'][] = ['firing', 'last_seen', 'event', 'resolved'];

function stateOf(signal: Overview['signals'][number]): AlertLine['state'] {
  if (signal.lastSeenAt !== undefined) return 'last_seen';
  if (signal.status === 'resolved') return 'resolved';
  return isEvent(signal) ? 'event' : 'firing';
}
