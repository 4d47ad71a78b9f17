import * as z from 'zod';
import { FEATURE_SOURCES } from '../../../features/names.ts';
import { alertmanager } from '../../../vendors/alertmanager/alert-source.ts';
import { grafana } from '../../../vendors/grafana/alert-source.ts';
import { generic } from './generic.ts';
import { type ParseResult, runSteps, type Source, type SourceAlert, type Steps } from './parsed.ts';

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

export type AlertSource = Omit<Source, 'parse' | 'steps'> & {
  parse(body: string, now: () => number): ParseResult<Alert>;
  steps(body: string, now: () => number): Steps<ParseResult<Alert>>;
};

/** Returns the source, whose alerts name it. */
function withSourceName(source: Source<SourceName>): AlertSource {
  function* steps(body: string, now: () => number): Steps<ParseResult<Alert>> {
    const result = source.steps === undefined ? source.parse(body, now) : yield* source.steps(body, now);
    if (!result.ok) return result;
    const alerts = result.parsed.alerts.map((alert): Alert => ({ source: source.name, ...alert }));
    return { ok: true, parsed: { ...result.parsed, alerts } };
  }
  return { ...source, steps, parse: (body, now) => runSteps(steps(body, now)) };
}

/** All alert sources, by name. */
export const sources: ReadonlyMap<string, AlertSource> = new Map(
  SOURCES.map((source) => [source.name, withSourceName(source)]),
);
