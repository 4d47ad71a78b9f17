import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Decision, DecisionInputs } from '../../../../core/domain/rollback/judgement.ts';
import type { MonitoredCase } from '../../evaluation/monitored/case.ts';
import type { Recorded } from '../../evaluation/monitored/records.ts';
import { inputsAt } from '../measurements/monitored.ts';
import { type Product, startIn } from '../harness/product.ts';
import { type SimulatedClock, simulatedClock } from './clock.ts';
import { catalogueOf, placeCases, type PlacedCase, withoutPrefixes } from './placed-case.ts';
import { startWorldPrometheus } from './prometheus.ts';
import { type Step, timelineOf } from './timeline.ts';

/** Milliseconds to wait for what the product does about a request, only to detect that it never does. */
const PATIENCE_MS = 120_000;
const PAUSE_MS = 100;

/** Seconds of the world before the first alert at which the product starts. Older changes are recorded then. */
const BEFORE_SECONDS = 30;

/** The first decision of the product about the judged alert. `changes`: id in the product → change of the world. */
export type Replayed = {
  monitored: MonitoredCase;
  decision: Shown;
  inputs: DecisionInputs;
  changes: Map<string, Recorded>;
};
type Shown = Pick<Decision, 'kind'>;

type View = { items: { id: string }[] };
type IncidentView = { id: string; decisions: { id: string }[] };

/**
 * Whether a case can be replayed: Firebreak's own rollbacks cannot be recorded from outside, and Alertmanager does not send
 * an alert that has ended before the first notification of its group.
 */
export const isReplayable = (monitored: MonitoredCase): boolean =>
  monitored.stage.recorded.every(({ madeFor, rolledBackBy }) => madeFor === null && rolledBackBy === null) &&
  timelineOf({ monitored, prefix: '' }).length > 0;

/** Sends cases to a new product, in the order and at the times of their worlds, and yields what the product decides. */
export async function* replay(monitored: readonly MonitoredCase[]): AsyncGenerator<Replayed> {
  const cases = placeCases(monitored).map((one) => ({ ...one, steps: timelineOf(one) }));
  const startsAt = ({ monitored: { world }, steps }: (typeof cases)[number]): number =>
    world.epoch + Math.min(...steps.filter(({ kind }) => kind === 'notify').map(({ at }) => at)) - BEFORE_SECONDS;
  const [first] = cases;
  if (first === undefined) return;
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-sample-'));
  const clock = simulatedClock(folder, startsAt(first) * 1000);
  const prometheus = await startWorldPrometheus(cases, clock.now);
  try {
    await mkdir(join(folder, 'config'));
    await writeFile(join(folder, 'config', 'services.yaml'), JSON.stringify(catalogueOf(cases))); // JSON is YAML
    const withoutVendors = { SLACK_API_URL: 'https://slack.invalid/api/', GRAFANA_URL: 'https://grafana.invalid' }; // no tokens
    const product = await startIn(folder, { PROMETHEUS_URL: prometheus.url, ...withoutVendors }, clock.nodeArgs);
    try {
      for (const one of cases) {
        clock.jumpTo(startsAt(one) * 1000);
        yield await replayOne(product.request, clock, one);
      }
    } finally {
      await product.stop();
    }
  } finally {
    prometheus.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function replayOne(
  ask: Ask,
  clock: SimulatedClock,
  { monitored, prefix, steps }: PlacedCase & { steps: readonly Step[] },
): Promise<Replayed> {
  await inputsAt(monitored, monitored.at); // makes the series, so that its Prometheus is as fast as a real one
  const changes = new Map<string, Recorded>();
  const now = clock.now() / 1000 - monitored.world.epoch;
  const older = Map.groupBy(
    steps.flatMap((step) => (step.at <= now && step.kind !== 'notify' ? [step] : [])),
    ({ change }) => change.service,
  );
  await Promise.all(
    [...older.values()].map(async (ofService) => {
      for (const [change, reports] of Map.groupBy(ofService, (step) => step.change)) {
        const body = Object.assign({}, ...reports.map((report) => report.body)) as object; // one report of what is over
        await send(ask, { at: 0, kind: 'record', change, body }, { changes, prefix });
      }
    }),
  );
  for (const step of steps) {
    if (step.at <= now) continue;
    clock.jumpTo((monitored.world.epoch + step.at) * 1000);
    await send(ask, step, { changes, prefix });
  }
  const id = await incidentOf(ask, prefix + monitored.alert.service);
  const shown = (await ask('GET', `/v1/incidents/${id}/decisions/1`)) as { decision: Shown; inputs_json: string };
  const { items } = (await ask('GET', '/v1/incidents?status=open&limit=100')) as View;
  // A parent incident ends with its children. The next world begins two weeks later, when all others have ended, too.
  await Promise.allSettled(items.map((open) => ask('POST', `/v1/incidents/${open.id}/actions/resolve`, {})));
  const plain = (value: object): unknown => JSON.parse(withoutPrefixes(JSON.stringify(value)));
  return {
    monitored,
    decision: plain(shown.decision) as Shown,
    inputs: plain(JSON.parse(shown.inputs_json) as object) as DecisionInputs,
    changes,
  };
}

type Ask = Product['request'];

/** Sends one request, and waits until the product has judged the incidents of its alerts. */
async function send(
  ask: Ask,
  step: Step,
  { changes, prefix }: { changes: Map<string, Recorded>; prefix: string },
): Promise<void> {
  switch (step.kind) {
    case 'record': {
      const { id } = (await insisted(() => ask('POST', '/v1/deployments', step.body))) as { id: string };
      changes.set(id, step.change);
      return;
    }
    case 'update': {
      const [id] = [...changes].find(([, change]) => change === step.change) ?? [];
      await insisted(() => ask('PATCH', `/v1/deployments/${id}`, step.body));
      return;
    }
    case 'notify':
      await insisted(() => ask('POST', '/v1/alerts/alertmanager', step.body));
      for (const { alert, isOver } of step.alerts) if (!isOver) await incidentOf(ask, prefix + alert.service);
  }
}

/** Repeats a request while the product is too busy to answer it, as its senders do. A repeat changes nothing. */
async function insisted(request: () => Promise<unknown>): Promise<unknown> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (!/ returned 503: /.test(String(error)) || performance.now() > until) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

/** Waits for the newest incident of a service, and its first decision. Returns its id. */
async function incidentOf(ask: Ask, service: string): Promise<string> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const { items } = (await ask('GET', `/v1/incidents?service=${service}&limit=1`)) as View;
    const [{ id } = { id: '' }] = items;
    if (id !== '') {
      const { decisions } = (await ask('GET', `/v1/incidents/${id}`)) as IncidentView;
      if (decisions.length > 0) return id;
    }
    if (performance.now() > until)
      throw new Error(`${service}: ${id === '' ? 'no incident' : 'no decision'} within ${PATIENCE_MS / 1000} s`);
    await sleep(PAUSE_MS);
  }
}
