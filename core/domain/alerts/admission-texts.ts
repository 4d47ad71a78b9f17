import type { Signal } from '../../../schemas/alerts/signal.ts';
import { highestSeverity, reporterOf } from './admission.ts';
import { lastingTitle } from './lasting-title.ts';

type Arrival = { signal: Signal; unmuted: boolean };

/** Arrivals by their effect on the incident. */
type Arrivals = Readonly<
  Record<'attached' | 'raised' | 'ended' | 'unmeasured' | 'requesting' | 'measured', readonly Arrival[]>
>;

/** Kind of the timeline entry about arrivals. */
export const kindOf = ({ attached, raised, ended, unmeasured, requesting }: Arrivals): string =>
  attached.length > 0
    ? 'alerts.fired'
    : raised.length > 0
      ? 'alerts.raised'
      : ended.length > 0
        ? 'alerts.resolved'
        : unmeasured.length > 0
          ? 'alerts.unmeasured'
          : requesting.length > 0
            ? 'alerts.rollback_requested'
            : 'alerts.measured';

export const textOf = ({ attached, raised, ended, unmeasured, requesting, measured }: Arrivals): string =>
  [
    attached.length > 0 ? `Firing: ${titles(attached)}` : '',
    raisedText(raised),
    ended.length > 0 ? `Resolved: ${lastingTitles(ended)}` : '',
    ...unmeasuredTexts(unmeasured),
    attached.length + raised.length === 0 && requesting.length > 0 ? `Rollback requested: ${titles(requesting)}` : '',
    measured.length > 0 ? `Measured for the first time: ${titles(measured)}` : '',
  ]
    .filter(Boolean)
    .join('. ');

/** Returns a sentence for each reason for which senders report ends that were not measured. */
const unmeasuredTexts = (unmeasured: readonly Arrival[]): string[] =>
  [...Map.groupBy(unmeasured, ({ signal }) => signal.unmeasured ?? '')].map(
    ([because, alerts]) =>
      `Not a recovery: ${lastingTitles(alerts)} was reported as resolved because ${because}. It counts as firing until health is within its limit, or a person resolves the incident`,
  );

function raisedText(raised: readonly Arrival[]): string {
  const [unmuted, others] = [raised.filter((arrival) => arrival.unmuted), raised.filter((arrival) => !arrival.unmuted)];
  return [
    others.length > 0
      ? `Severity raised to ${highestSeverity(others.map(({ signal }) => signal.severity))}: ${titles(others)}`
      : '',
    unmuted.length > 0 ? `No longer expected, and still firing: ${titles(unmuted)}` : '',
  ]
    .filter(Boolean)
    .join('. ');
}

/** Names alerts that do not begin now: what they measured when they began is not of this moment. */
const lastingTitles = (reported: readonly Arrival[]): string => titles(reported, lastingTitle);

function titles(reported: readonly Arrival[], nameOf = (title: string): string => title): string {
  const names = [...new Set(reported.map(({ signal }) => nameOf(signal.title)))];
  return (
    names.slice(0, 3).join('; ') +
    (names.length > 3 || reported.length > names.length ? ` (${reported.length} alerts)` : '')
  );
}

export const detailOf = ({ attached, raised, ended, unmeasured, requesting, measured }: Arrivals) => ({
  ...(raised.length > 0 && { raised: raised.map(({ signal }) => signal.episode) }),
  ...(unmeasured.length > 0 && { unmeasured: unmeasured.map(({ signal }) => signal.episode) }),
  ...(measured.length > 0 && { measured: measured.map(({ signal }) => signal.episode) }),
  fired: attached.map(({ signal }) => signal.episode),
  resolved: ended.map(({ signal }) => signal.episode),
  asked: requesting.map(({ signal }) => signal.episode),
  senders: [
    ...new Set(
      [...raised, ...attached, ...ended, ...unmeasured, ...requesting, ...measured].flatMap(
        ({ signal }) => reporterOf(signal) ?? [],
      ),
    ),
  ],
});
