import { createRoute, z } from '@hono/zod-openapi';
import type { Deps } from '../../domain/ports.ts';
import { millisOf } from '../../schemas/time.ts';
import { type Api, endpoint } from './endpoint.ts';

/** Firebreak itself, for Prometheus. All of it is read from the table, so that every instance tells the same. */
export function metricsRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'metrics:read',
    createRoute({
      method: 'get',
      path: '/metrics',
      tags: ['health'],
      summary: 'Prometheus exposition',
      responses: { 200: { description: 'Text format 0.0.4', content: { 'text/plain': { schema: z.string() } } } },
    }),
    async (c) => c.text(await exposition(deps), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }),
  );
}

async function exposition(deps: Deps): Promise<string> {
  const now = deps.clock.now();
  const [live, open, pending, quarantined, automation, pinned, proved] = await Promise.all([
    deps.changes.live(),
    deps.incidents.open(),
    deps.incidents.pending(now),
    deps.quarantine.count(),
    deps.automation.read(),
    deps.pins.list({ limit: 500, all: false }),
    deps.drills.proved(),
  ]);
  return [
    metric(
      'firebreak_deployment_timestamp_seconds',
      'When the version that runs went live, in seconds since the epoch',
      live.map((change) => [
        { service: change.service, environment: change.environment, version: change.version },
        millisOf(change.finished_at ?? change.started_at) / 1000,
      ]),
    ),
    metric('firebreak_incidents_open', 'Incidents that are not resolved', [[{}, open.length]]),
    metric('firebreak_incidents_pending', 'Incidents with something that their workflow has not seen yet', [
      [{}, pending.length],
    ]),
    metric('firebreak_quarantined_inputs', 'Inputs that could not be read and have not been replayed', [
      [{}, quarantined],
    ]),
    metric(
      'firebreak_pinned_version',
      '1 for each version known bad',
      pinned.items.map(({ service, environment, version }) => [{ service, environment, version }, 1]),
    ),
    metric(
      'firebreak_automation_demoted',
      '1 for each service whose automation was wrong too often, and asks until a person sets its mode again',
      Object.keys(automation.demoted).map((service) => [{ service }, 1]),
    ),
    metric(
      'firebreak_drill_last_proved_timestamp_seconds',
      'When a drill last proved the way back of a target, in seconds since the epoch',
      proved.map(({ service, environment, at }) => [{ service, environment }, millisOf(at) / 1000]),
    ),
    metric('firebreak_automation_paused', '1 while the kill switch is on', [[{}, automation.paused ? 1 : 0]]),
  ].join('');
}

function metric(name: string, help: string, samples: [Record<string, string>, number][]): string {
  const lines = samples.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
    return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`;
}

const escapeLabel = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
