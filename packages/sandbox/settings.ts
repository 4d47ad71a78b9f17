import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { OpenSettings } from '../../local/sandbox.ts';
import type { Env } from '../../schemas/config/variables.ts';

/** The stand-in for Prometheus. */
export type PrometheusStandIn = { url: string; inUse(): boolean };

/**
 * Returns the setting that connects Prometheus to its stand-in, once that has samples or rules. Before, every health
 * check would find "no data".
 */
export function settingOf(name: string, env: Env, { url, inUse }: PrometheusStandIn): string | undefined {
  // The name first: every request reads settings, and the stand-in reads its database.
  return name === 'PROMETHEUS_URL' && !env['PROMETHEUS_URL'] && inUse() ? url : undefined;
}

const IN_USE = `
  select 1 as used from documents
  where kind = 'prometheus series' or (kind = 'prometheus rules' and json <> '[]') limit 1`;

/** What another thread needs to open the settings: the folder of the stand-ins, which are started, and an address. */
export type SettingsArgument = { dir: string; prometheusUrl: string };

/** Opens the settings in another thread. In its own file, because that thread needs nothing else of the sandbox. */
export const openSettings: OpenSettings<SettingsArgument> = ({ dir, prometheusUrl }) => {
  const db = new DatabaseSync(join(dir, 'standins.sqlite'), { readOnly: true });
  const query = db.prepare(IN_USE);
  const prometheus = { url: prometheusUrl, inUse: () => query.get()?.['used'] === 1 };
  return { get: (name, env) => settingOf(name, env, prometheus), close: () => db.close() };
};
