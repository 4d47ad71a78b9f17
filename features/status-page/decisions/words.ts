import type { MaintenanceStatus, PageView } from './view.ts';
import type { ComponentStatus, PublicStatus } from '../schemas/states.ts';
import { millisOf, type Timestamp } from '../../../schemas/time/time.ts';

export const STATE_WORDS: Readonly<Record<ComponentStatus, string>> = {
  operational: 'Operational',
  degraded_performance: 'Degraded performance',
  partial_outage: 'Partial outage',
  major_outage: 'Major outage',
  under_maintenance: 'Under maintenance',
};

/** Shapes, so that states differ without color. */
export const STATE_MARKS: Readonly<Record<ComponentStatus, string>> = {
  operational: '✓',
  degraded_performance: '◐',
  partial_outage: '▲',
  major_outage: '✕',
  under_maintenance: '◷',
};

/** State of a whole page, in the words of Statuspage's API. */
const OVERALL: Readonly<Record<ComponentStatus, { indicator: string; description: string }>> = {
  operational: { indicator: 'none', description: 'All Systems Operational' },
  degraded_performance: { indicator: 'minor', description: 'Partially Degraded Service' },
  partial_outage: { indicator: 'major', description: 'Partial System Outage' },
  major_outage: { indicator: 'critical', description: 'Major Service Outage' },
  under_maintenance: { indicator: 'maintenance', description: 'Service Under Maintenance' },
};

/** State of a whole page, as a sentence for people. */
const HEADLINES: Readonly<Record<ComponentStatus, string>> = {
  operational: 'All systems operational',
  degraded_performance: 'Some systems have degraded performance',
  partial_outage: 'Partial outage',
  major_outage: 'Major outage',
  under_maintenance: 'Maintenance in progress',
};

/** State of a whole page in all its forms. `indicator` and `description`: as in Statuspage's API. */
type Overall = { indicator: string; description: string; headline: string; mark: string; word: string };

/** A page without components. Statuspage's API has no indicator for it; clients show the description. */
const NOTHING_MEASURED: Overall = {
  indicator: 'none',
  description: 'No Components Yet',
  headline: 'Nothing is measured yet',
  mark: '–',
  word: 'No components',
};

/** Returns the state of a page in words. */
export const overallOf = ({ components, state }: Pick<PageView, 'components' | 'state'>): Overall =>
  components.length === 0
    ? NOTHING_MEASURED
    : { ...OVERALL[state], headline: HEADLINES[state], mark: STATE_MARKS[state], word: STATE_WORDS[state] };

export const STATUS_WORDS: Readonly<Record<PublicStatus | MaintenanceStatus, string>> = {
  investigating: 'Investigating',
  identified: 'Identified',
  monitoring: 'Monitoring',
  resolved: 'Resolved',
  scheduled: 'Scheduled',
  in_progress: 'In progress',
  completed: 'Completed',
};

/** Formatters by purpose and time zone, because they are slow to create. */
const formats = new Map<string, Intl.DateTimeFormat>();

function format(key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const cached = formats.get(key) ?? new Intl.DateTimeFormat('en-GB', options);
  formats.set(key, cached);
  return cached;
}

/** @example clockOf('2026-11-20T13:05:00.000Z', 'Europe/Berlin') // '20 Nov 2026, 14:05 CET' */
export const clockOf = (at: Timestamp, timeZone: string): string =>
  format(`clock ${timeZone}`, {
    timeZone,
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  }).format(millisOf(at));

/** @example dayOf('2026-11-20T23:05:00.000Z', 'Europe/Berlin') // '21 November 2026' */
export const dayOf = (at: Timestamp, timeZone: string): string =>
  format(`day ${timeZone}`, { timeZone, day: 'numeric', month: 'long', year: 'numeric' }).format(millisOf(at));

/** @example monthOf('2026-11') // 'November 2026' */
export const monthOf = (month: string): string =>
  format('month', { timeZone: 'UTC', month: 'long', year: 'numeric' }).format(
    millisOf(`${month}-01T00:00:00Z` as Timestamp),
  );

/** @example percentOf(0.99982) // '99.98 %' */
export const percentOf = (share: number): string =>
  // Rounded down: only a time without any outage is 100 %.
  `${share === 1 ? '100' : (Math.floor(share * 10_000) / 100).toFixed(2)} %`;

/** @example minutesOf(135) // '2 h 15 min' */
export const minutesOf = (minutes: number): string =>
  minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`;
