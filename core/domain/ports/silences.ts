import type { Timestamp } from '../../../schemas/time/time.ts';

/** An active Alertmanager silence. */
export type Silence = {
  id: string;
  matchers: readonly { name: string; value: string; isRegex: boolean; isEqual: boolean }[];
  startsAt: Timestamp;
  endsAt: Timestamp;
  createdBy: string;
  comment: string;
};

export type Silences = {
  /**
   * Returns the active silences, at most a few seconds old. Null: no Alertmanager is connected, or it did not answer in
   * time.
   */
  active(): Promise<readonly Silence[] | null>;
  /**
   * Returns whether a slow-burn alert is inhibited while the fast-burn alert of its objective fires. Null: as in
   * `active`.
   */
  inhibitsSlowBurns(): Promise<boolean | null>;
};
