import type { IncidentId } from '../../schemas/config/names.ts';
import type { PublicIncident } from '../../schemas/status/public-incident.ts';

/** Incidents as the public sees them. The projector of the status page writes them; pages read nothing else. */
export type PublicIncidents = {
  /** Returns the public ID of an incident, which reveals nothing of the incident's own. */
  idOf(incident: IncidentId): string;
  /** Strongly consistent. */
  read(id: string): Promise<PublicIncident | undefined>;
  /**
   * Writes the whole record. Only the holder of the projector's lease calls it.
   *
   * @param announce whether pages have subscribers: then the record is marked for their projector with the same write
   */
  write(incident: PublicIncident, announce: boolean): Promise<void>;
  /** Returns unresolved incidents, newest first. */
  open(): Promise<PublicIncident[]>;
  /** Returns the newest incidents that started in a month (UTC), such as `2026-11`, newest first. */
  startedIn(month: string): Promise<PublicIncident[]>;
};
