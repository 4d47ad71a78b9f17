import { incidentNamer } from '../../../../core/actions/incidents/incident-numbers.ts';
import type { Named } from '../../../../core/domain/incidents/incident-number.ts';
import { SHADOW } from '../../../../core/actions/reports/report-kinds.ts';
import { inConfiguredSpelling } from '../../../../core/domain/catalogue/known-names.ts';
import { Refusal } from '../../../../core/domain/refusal.ts';
import { environmentCap } from '../../../../core/domain/automation/automation.ts';
import { modeOf } from '../../../../core/domain/automation/shadow-report.ts';
import { healthOf } from '../../../../core/domain/catalogue/health.ts';
import { proofsByRecords, provabilityOf } from '../../../../core/domain/catalogue/provability.ts';
import { environmentEntry, serviceEntry } from '../../../../core/domain/catalogue/catalogue.ts';
import type { Deps } from '../../../../core/domain/ports/deps.ts';
import type { ServiceEnvironment } from '../../../../core/domain/ports/common.ts';
import type { Automation } from '../../../../schemas/access/access.ts';
import type { ProvedTarget } from '../../../../schemas/automation/drill.ts';
import type { ShadowRow } from '../../../../schemas/automation/shadow-report.ts';
import type { Watch } from '../../../../schemas/judge/watch.ts';
import { type Change, ChangeKind } from '../../../../schemas/changes/change.ts';
import type { PinView } from '../../../../schemas/changes/pin.ts';
import type { Connections, Provability } from '../../../../schemas/config/connections.ts';
import type { Config, EnvironmentEntry, ServiceEntry } from '../../../../schemas/config/config.ts';
import { type EnvironmentName, type IncidentId, type Mode, ServiceName } from '../../../../schemas/config/names.ts';
import type { IncidentView } from '../../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { lastCheck } from '../../../../vendors/connections/stored-check.ts';
import type { Viewer } from '../../../http/context.ts';
import { servicePanels } from '../../features.ts';
import type { Html } from '../../parts.ts';
import { type PageRequest, type ConsoleDeps, viewerAsReader } from '../page.ts';

const INCIDENTS_SHOWN = 10;
const CHANGES_SHOWN = 25;
const WATCHES_SHOWN = 5;

/** Changes that one request looks through for those of a kind, and how many one read returns. */
const CHANGES_SEARCHED_MAX = 500;
const CHANGES_PER_READ = 100;

/** Newest changes of an environment that show what automation can prove, unless a check has measured it. */
const EVIDENCE_CHANGES_READ = 50;

/** How far back automation is compared with people. */
const SHADOW_SECONDS = 30 * 24 * 3600;

/** Kinds of changes that a person can select. */
export const CHANGE_FILTERS = {
  all: { label: 'All changes', kinds: ChangeKind.options },
  deploys: { label: 'Deploys and rollbacks', kinds: ['deploy', 'hotfix', 'rollback'] },
  settings: { label: 'Flags and configuration', kinds: ['flag', 'config', 'experiment'] },
  others: { label: 'Migrations and infrastructure', kinds: ['migration', 'infrastructure'] },
} as const satisfies Record<string, { label: string; kinds: readonly ChangeKind[] }>;

export type ChangeFilter = keyof typeof CHANGE_FILTERS;

/** What the page shows of an environment. A part is null if the viewer may not see it, or if there is none. */
export type EnvironmentData = {
  environment: EnvironmentName;
  /** Null: not in the catalogue. */
  entry: EnvironmentEntry | null;
  live: Change | null;
  mode: Mode | null;
  /** Why the mode in force is lower than the configured one. */
  limits: readonly string[];
  /** The limit of this service and environment that people have set. */
  cap: Mode | null;
  /** What automation would have done in shadow mode, compared with people. */
  shadow: ShadowRow | null;
  proof: ProvedTarget | null;
  /** What automation can prove, and when this was measured. Null for that: never, so the records say it. */
  evidence: { can: Provability; measuredAt: Timestamp | null } | null;
};

