import { requireSeverity } from '../../../core/domain/alerts/named-severity.ts';
import { triage } from '../../../core/actions/incidents/acknowledge.ts';
import { note } from '../../../core/actions/incidents/declare-incident.ts';
import { requireIncident } from '../../../core/actions/incidents/require-incident.ts';
import { answered } from '../outcome.ts';
import { severitySelect, TEXT_MAX, textInput } from '../modals/blocks.ts';
import { FIELDS } from '../modals/form.ts';
import type { IncidentVerb, RunIncidentVerb } from './verb.ts';

/** `severity`: as a person names it. */
type NewSeverity = { severity: string; note?: string | null };

export const severity: IncidentVerb<{ severity: string | null }, NewSeverity> = {
  permission: 'incidents:write',
  ofIncident: true,
  command: 'incident',
  name: 'severity',
  aliases: ['sev', 'level'],
  usage: 'severity LEVEL',
  description: 'set the severity: critical (SEV1, P1), warning (SEV2, SEV3), or info',
  parse({ words }) {
    const [level = null] = words;
    return { severity: words.length === 2 ? words.join(' ') : level }; // "sev 1"
  },
  isComplete: (draft): draft is NewSeverity => draft.severity !== null,
  dialog: {
    id: 'set_severity',
    title: 'Change the severity',
    submit: 'Change',
    field: FIELDS.severity,
    isNeededFor: ({ severity: level }) => level === null,
    blocks: ({ incidentFields }) => [
      ...incidentFields,
      severitySelect(FIELDS.severity, null),
      textInput({ field: FIELDS.text, label: 'Reason', optional: true, max: TEXT_MAX, lines: true }),
    ],
    read: (fields) => ({ severity: fields.severity(), note: fields.text(FIELDS.text) }),
  },
  buttons: { severity: 'dialog' },
  freeText: (request) => request.note ?? null,
};

export const runSeverity: RunIncidentVerb<NewSeverity> = async (deps, { caller, key }, id, request) => {
  const before = await requireIncident(deps, id);
  const named = requireSeverity(await deps.config.current(), request.severity);
  await triage(deps, caller, { id, key, severity: named });
  if (request.note) await note(deps, caller, { id, key: `${key}-note`, text: request.note, detail: null });
  return before.severity === named
    ? answered(`Severity confirmed: ${named}.`)
    : answered(`Severity changed from ${before.severity} to ${named}.`);
};
