import type { Attending } from '../../../core/domain/incidents/attention.ts';
import type { IncidentSummary } from '../../../core/domain/ports/incidents.ts';
import { reportKind } from '../../../core/domain/ports/reports.ts';
import type { DecisionView, Effect, IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { FoundIncident } from './find/incidents-named.ts';
import type { DecisionsQuery, ListedDecisions } from './incidents/decisions-data.ts';
import type { StepsDone } from './incidents/first-steps.ts';
import type { ListedIncidents, ListQuery } from './incidents/list-data.ts';
import type { Services, ServicesQuery } from './services/services-data.ts';

/** What is known of an incident with its decisions. */
export type IncidentDetail = {
  incident: IncidentRecord;
  decisions: readonly DecisionView[];
  effects: readonly Effect[];
};

/** A row: an open incident, or a group. `detail`: only of those that are shown and need a person. */
export type NowRow = Attending<IncidentSummary> & { detail: IncidentDetail | null };

/** What *Now* shows of incidents. */
export type NowIncidents = {
  /** Open incidents, the most severe and newest first. */
  rows: readonly NowRow[];
  /** The last 24 hours: incidents that opened, and what was done about them; those that were resolved, newest first. */
  day: {
    opened: number;
    pages: number;
    acted: number;
    resolved: number;
    newestResolved: readonly IncidentRecord[];
    acts: readonly IncidentDetail[];
  };
};

/** What pages show of all open incidents, of all that match, or of all services: it is computed, since the pages show parts. */
export const NOW = reportKind<null, NowIncidents>('console.now', 'live');
/** Incidents that were resolved in the last day, as long as the same ones are open. `open`: a hash of their IDs. */
export const RESOLVED_TODAY = reportKind<{ open: string }, IncidentRecord[]>('console.resolved-today');
/** Which of the first steps an incident shows to be done, however old it is. */
export const FIRST_STEPS = reportKind<null, StepsDone>('console.first-steps');
/** Whether an open incident waits for approval, which the icon of each page says. */
export const ASKS = reportKind<null, boolean>('console.asks', 'live');
export const INCIDENTS = reportKind<ListQuery, ListedIncidents>('console.incidents', 'live');
export const INCIDENTS_NAMED = reportKind<{ text: string }, FoundIncident[]>('console.incidents-named', 'live');
export const DECISIONS = reportKind<DecisionsQuery, ListedDecisions>('console.decisions', 'live');
export const SERVICES = reportKind<ServicesQuery, Services>('console.services', 'live');
