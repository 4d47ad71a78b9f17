import * as z from 'zod';
import type { ConfigSource } from '../../domain/ports/config.ts';
import type { Blobs, Log } from '../../domain/ports/system.ts';
import { Config, emptyConfig } from '../../../schemas/config/config.ts';
import { readTolerant } from '../../../schemas/parsing/read-tolerant.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { CONFIG_KEY } from './published.ts';

export { CONFIG_KEY };

/** Errors of a newer version that was rejected, or warnings, each of which starts with `warning:`. */
export const PublishedConfig = z.object({
  config: Config,
  problems: z.array(z.string()),
  /** Absent when a deployment published the configuration. */
  loads: z.object({ at: Timestamp.nullable(), succeeded: z.number(), failed: z.number() }).optional(),
});
export type PublishedConfig = z.infer<typeof PublishedConfig>;

/**
 * Parses a published configuration. Ignores keys that only a newer version knows and returns a warning for each: during
 * a deployment, functions of the previous version start with the new configuration. `check` reports such keys to
 * authors as errors.
 *
 * @throws z.ZodError or SyntaxError
 */
export function readPublished(text: string): { published: PublishedConfig; ignored: string[] } {
  const { data, ignored } = readTolerant(PublishedConfig, JSON.parse(text));
  const warnings = ignored.map((key) => `${CONFIG_KEY}: warning: this version ignores the unknown key ${key}`);
  return { published: { ...data, problems: [...data.problems, ...warnings] }, ignored };
}

const CACHED_MS = 2_000;

/** The configuration that was read last, how long it is cached, and the text that it was parsed from. */
/** `failure`: why the last read has failed. Absent: it has not. */
type CachedConfig = { until: number; published: PublishedConfig; text: string | undefined; failure?: unknown };

const GONE = `the published configuration (${CONFIG_KEY}) was not found. The last one that was read stays in force. Publish the configuration again`;

/**
 * Reads the published configuration from the blob store. If it cannot be read or is gone, the last valid one stays in
 * force. Before the first one is published, the result is `emptyConfig`: alerts still page.
 */
export function publishedConfig(blobs: Blobs, log: Log, now: () => number): ConfigSource {
  let cached: CachedConfig | undefined;
  let reading: Promise<CachedConfig> | undefined;

  /** Unchanged text is not parsed again: most reads find the same text, and validation takes longer than the read. */
  async function read(before: CachedConfig | undefined): Promise<CachedConfig> {
    try {
      const body = await blobs.get(CONFIG_KEY);
      const text = body && Buffer.from(body).toString();
      if (before !== undefined && before.text === text)
        return { until: now() + CACHED_MS, published: before.published, text };
      if (before?.text !== undefined && text === undefined) return gone(before);
      if (text === undefined)
        return { until: now() + CACHED_MS, published: { config: emptyConfig, problems: [] }, text };
      const { published, ignored } = readPublished(text);
      if (ignored.length > 0) log.warn('configuration has keys of a newer version, which are ignored', { ignored });
      return { until: now() + CACHED_MS, published, text };
    } catch (error) {
      if (before === undefined)
        throw new Error('cannot read the configuration, and no earlier one is known', { cause: error });
      log.warn('cannot read the configuration; the last one stays in force', { error: String(error) });
      return { ...before, until: now() + CACHED_MS, failure: error };
    }
  }

  /** Keeps the text, so that the loss is logged once, and the same text published again counts as new. */
  function gone(before: CachedConfig): CachedConfig {
    const isNews = !before.published.problems.includes(GONE);
    if (isNews) log.warn('configuration not found; the last one stays in force', { key: CONFIG_KEY });
    const published = isNews
      ? { ...before.published, problems: [...before.published.problems, GONE] }
      : before.published;
    return { until: now() + CACHED_MS, published, text: GONE };
  }

  /** Concurrent callers share one read. There is one at a time, so that an older text never replaces a newer one. */
  async function current(anew?: 'anew'): Promise<PublishedConfig> {
    const at = now();
    // A time further ahead is from before the clock was set back.
    const isRecent = cached !== undefined && cached.until > at && cached.until <= at + CACHED_MS;
    if (cached !== undefined && isRecent && anew === undefined) return cached.published;
    // A read that has begun before can return an older text.
    if (anew !== undefined) await reading?.catch(() => undefined);
    reading ??= read(cached)
      .then((found) => (cached = found))
      .finally(() => (reading = undefined));
    const { published, failure } = await reading;
    if (anew !== undefined && failure !== undefined)
      throw new Error('cannot read the configuration now', { cause: failure });
    return published;
  }

  return {
    current: async (anew) => (await current(anew)).config,
    problems: async () => (await current()).problems,
    loads: async () => (await current()).loads ?? null,
  };
}
