import { VARIABLES } from '../../schemas/config/variables.ts';
import { groupFormat } from '../../schemas/alerts/sources/group.ts';
import type { Source } from '../../schemas/alerts/sources/parsed.ts';

/**
 * Grafana Alerting's webhook, payload version "1". With an external Alertmanager, it sends Alertmanager's format ("4").
 * @see https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
 */
export const grafana: Source<'grafana'> = {
  name: 'grafana',
  acceptsPut: true,
  limitRemoval: 'Set Max Alerts of its contact point in Grafana to 0',
  signature: {
    header: 'x-grafana-alerting-signature',
    secret: 'GRAFANA_WEBHOOK_SECRET',
    timestampHeader: { secret: 'GRAFANA_TIMESTAMP_HEADER', fallback: VARIABLES.GRAFANA_TIMESTAMP_HEADER.standard },
  },
  ...groupFormat(['1', '4']),
};
