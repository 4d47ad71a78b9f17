import type { Config } from '../../../schemas/config/config.ts';
import type { Maintenance } from '../schemas/status-page-file.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { pagesOf } from './pages.ts';
import { withComponents } from './public-texts.ts';
import type { MaintenanceStatus } from './view.ts';

type PublicConfig = Pick<Config, 'services' | 'statusPage'>;

/** A maintenance as the hosted page shows it at one time. */
export type HostedMaintenance = {
  name: string;
  status: MaintenanceStatus;
  /** The text of the newest update. */
  body: string;
  from: Timestamp;
  until: Timestamp;
  /** Names of its public components. */
  components: string[];
};

/** Returns the names of all components that a public page shows. Others may be for internal pages only. */
const publicNames = (config: PublicConfig): ReadonlySet<string> =>
  new Set([...pagesOf(config).values()].flatMap(({ components }) => components.map(({ name }) => name)));

/** Returns the names of the public components whose maintenance is in progress. */
export function maintainedAt(config: PublicConfig, now: Timestamp): ReadonlySet<string> {
  const current = config.statusPage.maintenance.filter(({ from, until }) => from <= now && now < until);
  if (current.length === 0) return new Set();
  const published = publicNames(config);
  return new Set(current.flatMap(({ components }) => components.filter((name) => published.has(name))));
}

/** Returns what the hosted page shows of the maintenances, by ID. Those that are not announced yet are absent. */
export function hostedMaintenances(config: PublicConfig, now: Timestamp): ReadonlyMap<string, HostedMaintenance> {
  const published = publicNames(config);
  return new Map(
    config.statusPage.maintenance
      .filter(({ announced }) => announced <= now)
      .map((maintenance) => [maintenance.id, hosted(maintenance, published, config, now)] as const)
      .filter(([, { components }]) => components.length > 0),
  );
}

function hosted(
  { title, text, components: all, from, until }: Maintenance,
  published: ReadonlySet<string>,
  { statusPage: { updates } }: PublicConfig,
  now: Timestamp,
): HostedMaintenance {
  const components = all.filter((name) => published.has(name));
  const status = now < from ? 'scheduled' : now < until ? 'in_progress' : 'completed';
  const texts = { scheduled: text, in_progress: updates.maintenanceStarted, completed: updates.maintenanceCompleted };
  return {
    name: withComponents(title, components),
    status,
    body: withComponents(texts[status], components),
    from,
    until,
    components,
  };
}
