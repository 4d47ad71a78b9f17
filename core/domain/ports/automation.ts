import type { Automation, AutomationInput } from '../../../schemas/access/access.ts';
import type { Drill, DrillId, DrillRecord, ProvedTarget } from '../../../schemas/automation/drill.ts';
import type { IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import type { DrillRefusal } from '../automation/drill.ts';
import type { Page, ServiceEnvironment } from './common.ts';

/** Drills: rollbacks rehearsed where they cause no harm. */
export type Drills = {
  /** Starts a drill with the lock of its target; otherwise returns the reason. */
  begin(drill: DrillRecord): Promise<{ ok: true } | { ok: false; reason: DrillRefusal }>;
  /** Reads strongly consistently. */
  get(id: DrillId): Promise<DrillRecord | undefined>;
  list(query: Partial<ServiceEnvironment> & { limit: number; cursor?: string }): Promise<Page<Drill>>;
  /** Returns the drills in progress. Strongly consistent. */
  running(): Promise<DrillRecord[]>;
  /** Stores the state; the end of a drill releases its target. `false`: modified since it was read. */
  put(drill: DrillRecord): Promise<boolean>;
  /** Records the call right before the target is called, and verifies the lock. `lost`: another process holds it. */
  claim(drill: DrillRecord): Promise<DrillRecord | 'lost' | 'changed'>;
  /** Returns when the rollback of each target was last proved. */
  proved(): Promise<ProvedTarget[]>;
};

export type AutomationSwitch = {
  /** Reads strongly consistently. */
  read(): Promise<Automation>;
  /** Changes modes. A demoted service is promoted if its mode is set to `act`, or removed, which caps nothing. */
  write(automation: AutomationInput, by: string): Promise<Automation>;
  /**
   * Marks the automatic action with this key, or all of the incident, as wrong. Each counts once; a service with too
   * many is demoted.
   */
  markWrong(id: IncidentId, key: string | null, why: string): Promise<{ acts: string[]; demoted: ServiceName[] }>;
};
