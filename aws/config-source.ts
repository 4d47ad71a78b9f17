import * as z from 'zod';
import type { Blobs, ConfigSource, Log } from '../domain/ports.ts';
import { Config, emptyConfig } from '../schemas/config.ts';
import { readTolerant } from '../schemas/read-tolerant.ts';
import { Timestamp } from '../schemas/time.ts';
import { CONFIG_KEY } from './published.ts';

export { CONFIG_KEY };

/** `problems` is what was wrong with a newer one that was not taken; or, each marked `warning:`, what is hardly meant. */
export const PublishedConfig = z.object({
  config: Config,
  problems: z.array(z.string()),
  /** Absent when it is published by a deployment. */
  loads: z.object({ at: Timestamp.nullable(), succeeded: z.number(), failed: z.number() }).optional(),
});
export type PublishedConfig = z.infer<typeof PublishedConfig>;

/**
 * A published set as text. Keys that only a newer version knows are left out, and each is a warning: while a deployment is
 * under way, functions of the version before start with what it has published. Authors get errors for them, by `check`.
 *
 * @throws z.ZodError or SyntaxError
 */
export function readPublished(text: string): { set: PublishedConfig; ignored: string[] } {
  const { data, ignored } = readTolerant(PublishedConfig, JSON.parse(text));
  const warnings = ignored.map((key) => `${CONFIG_KEY}: warning: this version does not know ${key}, and ignores it`);
  return { set: { ...data, problems: [...data.problems, ...warnings] }, ignored };
}

const KEPT_MS = 2_000;

/** What was read last, until when it is good, and the bytes that it was made of. */
type Kept = { until: number; set: PublishedConfig; text: string | undefined };

const GONE = `the published configuration (${CONFIG_KEY}) is gone; the last one that was read stays in force: publish it again`;

/**
 * The configuration as published to the blob store; the last one that could be read stays in force, also when there is
 * none any more. Before the first was ever published it is `emptyConfig`: alerts page all the same.
 */
export function publishedConfig(blobs: Blobs, log: Log, now: () => number): ConfigSource {
  let kept: Kept | undefined;
  let reading: Promise<Kept> | undefined;

  /** The same text is the same set: most of what is read is, and to check it all again takes longer than to read it. */
  async function read(before: Kept | undefined): Promise<Kept> {
    try {
      const body = await blobs.get(CONFIG_KEY);
      const text = body && Buffer.from(body).toString();
      if (before !== undefined && before.text === text) return { ...before, until: now() + KEPT_MS };
      if (before?.text !== undefined && text === undefined) return gone(before);
      if (text === undefined) return { until: now() + KEPT_MS, set: { config: emptyConfig, problems: [] }, text };
      const { set, ignored } = readPublished(text);
      if (ignored.length > 0) log.warn('the configuration has keys of a newer version; they are ignored', { ignored });
      return { until: now() + KEPT_MS, set, text };
    } catch (error) {
      if (before === undefined)
        throw new Error('the configuration could not be read, and none was read before', { cause: error });
      log.warn('configuration could not be read; the last one stays in force', { error: String(error) });
      return { ...before, until: now() + KEPT_MS };
    }
  }

  /** Kept with its text, so that it is said once, and the same text published again is news. */
  function gone(before: Kept): Kept {
    const isNews = !before.set.problems.includes(GONE);
    if (isNews) log.warn('the configuration is gone; the last one stays in force', { key: CONFIG_KEY });
    const set = isNews ? { ...before.set, problems: [...before.set.problems, GONE] } : before.set;
    return { until: now() + KEPT_MS, set, text: GONE };
  }

  /** Whoever comes while it is being read waits for the same. */
  async function current(): Promise<PublishedConfig> {
    if (kept !== undefined && kept.until > now()) return kept.set;
    reading ??= read(kept).finally(() => (reading = undefined));
    kept = await reading;
    return kept.set;
  }

  return {
    current: async () => (await current()).config,
    problems: async () => (await current()).problems,
    loads: async () => (await current()).loads ?? null,
  };
}
