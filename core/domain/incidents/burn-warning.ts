import type { Signal } from '../../../schemas/alerts/signal.ts';

/**
 * Returns whether an alert is a slow-burn warning, which does not page by its severity. It covers hours or days, so it
 * keeps firing long after the service has recovered. Generated rules and Pyrra's have labels for objective and window;
 * Sloth's have the severity "ticket".
 */
export function isBurnWarning({ severity, labels }: Pick<Signal, 'severity' | 'labels'>): boolean {
  const names = new Set(labels.map(([name]) => name));
  const hasWindowLabels = names.has('slo') && (names.has('long_window') || names.has('long'));
  const isSlothTicket = labels.some(([name, value]) => name === 'sloth_severity' && value === 'ticket');
  return severity !== 'critical' && (hasWindowLabels || isSlothTicket);
}
