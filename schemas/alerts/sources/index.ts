import * as z from 'zod';
import { FEATURE_SOURCES } from '../../../features/names.ts';
import { alertmanager } from '../../../vendors/alertmanager/alert-source.ts';
import { grafana } from '../../../vendors/grafana/alert-source.ts';
import { generic } from './generic.ts';
import type { ParseResult, Source, SourceAlert } from './parsed.ts';

/** All alert sources. Receivers, the API description, the quarantine, and reserved names of tokens follow from them. */
const SOURCES = [alertmanager, grafana, generic] as const;

/**
 * The source of a signal. Firebreak itself: `deployment`, because a deployment failed; `watch`, because of a watch;
 * `drift`, because generated rules differ from the loaded ones; and the sources of features.
 */
export const SourceName = z.enum([
  ...SOURCES.map(({ name }) => name),
  'deployment',
  'watch',
  'drift',
  ...FEATURE_SOURCES,
]);
export type SourceName = z.infer<typeof SourceName>;

/** An alert, and the source that sent it. */
export type Alert = SourceAlert & { source: SourceName };

export type AlertSource = Omit<Source, 'parse'> & { parse(body: string, now: () => number): ParseResult<Alert> };

/** Returns the source, whose alerts name it. */
const withSourceName = (source: (typeof SOURCES)[number]): AlertSource => ({
  ...source,
  parse(body, now) {
    const result = source.parse(body, now);
    if (!result.ok) return result;
    const alerts = result.parsed.alerts.map((alert): Alert => ({ source: source.name, ...alert }));
    return { ok: true, parsed: { ...result.parsed, alerts } };
  },
});

/** All alert sources, by name. */
export const sources: ReadonlyMap<string, AlertSource> = new Map(
  SOURCES.map((source) => [source.name, withSourceName(source)]),
);
