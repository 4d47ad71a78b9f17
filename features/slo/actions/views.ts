import { dailyPoints, dailyPointsSeconds } from '../decisions/measurement/daily-points.ts';
import { spansOf } from '../decisions/corrections.ts';
import { sloView } from '../decisions/view.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { Deps } from '../ports.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { Slo } from '../../../schemas/slo/slo.ts';
import type { SloStatus } from '../../../schemas/slo/slo-status.ts';
import type { SloPoint, SloView } from '../schemas/slo-view.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { storedHistory } from './history.ts';
import { policyOf } from '../../freeze/decisions/policy.ts';

const AT_ONCE = 8;

/** Returns objectives with the result of their last evaluation and with their history by day. */
export async function sloViews(
  deps: Pick<Deps, 'clock' | 'freezeState' | 'sloCorrections' | 'sloStatuses' | 'sloDays'>,
  config: Config,
  slos: readonly Slo[],
): Promise<SloView[]> {
  const at = deps.clock.now();
  const positions = new Map(slos.map((slo) => [keyOf({ ...slo, id: '' }), slo]));
  const [evaluatedAt, states] = await Promise.all([
    deps.sloStatuses.evaluatedAt(),
    mapPooled([...positions.values()], async (position) => {
      // Freezes of objectives are in the scope of their service, never in that of a team.
      const [statuses, { own }] = await Promise.all([
        deps.sloStatuses.of(position),
        deps.freezeState.read({ ...position, team: null }, []),
      ]);
      return { statuses, freezes: own };
    }),
  ]);
  const found = new Map(states.flatMap(({ statuses }) => statuses).map((status) => [keyOf(status), status]));
  const freezes = states.flatMap((state) => state.freezes);
  return mapPooled(slos, async (slo) =>
    sloView({
      slo,
      status: found.get(keyOf(slo)),
      policy: policyOf(config, slo),
      freezes,
      history: await pastPoints(deps, slo),
      evaluatedAt,
      at,
    }),
  );
}

/**
 * Returns the history, or an empty list if the stored history is corrupt. The objective's state then reports the
 * problem.
 */
async function pastPoints(
  { sloDays, sloCorrections, clock }: Pick<Deps, 'sloCorrections' | 'sloDays' | 'clock'>,
  slo: Slo,
): Promise<SloPoint[]> {
  const now = millisOf(clock.now());
  const seconds = dailyPointsSeconds(slo, now);
  const corrections = (await sloCorrections.activeOf(slo.id)).map((correction) => ({
    correction,
    spans: spansOf(correction, { from: now - seconds * 1000, until: now }),
  }));
  try {
    return dailyPoints(slo, await storedHistory(sloDays, slo, seconds, now), now, corrections);
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

type CurrentDeps = Pick<Deps, 'clock' | 'config' | 'sloStatuses'>;

/** Returns all objectives with the result of their last evaluation, without their history. */
export const currentSlos = (deps: CurrentDeps): Promise<SloView[]> =>
  currentOf(
    deps,
    () => true,
    () => deps.sloStatuses.all(),
  );

/** Returns the same of the objectives of one service in one environment. */
export const slosOf = (deps: CurrentDeps, of: ServiceEnvironment): Promise<SloView[]> =>
  currentOf(
    deps,
    ({ service, environment }) => service === of.service && environment === of.environment,
    () => deps.sloStatuses.of(of),
  );

async function currentOf(
  { clock, config: source, sloStatuses }: CurrentDeps,
  isWanted: (slo: Slo) => boolean,
  read: () => Promise<SloStatus[]>,
): Promise<SloView[]> {
  const config = await source.current();
  const slos = config.slos.filter(isWanted);
  if (slos.length === 0) return [];
  const [found, evaluatedAt] = await Promise.all([read(), sloStatuses.evaluatedAt()]);
  const statuses = new Map(found.map((status) => [keyOf(status), status]));
  const at = clock.now();
  return slos.map((slo) => {
    const policy = policyOf(config, slo);
    return sloView({ slo, status: statuses.get(keyOf(slo)), policy, freezes: [], history: [], evaluatedAt, at });
  });
}

/** Maps items in order, at most `AT_ONCE` at a time. */
async function mapPooled<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (let first = 0; first < items.length; first += AT_ONCE)
    done.push(...(await Promise.all(items.slice(first, first + AT_ONCE).map(work))));
  return done;
}

/** Returns what identifies an objective in its service and environment. */
const keyOf = ({ service, environment, id }: { service: string; environment: string; id: string }): string =>
  [service, environment, id].join('\u0000');
