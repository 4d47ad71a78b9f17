import * as z from 'zod';
import { withoutTrailingSlash } from '../shared/client.ts';
import type { Silence, Silences } from '../../core/domain/ports/silences.ts';
import type { Log } from '../../core/domain/ports/system.ts';
import { InstantIn, millisOf } from '../../schemas/time/time.ts';
import { call, NoResponse } from '../shared/http.ts';
import { inhibitsSlowBurns } from './inhibitions.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** Short, because processing of alerts waits for this request. */
export const SILENCES_TIMEOUT_MS = 1000;

/** Large, because Alertmanager lists expired silences for days. */
const BODY_MAX_BYTES = 16 * 1024 * 1024;

/** Milliseconds for which the silences are cached. */
const CACHE_MS = 2_000;

/** Milliseconds for which a failure is cached, so that an Alertmanager that times out does not delay every batch. */
const FAILURE_CACHE_MS = 10_000;

const Matcher = z.object({
  name: z.string(),
  value: z.string(),
  isRegex: z.boolean(),
  /** Absent before Alertmanager 0.22. */
  isEqual: z.boolean().default(true),
});
const ListedSilence = z.object({
  id: z.string(),
  status: z.object({ state: z.string() }),
  matchers: z.array(Matcher).min(1),
  startsAt: InstantIn,
  endsAt: InstantIn,
  createdBy: z.string(),
  comment: z.string(),
});

/**
 * Reads the active silences of an Alertmanager. Caches them for 2 s, and a failure for 10 s.
 *
 * @param options.now milliseconds since the Unix epoch
 * @see https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
 */
export function alertmanagerSilences(options: {
  url: () => Promise<string | undefined>;
  now: () => number;
  log: Pick<Log, 'warn'>;
}): Silences {
  let cached: { silences: Promise<readonly Silence[] | null>; until: number } | null = null;

  const refresh = (): Promise<readonly Silence[] | null> => {
    const silences = readSilences(options.url).catch((error: unknown) => {
      // Process alerts after any error: an unnecessary page is better than a missed one.
      options.log.warn('Silences could not be read, so none are known until the next successful read', {
        error: String(error),
      });
      pending.until = options.now() + FAILURE_CACHE_MS;
      return null;
    });
    const pending = { silences, until: options.now() + CACHE_MS };
    cached = pending;
    return silences;
  };

  return {
    async inhibitsSlowBurns() {
      const base = await options.url();
      return base ? inhibitsSlowBurns(base) : null;
    },
    async active() {
      const silences = await (cached !== null && options.now() < cached.until ? cached.silences : refresh());
      const now = options.now();
      return silences && silences.filter(({ endsAt }) => millisOf(endsAt) > now);
    },
  };
}

/** Returns null if no Alertmanager is configured. */
async function readSilences(url: () => Promise<string | undefined>): Promise<readonly Silence[] | null> {
  const base = await url();
  if (!base) return null;
  if (!URL.canParse(base)) throw new NoResponse('ALERTMANAGER_URL is not a valid URL');
  // Alertmanager before 0.34 ignores these filters and lists all silences.
  const { status, text } = await call(
    `${withoutTrailingSlash(base)}/api/v2/silences?active=true&pending=false&expired=false`,
    { method: 'GET', timeoutMs: SILENCES_TIMEOUT_MS, maxBytes: BODY_MAX_BYTES },
  );
  const list = z.array(z.unknown()).safeParse(parseJson(text));
  if (status !== 200 || !list.success)
    throw new NoResponse(`Alertmanager answered ${status}, but the body is not a list of silences`);
  return list.data.flatMap(activeSilence);
}

/** Ignores a silence that can't be parsed. */
function activeSilence(listed: unknown): Silence[] {
  const parsed = ListedSilence.safeParse(listed);
  if (!parsed.success || parsed.data.status.state !== 'active') return [];
  const { status: _, ...silence } = parsed.data;
  return [silence];
}
