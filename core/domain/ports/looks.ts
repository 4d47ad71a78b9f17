import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Look } from '../../../schemas/incidents/look.ts';

/** Controlled looks of an incident: one at most for each question. */
export type Looks = {
  /** Stores the beginning of a look, and returns it; the first one of a number is kept. */
  begin(id: IncidentId, look: Look): Promise<Look>;
  get(id: IncidentId, number: number): Promise<Look | undefined>;
  /** Stores the result. Only the first one is kept. */
  end(id: IncidentId, number: number, result: Pick<Look, 'ended_at' | 'verdict' | 'text' | 'curves'>): Promise<void>;
  /** Returns all looks of an incident, the newest question first. Strongly consistent. */
  list(id: IncidentId): Promise<Look[]>;
};
