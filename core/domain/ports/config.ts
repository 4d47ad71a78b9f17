import type { Config } from '../../../schemas/config/config.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

export type ConfigSource = {
  /**
   * Returns the last valid configuration. It can be a short time older than the one that another thread or instance uses.
   *
   * @param anew it is read now, so that it is at least as new as what anyone has used before
   * @throws if none could ever be read; with `anew`, if it cannot be read now
   */
  current(anew?: 'anew'): Promise<Config>;
  /**
   * Returns the errors of the newest configuration if it is not in force; otherwise its warnings, each formatted as
   * `file:line: warning: …`.
   */
  problems(): Promise<string[]>;
  /** Returns the load statistics. Null, or absent: the publisher does not count. */
  loads?(): Promise<ConfigLoads | null>;
};

/** Load statistics of the configuration. `at`: time of the last one that came into force. */
export type ConfigLoads = { at: Timestamp | null; succeeded: number; failed: number };
