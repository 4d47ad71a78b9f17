import { suggestionText } from '../../schemas/parsing/similar-names.ts';
import { counted } from '../../core/domain/reports/words.ts';
import { suggestedName } from '../../core/domain/catalogue/known-names.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { Count, CounterName } from '../../core/domain/incidents/metrics.ts';
import type { Counters } from '../../core/domain/ports/system.ts';
import type { CheckResult } from './check-result.ts';

/** How many series to name. */
const NAMED_MAX = 10;

/** Reports the events of the last day that were accepted and changed nothing. Many of them are normal, so that it is no fault. */
export async function ignoredEvents({ counters }: { counters: Counters }): Promise<CheckResult> {
  const counts = await lastDay(counters, 'firebreak_events_ignored_total');
  if (counts.length === 0) return { state: 'set', detail: 'none in the last day' };
  const text = ({ labels: [sender = '', reason = ''], by }: Count) =>
    `${counted(by, 'event')} from ${sender} in the last day: ${reason}`;
  return { state: 'set', detail: listed(counts, text, 'firebreak_events_ignored_total') };
}

/** Reports the severities of the last day's alerts that are unknown: their alerts count as warnings, and page nobody. */
export async function unknownSeverities({ counters }: { counters: Counters }): Promise<CheckResult> {
  const counts = await lastDay(counters, 'firebreak_alerts_severity_unknown_total');
  if (counts.length === 0) return { state: 'set', detail: 'none unknown in the last day' };
  const text = ({ labels: [sender = '', severity = ''], by }: Count) =>
    `${counted(by, 'alert')} from ${sender} in the last day had the unknown severity ${JSON.stringify(severity)}`;
  const fix = 'they count as warnings; add the words to severities in config/routes.yaml';
  return { state: 'incomplete', detail: `${listed(counts, text, 'firebreak_alerts_severity_unknown_total')}; ${fix}` };
}

/** Reports the services of the last day's freeze checks that the catalogue does not have: no freeze of a service applies to them. */
export async function uncheckedServices({
  config,
  counters,
}: {
  config: Deps['config'];
  counters: Counters;
}): Promise<CheckResult> {
  const counts = await lastDay(counters, 'firebreak_freeze_checks_unknown_service_total');
  if (counts.length === 0) return { state: 'set', detail: 'all known in the last day' };
  const services = Object.keys((await config.current()).services);
  const text = ({ labels: [caller = '', service = ''], by }: Count) =>
    `${counted(by, 'freeze check')} by ${caller} in the last day named the unknown service ` +
    `${JSON.stringify(service)}${suggestionText(suggestedName(service, services))}`;
  const fix = 'correct the name, or add the service to config/services.yaml';
  return {
    state: 'incomplete',
    detail: `${listed(counts, text, 'firebreak_freeze_checks_unknown_service_total')}; ${fix}`,
  };
}

async function lastDay(counters: Counters, name: CounterName): Promise<Count[]> {
  const counts = await counters.read('last_day');
  return counts.filter((count) => count.name === name).toSorted((a, b) => b.by - a.by);
}

function listed(counts: readonly Count[], text: (count: Count) => string, metric: CounterName): string {
  const more = counts.length - NAMED_MAX;
  return [...counts.slice(0, NAMED_MAX).map(text), ...(more > 0 ? [`${more} more in the metric ${metric}`] : [])].join(
    '; ',
  );
}
