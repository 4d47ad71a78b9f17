import { z } from 'zod';
import type { Blobs, ConfigSource, Log } from '../domain/ports.ts';
import { Config, emptyConfig } from '../schemas/config.ts';

/** Where the published set lies. `problems` is what was wrong with a newer one that was not taken. */
export const CONFIG_KEY = 'config/current.json';

export const PublishedConfig = z.object({ config: Config, problems: z.array(z.string()) });
export type PublishedConfig = z.infer<typeof PublishedConfig>;

const KEPT_MS = 2_000;

/** The configuration as published to the blob store; the last one that could be read stays in force. */
export function publishedConfig(blobs: Blobs, log: Log, now: () => number): ConfigSource {
  let kept: { until: number; set: PublishedConfig } | undefined;
  const current = async (): Promise<PublishedConfig> => {
    if (kept !== undefined && kept.until > now()) return kept.set;
    try {
      const body = await blobs.get(CONFIG_KEY);
      const set =
        body === undefined
          ? { config: emptyConfig, problems: [] }
          : PublishedConfig.parse(JSON.parse(Buffer.from(body).toString()));
      kept = { until: now() + KEPT_MS, set };
    } catch (error) {
      if (kept === undefined)
        throw new Error('the configuration could not be read, and none was read before', { cause: error });
      log.warn('configuration could not be read; the last one stays in force', { error: String(error) });
      kept = { until: now() + KEPT_MS, set: kept.set };
    }
    return kept.set;
  };
  return {
    current: async () => (await current()).config,
    problems: async () => (await current()).problems,
  };
}
