import type { Deps, Place } from '../../domain/ports.ts';
import {
  configuredEnvironments,
  configuredPlaces,
  type KnownPlaces,
  probablyMeant,
  theOneCalled,
} from '../../domain/freeze/place-names.ts';
import { unconfiguredEnvironment } from '../../domain/unconfigured.ts';
import type { Config } from '../../schemas/config.ts';
import { EnvironmentName, ServiceName } from '../../schemas/names.ts';
import { millisOf } from '../../schemas/time.ts';

/** What is deployed where changes seldom; a name that is not among these is looked up by itself. */
const RECORDED_FOR_MS = 10_000;

/**
 * The place that a question is about.
 *
 * `asked`: under what other names it was asked about; null: under these. `unknown`: no configuration names the environment.
 */
export type KnownPlace = Place & {
  asked: Place | null;
  unknown: UnknownEnvironment | null;
};

/** `recorded`: nothing but deployments names it, as where somebody has misspelt it. */
type UnknownEnvironment = { known: string[]; meant: string | null; recorded?: true };

/**
 * Of which place it is asked. A name that differs from one that is known in case, width or blanks alone stands for that
 * one, so that no freeze, pin or token of it is passed by; the configuration is looked at first, then what was deployed.
 */
export async function knownPlace(
  deps: Pick<Deps, 'changes' | 'clock'>,
  config: Config,
  { service, environment }: Place,
): Promise<KnownPlace> {
  const configured = placesIn(config);
  const named = theOneCalled(service, configured.keys());
  const own = named === undefined ? undefined : configured.get(named);
  const first = own && theOneCalled(environment, own);
  if (named !== undefined && first !== undefined) return placeOf(named, first, { service, environment });

  const recorded = await recordedPlaces(deps);
  const called = named ?? theOneCalled(service, recorded.keys()) ?? service;
  const deployed = new Set([...(recorded.get(called) ?? []), ...(recorded.get(service) ?? [])]);
  // Of a service that the configuration gives no environment it can only be said whether there is such a one at all.
  const known = new Set([...(own !== undefined && own.size > 0 ? own : everywhere(config, recorded)), ...deployed]);
  const meant =
    (own === undefined || own.size === 0
      ? theOneCalled(environment, configuredEnvironments(config)) // before what was deployed under another spelling
      : undefined) ??
    theOneCalled(environment, deployed) ??
    theOneCalled(environment, known);
  if (meant !== undefined)
    return {
      ...placeOf(called, meant, { service, environment }),
      unknown: recordedOnly(config, { service: called, environment: meant }),
    };
  const isRecorded = (await deps.changes.recent({ service, environment }, 1)).length > 0;
  return {
    ...placeOf(called, environment, { service, environment }),
    unknown: isRecorded
      ? recordedOnly(config, { service: called, environment })
      : { known: [...known].toSorted(), meant: probablyMeant(environment, known) },
  };
}

/** Whatever was recorded is known; that does not make its name right. */
function recordedOnly(config: Config, place: { service: string; environment: string }): UnknownEnvironment | null {
  const found = unconfiguredEnvironment(config, place);
  return found === null ? null : { ...found, recorded: true };
}

function placeOf(service: string, environment: string, asked: Place): KnownPlace {
  const isSame = service === asked.service && environment === asked.environment;
  return {
    service: ServiceName.parse(service),
    environment: EnvironmentName.parse(environment),
    asked: isSame ? null : asked,
    unknown: null,
  };
}

const everywhere = (config: Config, recorded: KnownPlaces): Set<string> =>
  new Set([...configuredEnvironments(config), ...[...recorded.values()].flatMap((environments) => [...environments])]);

const configs = new WeakMap<Config, KnownPlaces>();

function placesIn(config: Config): KnownPlaces {
  const before = configs.get(config);
  if (before !== undefined) return before;
  const places = configuredPlaces(config);
  configs.set(config, places);
  return places;
}

const recordings = new WeakMap<Deps['changes'], { readMs: number; places: KnownPlaces }>();

/** Where what is deployed runs, as it was read some seconds ago at most. */
async function recordedPlaces({ changes, clock }: Pick<Deps, 'changes' | 'clock'>): Promise<KnownPlaces> {
  const now = millisOf(clock.now());
  const before = recordings.get(changes);
  if (before !== undefined && Math.abs(now - before.readMs) < RECORDED_FOR_MS) return before.places;
  const places = new Map<string, Set<string>>();
  for (const { service, environment } of await changes.live())
    places.set(service, (places.get(service) ?? new Set<string>()).add(environment));
  recordings.set(changes, { readMs: now, places });
  return places;
}
