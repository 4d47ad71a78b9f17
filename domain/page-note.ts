import type { IncidentView } from '../schemas/incident.ts';
import { decisionWords } from './incident-card.ts';

const SUSPECTS_SHOWN = 3;
const NO_SUSPECT = 'Suspects: no change is known that could have caused this';

/** What whoever answers an incident of others should know of ours: one text, without any markup. */
export function pageNote({
  id,
  service,
  environment,
  severity,
  title,
  suspects,
  decisions,
  effects,
}: Pick<
  IncidentView,
  'id' | 'service' | 'environment' | 'severity' | 'title' | 'suspects' | 'decisions' | 'effects'
>): string {
  const shown = suspects
    .slice(0, SUSPECTS_SHOWN)
    .map(
      ({ version, confidence, reasons }) => `- ${version}, ${Math.round(confidence * 100)} %: ${reasons.join('; ')}`,
    );
  const last = decisions.at(-1);
  return [
    `Firebreak follows this as incident ${id}: ${service} ${environment}, ${severity}: ${title}`,
    '',
    ...(last === undefined
      ? ['Suspects are not known yet']
      : shown.length > 0
        ? ['Suspects:', ...shown]
        : [NO_SUSPECT]),
    '',
    `Automation: ${last === undefined ? 'has not judged it yet' : decisionWords(last)}`,
    ...effects.flatMap(({ kind, state, detail }) => (kind === 'roll-back' && state === 'accepted' ? [detail] : [])),
    '',
    `As it stands now: GET /v1/incidents/${id}`,
  ].join('\n');
}
