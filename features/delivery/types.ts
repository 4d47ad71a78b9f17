import type { IncidentId } from '../../schemas/config/names.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { AttributionCorrection, DeployRecord } from './deploy-record.ts';

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
  /**
   * Reads the counts of all deploys that were rolled up (`decisions/deploy-counts.ts`). A deploy whose start is corrected to
   * another day counts again.
   */
  counts(): Promise<(ServiceEnvironment & { counts: ReadonlyMap<string, number> })[]>;
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
