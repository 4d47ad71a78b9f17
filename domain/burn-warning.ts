import type { Signal } from '../schemas/signal.ts';

/**
 * Whether an alert warns of a budget that burns slowly, and pages nobody by its severity. It looks at hours or days, so it
 * fires long after the service has recovered. Generated rules and Pyrra's tell objective and window, Sloth's say "ticket".
 */
export function isBurnWarning({ severity, labels }: Pick<Signal, 'severity' | 'labels'>): boolean {
  const names = new Set(labels.map(([name]) => name));
  const ofWindows = names.has('slo') && (names.has('long_window') || names.has('long'));
  const ofSloth = labels.some(([name, value]) => name === 'sloth_severity' && value === 'ticket');
  return severity !== 'critical' && (ofWindows || ofSloth);
}
