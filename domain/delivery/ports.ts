import type { AttributionCorrection, DeployRecord } from '../../schemas/delivery/deploy-record.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import type { Timestamp } from '../../schemas/time/time.ts';

/** Which deploys to read. Absent: all services, or all environments. */
export type DeployQuery = {
  from: Timestamp;
  until: Timestamp;
  service?: string;
  environments?: readonly string[];
};

/** Deploys and rollbacks by the time of their start. */
export type DeployHistory = {
  /** Reads daily rollups, and the recorded changes of days without a current one. Returns each once, in any order. */
  read(query: DeployQuery): Promise<DeployRecord[]>;
  /** Reads only the recorded changes; the result is the same. */
  recorded(query: DeployQuery): Promise<DeployRecord[]>;
  /**
   * Rolls up days with changes, at most `daysMax`, and continues the backfill of older changes. A run that dies is
   * continued by the next one. `isComplete`: no day is left.
   */
  roll(daysMax: number): Promise<{ rolled: number; isComplete: boolean }>;
};

/** Statements of people about the cause of an incident. */
export type Attributions = {
  all(): Promise<AttributionCorrection[]>;
  get(id: IncidentId): Promise<AttributionCorrection | undefined>;
  /** Records a statement, with an entry in the audit log; it replaces an earlier one. */
  correct(correction: AttributionCorrection, key: string): Promise<void>;
  /** Removes a statement, so that the engine's suspect counts again, with an entry in the audit log. */
  withdraw(correction: AttributionCorrection, by: { name: string; at: Timestamp }, key: string): Promise<void>;
};
