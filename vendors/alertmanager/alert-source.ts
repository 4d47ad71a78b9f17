import { groupFormat } from '../../schemas/alerts/sources/group.ts';
import type { Source } from '../../schemas/alerts/sources/parsed.ts';

/**
 * Prometheus Alertmanager's webhook, payload version "4" (since 0.16). It has no signature: a token identifies the
 * sender.
 */
export const alertmanager: Source<'alertmanager'> = {
  name: 'alertmanager',
  limitRemoval: 'Set max_alerts of its receiver in Alertmanager to 0',
  ...groupFormat(['4']),
};
