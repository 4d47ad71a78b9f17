import type { OpenIncident } from '../../domain/ports/slack.ts';
import { type Block, select, textInput } from './blocks.ts';
import { FIELDS } from './form.ts';

const incidentField = { field: FIELDS.incident, label: 'Incident' };

export const incidentLabel = ({ channel, service, environment, title }: OpenIncident): string =>
  `${channel ?? 'no channel yet'}: ${service} ${environment}, ${title}`;

/** Returns a menu of the open incidents. If there is only one, it is preselected. */
export const incidentSelect = (open: readonly OpenIncident[]): Block =>
  select({
    ...incidentField,
    options: open.map((incident) => ({
      value: incident.id,
      text: incidentLabel(incident),
    })),
    initial: open.length === 1 ? (open[0]?.id ?? null) : null,
  });

/** Returns a text field for the incident, if no menu is possible. */
export const incidentText = (initial: string | null): Block =>
  textInput({
    ...incidentField,
    hint: 'The channel of the incident, such as #incident-2611201, or its ID.',
    initial,
    max: 128,
  });
