import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { HealthSeries } from '../incidents/health-series.ts';

/** Samples of the health query of incidents: one series for each, across its problems. */
export type HealthSamples = {
  /** Returns incidents that have ended, and whose samples until then are not kept yet. Strongly consistent. */
  due(): Promise<IncidentId[]>;
  /**
   * Returns the time of the newest sample that is kept. Null: none is.
   * @param enough any sample after it that this process knows of will do
   */
  newest(id: IncidentId, enough?: Timestamp): Promise<Timestamp | null>;
  /** Adds samples. Those of a time from which on some are kept already are ignored. */
  keep(id: IncidentId, series: HealthSeries): Promise<void>;
  /** Records that all samples until the end are kept, or can't be read. */
  settle(id: IncidentId): Promise<void>;
  /** Returns all samples, oldest first. */
  read(id: IncidentId): Promise<HealthSeries>;
};