/** Everything that the page of a service shows. */
export type ServiceData = Pick<Viewer, 'may' | 'csrfToken'> & {
  at: Timestamp;
  service: ServiceName;
  /** Null: not in the catalogue. */
  entry: ServiceEntry | null;
  /** Services that depend on it. */
  dependents: readonly string[];
  environments: readonly EnvironmentData[];
  /** The newest ones. */
  incidents: readonly IncidentView[];
  /** Null: the viewer may not see it. */
  changes: { filter: ChangeFilter; items: readonly Change[]; from: string | null; older: string | null } | null;
  pins: readonly PinView[] | null;
  /** Names the incidents of the pins. */
  named: (id: IncidentId) => Named;
  /** The newest ones. */
  watches: readonly Watch[];
  /** What features show. */
  panels: readonly (Html | '')[];
};

/** @throws Refusal 403, 404 */
export async function loadService(deps: ConsoleDeps, { viewer, param, query }: PageRequest): Promise<ServiceData> {
  const named = ServiceName.safeParse(param['service']);
  if (!named.success) throw unknownService(param['service'] ?? '');
  const config = await deps.config.current();
  const { service } = inConfiguredSpelling(config, { service: named.data });
  const { caller, may, csrfToken } = viewer;
  caller.allow('incidents:read', { service });
  const mayRead = (action: Parameters<Viewer['may']>[0]) => may(action, { service });
  const [live, automation, incidents, changes, pins, proved, shadow, watches, check] = await Promise.all([
    mayRead('deployments:read') ? deps.changes.live() : [],
    mayRead('automation:read') ? deps.automation.read() : null,
    deps.incidents.list({ service, limit: INCIDENTS_SHOWN }),
    mayRead('deployments:read') ? changesOf(deps, viewer, service, query) : null,
    mayRead('versions:read') ? pinsOf(deps, viewer, service) : null,
    mayRead('drills:read') ? deps.drills.proved() : [],
    mayRead('automation:read') ? shadowOf(deps, viewer, service) : [],
    mayRead('deployments:read') ? deps.watches.list({ service, limit: WATCHES_SHOWN }) : { items: [] },
    lastCheck(deps),
  ]);
  const entry = serviceEntry(config.services, service) ?? null;
  const running = live.filter((change) => change.service === service);
  const names = new Set([...Object.keys(entry?.environments ?? {}), ...running.map(({ environment }) => environment)]);
  const isRecorded = incidents.items.length > 0 || (changes?.items.length ?? 0) > 0;
  if (entry === null && names.size === 0 && !isRecorded) throw unknownService(service);
  const environments = ([...names] as EnvironmentName[]).filter((environment) =>
    may('incidents:read', { service, environment }),
  );
  const recent = await Promise.all(
    environments.map(async (environment) => {
      const serviceEnvironment = { service, environment };
      return may('deployments:read', serviceEnvironment)
        ? deps.changes.recent(serviceEnvironment, EVIDENCE_CHANGES_READ)
        : [];
    }),
  );
  return {
    may,
    csrfToken,
    at: deps.clock.now(),
    service,
    entry,
    dependents: Object.entries(config.services).flatMap(([name, { dependsOn }]) =>
      dependsOn.includes(service) && may('incidents:read', { service: name }) ? [name] : [],
    ),
    environments: environments.map((environment, index): EnvironmentData => {
      const serviceEnvironment = { service, environment };
      const configured = environmentEntry(config.services, serviceEnvironment) ?? null;
      const isIn = (subject: { service: string; environment: string }) =>
        subject.service === service && subject.environment === environment;
      return {
        environment,
        entry: configured,
        live: running.find((change) => isIn(change) && may('deployments:read', change)) ?? null,
        mode:
          automation === null || configured?.deployer === undefined
            ? null
            : modeOf(serviceEnvironment, config.services, automation),
        limits: automation === null ? [] : limitsOf(automation, serviceEnvironment, config.services),
        cap: automation === null ? null : environmentCap(automation, serviceEnvironment, config.services),
        shadow: shadow.find(isIn) ?? null,
        proof: proved.find(isIn) ?? null,
        evidence: evidenceOf(configured, healthOf(config, serviceEnvironment), {
          check: check && { at: check.at, found: check.connections.evidence.find(isIn) },
          recent: recent[index] ?? [],
        }),
      };
    }),
    incidents: incidents.items.filter((incident) => may('incidents:read', incident)),
    changes,
    pins,
    named: await incidentNamer(
      deps,
      (pins ?? []).map(({ incident_id: id }) => id),
    ),
    watches: watches.items.filter((watch) => may('deployments:read', watch)),
    panels: await servicePanels(deps, viewer, { name: service, environments }),
  };
}

