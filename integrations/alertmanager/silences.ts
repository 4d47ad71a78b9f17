import * as z from 'zod';
import type { Silence, Silences } from '../../domain/outlets.ts';
import type { Log } from '../../domain/ports.ts';
import { InstantIn, millisOf } from '../../schemas/time.ts';
import { call, json, NoAnswer } from '../http.ts';
import { inhibitsSlowBurns } from './inhibitions.ts';

/** Alerts wait for it. */
const ATTEMPT_TIMEOUT_MS = 1000;

/** Silences that have ended stay listed for days. */
const BODY_MAX_BYTES = 16 * 1024 * 1024;

const KEPT_MS = 2_000;

/** So that one that hangs does not slow every batch. */
const FAILURE_KEPT_MS = 10_000;

const Matcher = z.object({
  name: z.string(),
  value: z.string(),
  isRegex: z.boolean(),
  /** Absent before Alertmanager 0.22. */
  isEqual: z.boolean().default(true),
});
const Listed = z.object({
  id: z.string(),
  status: z.object({ state: z.string() }),
  matchers: z.array(Matcher).min(1),
  startsAt: InstantIn,
  endsAt: InstantIn,
  createdBy: z.string(),
  comment: z.string(),
});

/**
 * Reads the silences of an Alertmanager, and remembers them for half a minute.
 *
 * @param options.now milliseconds since the Unix epoch
 * @see https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
 */
export function alertmanagerSilences(options: {
  url: () => Promise<string | undefined>;
  now: () => number;
  log: Pick<Log, 'warn'>;
}): Silences {
  let known: { silences: Promise<readonly Silence[] | null>; until: number } | null = null;

  const ask = (): Promise<readonly Silence[] | null> => {
    const silences = read(options.url).catch((error: unknown) => {
      // Whatever it is, alerts are taken in: one page too many is better than none.
      options.log.warn('silences could not be read; until they can, none is known', { error: String(error) });
      asked.until = options.now() + FAILURE_KEPT_MS;
      return null;
    });
    const asked = { silences, until: options.now() + KEPT_MS };
    known = asked;
    return silences;
  };

  return {
    async inhibitsSlowBurns() {
      const base = await options.url();
      return base ? inhibitsSlowBurns(base) : null;
    },
    async active() {
      const silences = await (known !== null && options.now() < known.until ? known.silences : ask());
      const now = options.now();
      return silences && silences.filter(({ endsAt }) => millisOf(endsAt) > now);
    },
  };
}

/** Null: there is no Alertmanager. */
async function read(url: () => Promise<string | undefined>): Promise<readonly Silence[] | null> {
  const base = await url();
  if (!base) return null;
  if (!URL.canParse(base)) throw new NoAnswer('the address of Alertmanager is no URL');
  // Before 0.34 all are listed, whatever is asked for.
  const { status, text } = await call(
    `${base.replace(/\/+$/, '')}/api/v2/silences?active=true&pending=false&expired=false`,
    { method: 'GET', timeoutMs: ATTEMPT_TIMEOUT_MS, maxBytes: BODY_MAX_BYTES },
  );
  const list = z.array(z.unknown()).safeParse(json(text));
  if (status !== 200 || !list.success) throw new NoAnswer(`Alertmanager answered ${status}, but not with silences`);
  return list.data.flatMap(inForce);
}

/** One that cannot be read silences nothing. */
function inForce(listed: unknown): Silence[] {
  const parsed = Listed.safeParse(listed);
  if (!parsed.success || parsed.data.status.state !== 'active') return [];
  const { status: _, ...silence } = parsed.data;
  return [silence];
}
