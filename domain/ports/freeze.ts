import type { Wish } from '../../schemas/freeze/gate.ts';
import type { Place } from './common.ts';

/** Rollback requests for targets that poll for them; only the newest one of each service and environment is kept. */
export type Gates = {
  /** Stores a request; it replaces the previous one. */
  ask(wish: Wish): Promise<void>;
  /** Reads strongly consistently. */
  get(place: Place): Promise<Wish | undefined>;
  /** Records that the target asked about another roll-out than the requested one. */
  mistaken(place: Place, key: string, checksum: string): Promise<void>;
  /** Ends the request of this action if it is still the newest. */
  clear(place: Place, key: string): Promise<void>;
};
