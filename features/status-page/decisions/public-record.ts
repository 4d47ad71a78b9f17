import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { PublicIncident } from '../schemas/public-incident.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { componentsOf, componentStatus, publicStatus, updateText } from './public-texts.ts';

/** Limit of updates and states, for an incident that never comes to rest. Its end is always recorded. */
const ENTRIES_MAX = 200;

/** `ask`: a person must approve the publication first. `nothing`: it is not public, or has not changed. */
export type RecordPlan = { kind: 'write'; record: PublicIncident } | { kind: 'ask' | 'nothing' };

/**
 * Decides what the public record of an incident becomes.
 *
 * @param id the public ID
 */
export function planRecord(
  before: PublicIncident | undefined,
  incident: IncidentRecord,
  config: Pick<Config, 'services' | 'statusPage'>,
  { id, now }: { id: string; now: Timestamp },
): RecordPlan {
  if (before !== undefined) return planIfChanged(before, updatedRecord(before, incident, config, now));
  const { names, publish } = componentsOf(incident, config);
  if (names.length === 0 || incident.status === 'resolved') return { kind: 'nothing' };
  if (publish === 'ask') return { kind: 'ask' };
  const first: PublicIncident = {
    id,
    title: config.statusPage.title,
    components: [...names],
    started_at: incident.opened_at,
    published_at: now,
    resolved_at: null,
    states: [],
    updates: [],
  };
  return { kind: 'write', record: updatedRecord(first, incident, config, now) };
}

const planIfChanged = (before: PublicIncident, record: PublicIncident): RecordPlan =>
  before.states.length === record.states.length &&
  before.updates.length === record.updates.length &&
  before.resolved_at === record.resolved_at
    ? { kind: 'nothing' }
    : { kind: 'write', record };

function updatedRecord(
  before: PublicIncident,
  incident: IncidentRecord,
  { statusPage }: Pick<Config, 'statusPage'>,
  now: Timestamp,
): PublicIncident {
  const isReopened = incident.reopened_at !== undefined && incident.reopened_at > (before.resolved_at ?? '');
  if (before.resolved_at !== null && !isReopened) return before;
  const state = componentStatus(incident, statusPage);
  const status = publicStatus(incident);
  const isOver = status === 'resolved';
  const at = isOver ? (incident.resolved_at ?? now) : now;
  const stateAt = before.states.length === 0 ? before.started_at : at;
  return {
    ...before,
    resolved_at: isOver ? at : null,
    states:
      before.states.at(-1)?.state === state || isFull(before.states, isOver)
        ? before.states
        : [...before.states, { at: stateAt, state }],
    updates:
      before.updates.at(-1)?.status === status || isFull(before.updates, isOver)
        ? before.updates
        : [...before.updates, { at, status, text: updateText(incident, statusPage), state }],
  };
}

const isFull = (entries: readonly unknown[], isOver: boolean): boolean => entries.length >= ENTRIES_MAX && !isOver;
