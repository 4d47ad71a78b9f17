import { deliveryPath } from '../../../core/domain/incidents/console-link.ts';
import type { Text } from '../../../core/domain/messages/chat-message.ts';
import type { DigestSection } from '../../../core/domain/ports/extensions.ts';
import { counted, duration, share } from '../../../core/domain/reports/words.ts';
import { type DoraFigure, type DoraFigures, FIGURE_NAMES } from '../dora.ts';

/** Returns the section of a digest about deploys: the figures of the last week and of the one before. */
export function digestSection(
  team: string | null,
  { week, before }: { week: DoraFigures; before: DoraFigures },
): DigestSection {
  const row = (figure: DoraFigure, valueOf: (figures: DoraFigures) => string): Text[] => [
    [{ link: deliveryPath(team, figure, 7), text: FIGURE_NAMES[figure] }],
    [valueOf(week)],
    [valueOf(before)],
  ];
  const deploys = week.deployment_frequency.deploys;
  const isEmpty = [week, before].every(
    ({ deployment_frequency: { deploys: count }, change_failure_rate: { deploys: rated } }) => count + rated === 0,
  );
  return {
    id: 'delivery',
    title: 'Delivery',
    summary: isEmpty
      ? 'No deploy in two weeks.'
      : `${counted(deploys, 'deploy')}. Week before: ${before.deployment_frequency.deploys}.`,
    columns: ['Figure', 'This week', 'Week before'],
    rows: isEmpty
      ? []
      : [
          row('deployment_frequency', ({ deployment_frequency: { value } }) => `${Number(value.toFixed(2))} per day`),
          row('lead_time', ({ lead_time: { median_s: seconds } }) => duration(seconds)),
          row('change_failure_rate', ({ change_failure_rate: { value, failed, deploys: of } }) =>
            value === null ? share(null) : `${share(value)} (${failed} of ${of})`,
          ),
          row('failed_deployment_recovery', ({ failed_deployment_recovery: { median_s: seconds } }) =>
            duration(seconds),
          ),
          row('rework_rate', ({ rework_rate: { value } }) => share(value)),
        ],
    path: deliveryPath(team, 'deployment_frequency', 7),
  };
}
