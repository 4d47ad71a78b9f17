import { environmentEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { sha256 } from '../../../core/stores/hash.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { Deps } from '../ports.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { GeneratedState } from '../../../schemas/config/connections.ts';
import { Version } from '../../../schemas/config/names.ts';
import { plusSeconds, Timestamp } from '../../../schemas/time/time.ts';
import { enqueue } from '../../../core/actions/alerts/enqueue.ts';
import { reportChange, type ReportDeps } from '../../../core/actions/changes/report-change.ts';
import { type Comparison, compareDashboards, compareRouting, compareRules } from './compare-generated.ts';

export type DriftDeps = ReportDeps & Pick<Deps, 'loadedMonitoring' | 'silences' | 'blobs' | 'queue'>;

/** Seconds between two comparisons. Each reads all rules of Prometheus. */
const EVERY_SECONDS = 15 * 60;

/** Seconds that a difference lasts until it is reported: a new configuration is loaded somewhat later. */
const LASTING_SECONDS = 30 * 60;

/** Seconds after which rules that are no longer loaded count as removed on purpose. */
const REMOVED_SECONDS = 7 * 24 * 3600;

/** Services and environments whose changes list the drift. */
const PLACES_MAX = 100;

const NAMED_MAX = 10;

/** Key of the state between two comparisons. */
const STATE_KEY = 'doctor/drift.json';

const State = z.object({
  compared_at: Timestamp,
  /** When generated rules were last loaded. */
  loaded_at: Timestamp.nullable(),
  /** When the first of the present differences was found. */
  since: Timestamp.nullable(),
  alerted: z.boolean(),
  /** The differences that changes were recorded for. */
  recorded: z.string().nullable(),
  /** Dashboards of Grafana differed at the last comparison. */
  dashboards_differ: z.boolean().default(false),
});
type State = z.infer<typeof State>;

const EMPTY_STATE: State = {
  compared_at: '' as Timestamp,
  loaded_at: null,
  since: null,
  alerted: false,
  recorded: null,
  dashboards_differ: false,
};

type Difference = GeneratedState['differences'][number] & Pick<GeneratedState, 'source'>;

type FoundDrift = {
  differences: Difference[];
  dashboards: Difference[];
  places: ServiceEnvironment[];
  isLoaded: boolean;
};

/**
 * Reports rules, routes, and dashboards that differ from the generated ones for 30 minutes as an alert of Firebreak
 * itself, and rules and routes as a change of the services that they are about. A dashboard changes no service. A system
 * that can't be read changes nothing.
 */
export async function reportDrift(deps: DriftDeps): Promise<void> {
  const { driftAlert } = (await deps.config.current()).delivery;
  const now = deps.clock.now();
  const state = await storedState(deps);
  if (state.since === null && driftAlert === 'off') return;
  if (state.compared_at !== '' && plusSeconds(state.compared_at, EVERY_SECONDS) > now) return;
  const none: FoundDrift = { differences: [], dashboards: [], places: [], isLoaded: false };
  const found = driftAlert === 'off' ? none : await differencesIn(deps, state, now);
  const next = { ...state, compared_at: now };
  if (found === null) return storeState(deps, next);
  const { dashboards, places, isLoaded } = found;
  const differences = [...found.differences, ...dashboards];
  next.dashboards_differ = dashboards.length > 0;
  if (isLoaded) next.loaded_at = now;
  if (differences.length === 0) {
    if (state.alerted && state.since !== null) await sendAlert(deps, [], state.since, now);
    return storeState(deps, { ...next, since: null, alerted: false, recorded: null });
  }
  const since = state.since ?? now;
  if (plusSeconds(since, LASTING_SECONDS) > now) return storeState(deps, { ...next, since });
  if (!state.alerted) await sendAlert(deps, differences, since, null);
  const names = found.differences.map(({ source, kind, name }) => `${source} ${kind} ${name}`);
  const hash = sha256(JSON.stringify(names.toSorted((a, b) => (a < b ? -1 : 1)))).slice(0, 12);
  if (names.length > 0 && state.recorded !== hash) await recordChanges(deps, places, { since, hash });
  await storeState(deps, { ...next, since, alerted: true, recorded: hash });
}

/** Returns all differences. Null: a system that was compared before could not be read. */
async function differencesIn(deps: DriftDeps, state: State, now: Timestamp): Promise<FoundDrift | null> {
  const [rules, routing, dashboards, inhibits] = await Promise.all([
    compareRules(deps),
    compareRouting(deps),
    compareDashboards(deps),
    deps.silences.inhibitsSlowBurns(),
  ]);
  for (const { source, state: how, detail } of [rules, routing, dashboards]) {
    if (how !== 'unreadable') continue;
    deps.log.warn('the generated files could not be compared with what is loaded', { source, detail });
    // A token of Grafana that may only write annotations is no reason not to compare the rules.
    if (source !== 'Grafana' || state.dashboards_differ) return null;
  }
  const isLoaded = rules.state === 'same' || rules.state === 'differs';
  const wereLoaded = state.loaded_at !== null && plusSeconds(state.loaded_at, REMOVED_SECONDS) > now;
  const { slos } = await deps.config.current();
  const areGone = rules.state === 'none' && wereLoaded;
  const differences: Difference[] = [
    ...withSource(rules),
    ...(areGone ? [GONE] : []),
    // Without generated rules, Alertmanager needs no route for them.
    ...(isLoaded ? withSource(routing) : []),
    ...(isLoaded && slos.length > 0 && inhibits === false ? [NOT_INHIBITED] : []),
  ];
  const all = slos.map(({ service, environment }) => ({ service, environment }));
  const isPartial = differences.length === rules.differences.length;
  return { differences, dashboards: withSource(dashboards), places: isPartial ? rules.places : all, isLoaded };
}

const GONE: Difference = {
  source: 'Prometheus',
  kind: 'missing',
  name: 'prometheus/*.yaml',
  detail: 'no generated rules are loaded any more; add the files to rule_files, and reload Prometheus',
};
const NOT_INHIBITED: Difference = {
  source: 'Alertmanager',
  kind: 'missing',
  name: 'inhibit_rules',
  detail: 'SLOFastBurn does not inhibit SLOSlowBurn; copy the rule from alertmanager/firebreak.yaml',
};

const withSource = ({ source, differences }: Comparison): Difference[] =>
  differences.map((one) => ({ ...one, source }));

async function sendAlert(
  deps: Pick<Deps, 'config' | 'queue' | 'clock'>,
  differences: readonly Difference[],
  startsAt: Timestamp,
  endsAt: Timestamp | null,
): Promise<void> {
  const { delivery } = await deps.config.current();
  const lines = differences.map(({ source, kind, name, detail }) => `${source}: ${kind}: ${name}: ${detail}`);
  const more = lines.length - NAMED_MAX;
  const now = deps.clock.now();
  await enqueue(
    deps,
    {
      id: `drift-${startsAt}-${endsAt === null ? 'firing' : 'resolved'}`,
      at: now,
      trace: randomBytes(16).toString('hex'),
    },
    [
      {
        source: 'drift',
        status: endsAt === null ? 'firing' : 'resolved',
        labels: new Map([
          ['alertname', 'GeneratedRulesDrift'],
          ['service', 'firebreak'],
          ['environment', delivery.environments[0] ?? 'production'],
          ['severity', delivery.driftAlert === 'ticket' ? 'ticket' : 'info'],
        ]),
        annotations: new Map([
          ['summary', 'The loaded rules, routes, or dashboards differ from what firebreak slo generate writes'],
          [
            'description',
            [...lines.slice(0, NAMED_MAX), ...(more > 0 ? [`and ${more} more: firebreak doctor`] : [])].join('\n'),
          ],
        ]),
        startsAt,
        endsAt,
        fingerprint: 'generated-rules-drift',
        episodic: true,
        generatorUrl: null,
      },
    ],
  );
}

async function recordChanges(
  deps: DriftDeps,
  places: readonly ServiceEnvironment[],
  { since, hash }: { since: Timestamp; hash: string },
): Promise<void> {
  const { services } = await deps.config.current();
  const unique = new Map(
    places.map((serviceEnvironment) => [
      JSON.stringify([serviceEnvironment.service, serviceEnvironment.environment]),
      serviceEnvironment,
    ]),
  );
  for (const { service, environment } of [...unique.values()]
    .filter((serviceEnvironment) => isInCatalogue(services, serviceEnvironment))
    .slice(0, PLACES_MAX))
    await reportChange(
      deps,
      {
        source: 'drift',
        key: `rules ${since} ${hash} ${service} ${environment}`,
        at: deps.clock.now(),
        subject: { service, environment },
        kind: 'config',
        status: 'succeeded',
        version: Version.parse(`rules-${hash}`),
        started_at: since,
      },
      `drift-${hash}`,
    );
}

const isInCatalogue = (services: Config['services'], { service, environment }: ServiceEnvironment): boolean =>
  environmentEntry(services, { service, environment }) !== undefined;

async function storedState({ blobs, log }: Pick<Deps, 'blobs' | 'log'>): Promise<State> {
  const body = await blobs.get(STATE_KEY);
  if (body === undefined) return EMPTY_STATE;
  try {
    return State.parse(JSON.parse(Buffer.from(body).toString()));
  } catch (error) {
    log.warn('the state of the comparison of generated files cannot be read', { error: String(error) });
    return EMPTY_STATE;
  }
}

const storeState = ({ blobs }: Pick<Deps, 'blobs'>, state: State): Promise<void> =>
  blobs.put(STATE_KEY, JSON.stringify(state), 'application/json');