/** Says what automation can prove, by what the last check has measured, else by what is recorded. */
function evidenceOf(
  entry: EnvironmentEntry | null,
  health: EnvironmentEntry['health'],
  {
    check,
    recent,
  }: {
    check: { at: Timestamp; found: Connections['evidence'][number] | undefined } | undefined;
    recent: readonly Change[];
  },
): EnvironmentData['evidence'] {
  if (entry?.deployer === undefined) return null;
  const measured = check?.found ?? proofsByRecords(health, recent);
  const can = provabilityOf({
    ...entry,
    deployer: entry.deployer.kind,
    hasHealth: health !== undefined,
    measured,
    propose: check?.found?.propose ?? [],
  });
  return { can, measuredAt: check?.found === undefined ? null : check.at };
}

const unknownService = (name: string): Refusal =>
  new Refusal(404, 'unknown-service', `no service ${name} is in the catalogue, and nothing is recorded about it`);

/** Returns why the mode in force is lower than the configured one. */
function limitsOf(
  automation: Automation,
  serviceEnvironment: ServiceEnvironment,
  catalogue: Config['services'],
): string[] {
  const { paused, demoted, mode, services } = automation;
  const serviceSetting = Object.hasOwn(services, serviceEnvironment.service)
    ? services[serviceEnvironment.service]
    : undefined;
  const environmentMode = environmentCap(automation, serviceEnvironment, catalogue);
  const demotion = Object.hasOwn(demoted, serviceEnvironment.service) ? demoted[serviceEnvironment.service] : undefined;
  return [
    ...(paused ? ['the kill switch is on, so nothing is rolled back'] : []),
    ...(demotion === undefined ? [] : [`approval is needed until a person sets the mode: ${demotion.reason}`]),
    ...(mode === null ? [] : [`all services are limited to ${mode}`]),
    ...(serviceSetting?.mode == null ? [] : [`${serviceEnvironment.service} is limited to ${serviceSetting.mode}`]),
    ...(environmentMode === null
      ? []
      : [`${serviceEnvironment.service} in ${serviceEnvironment.environment} is limited to ${environmentMode}`]),
  ];
}

/** Reads until a page is full of changes of the selected kinds. */
async function changesOf(
  { changes }: Pick<Deps, 'changes'>,
  { may }: Viewer,
  service: ServiceName,
  query: URLSearchParams,
): Promise<NonNullable<ServiceData['changes']>> {
  const requested = query.get('kind') ?? '';
  const filter: ChangeFilter = Object.hasOwn(CHANGE_FILTERS, requested) ? (requested as ChangeFilter) : 'all';
  const kinds: readonly ChangeKind[] = CHANGE_FILTERS[filter].kinds;
  const from = query.get('from') || null;
  const items: Change[] = [];
  let cursor = from;
  for (
    let searched = 0;
    searched < CHANGES_SEARCHED_MAX && items.length < CHANGES_SHOWN;
    searched += CHANGES_PER_READ
  ) {
    const limit = filter === 'all' ? CHANGES_SHOWN : CHANGES_PER_READ;
    const page = await changes.list({ service, limit, ...(cursor !== null && { cursor }) });
    items.push(...page.items.filter((change) => kinds.includes(change.kind) && may('deployments:read', change)));
    cursor = page.next_cursor;
    if (cursor === null) break;
  }
  return { filter, items, from, older: cursor };
}

async function pinsOf({ pins }: Pick<Deps, 'pins'>, { may }: Viewer, service: ServiceName): Promise<PinView[]> {
  const { items } = await pins.list({ limit: 500, all: false });
  return items.filter((pin) => pin.service === service && may('versions:read', pin));
}

async function shadowOf(
  { reports }: Pick<ConsoleDeps, 'reports'>,
  viewer: Viewer,
  service: ServiceName,
): Promise<ShadowRow[]> {
  const request = { seconds: SHADOW_SECONDS, scope: { service } };
  return (await reports.read(SHADOW, request, viewerAsReader(viewer))).value.items;
}
