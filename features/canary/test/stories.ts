import { type DurableContext, withDurableExecution } from '@aws/durable-execution-sdk-js';
import { CanaryTable } from '../store.ts';
import type { Table } from '../../../core/stores/table.ts';
import { requestCanaryCommand, startCanary, startOrphanedCanaries } from '../actions/canaries.ts';
import { canaryActions } from '../actions/canary-actions.ts';
import type { Gate } from '../decisions/progress.ts';
import type { TrafficCall, TrafficReading, TrafficRouter } from '../decisions/traffic.ts';
import type { CanaryActions } from '../types.ts';
import type { Product } from '../../../functions/assembly/product.ts';
import type { Counters } from '../../../core/domain/ports/system.ts';
import type { TargetResponse } from '../../../core/domain/rollback/targets.ts';
import { type CanaryCommandKind, CanaryId, type CanaryRecord, NewCanary } from '../canary.ts';
import type { JudgementView } from '../../../schemas/judge/judgement.ts';
import { type CanaryPorts, withPorts } from '../ports.ts';
import { canary } from '../workflow.ts';
import { durableRun } from '../../../workflows/run.ts';
import { unsigned } from './canary-record.ts';
import { FakeWorld } from '../../../test/support/fake-deps.ts';
import type { Run } from '../../../test/workflows/history.ts';
import {
  acting,
  deploys,
  type handlerWith,
  liveThrough,
  type Moment,
  type Story,
} from '../../../test/workflows/play.ts';
import { VirtualExecutions } from '../../../test/workflows/virtual-executions.ts';

/** Stories of canaries. They use a real table; the router, the judge, and the freezes answer as the story says. */

const NO_ACTIONS = new Proxy({} as CanaryActions, {
  get: () => () => Promise.reject(new Error('no port answers in a replay')),
});

export const canaryHandlerWith =
  (actions: CanaryActions): typeof handlerWith =>
  (deps) =>
  (client) =>
    withDurableExecution(
      (input: { canaryId: CanaryId; run: number }, context: DurableContext) =>
        canary(durableRun(context, deps.log), input, withPorts(deps), actions),
      { durableExecutionClient: client },
    );

/** The handler for replays, in which no port may be called. */
export const canaryReplay: typeof handlerWith = (deps) => canaryHandlerWith(NO_ACTIONS)(deps);

/** The state of a story's world outside of Firebreak. */
type Outside = {
  id: CanaryId;
  canaries: CanaryTable;
  virtual: VirtualExecutions;
  split: Extract<TrafficReading, { kind: 'split' }>;
  verdict: JudgementView['verdict'];
  /** The judge of the product, reading measurements. Null: the judge answers `verdict`. */
  judge: CanaryActions['judge'] | null;
  gate: Gate;
  isPaused: boolean;
  isReadable: boolean;
  /** Responses of the router before it makes changes again. */
  responses: TargetResponse[];
  /** What happened outside, in order: changed weights, alerts, outcomes. */
  log: string[];
  lastSequence: number;
};

const outsides = new WeakMap<FakeWorld, Outside>();

function outsideOf(world: FakeWorld): Outside {
  const outside = outsides.get(world);
  if (outside === undefined) throw new Error('no canary in this world');
  return outside;
}

/** A story of one canary with its expected result. */
export type CanaryPath = Story & {
  log: string[];
  ends: Partial<Pick<CanaryRecord, 'status' | 'weight' | 'reason' | 'hold'>>;
};

/** Plays a story in a table that other stories may share. @param number of the story; part of the canary ID */
export async function playCanary(
  table: Table,
  number: number,
  { given = [], timeline }: Story,
): Promise<{ log: string[]; canary: CanaryRecord | undefined; runs: Run[]; events: string[]; counted: string[] }> {
  const world = new FakeWorld();
  const counted: string[] = [];
  const counters: Counters = {
    add: async (added) => void counted.push(...added.map(({ name, labels }) => `${name} ${labels.join()}`)),
    read: async () => [],
  };
  const canaries = new CanaryTable(table, world.clock, counters);
  const id = CanaryId.parse(`01TEST${'CN'.padEnd(16, '0')}${String(number).padStart(4, '0')}`);
  const outside: Outside = {
    id,
    canaries,
    virtual: undefined as unknown as VirtualExecutions,
    split: { kind: 'split', stable: 'v1', canary: null, weight: 0 },
    verdict: 'healthy',
    judge: null,
    gate: { open: true },
    isPaused: false,
    isReadable: true,
    responses: [],
    log: [],
    lastSequence: 0,
  };
  const ports: CanaryPorts = {
    canaries,
    canaryRuns: { start: async (canaryId, run) => outside.virtual.begin(canaryId, run, { canaryId, run }) },
    trafficRouterFor: async () => routerOf(outside, id),
  };
  Object.assign(world.deps, { features: { ...unsigned(world.deps), canary: ports } });
  outside.virtual = new VirtualExecutions(world.clock, canaryHandlerWith(actionsOf(outside))(world.deps));
  world.engine = outside.virtual;
  outsides.set(world, outside);
  world.config = acting({ canary: { traffic: { kind: 'http' }, steps: [5, 50, 100], checkSeconds: 300 } });
  await deploys('v1', 240)(world);
  for (const moment of given) await moment(world);
  const runs = await liveThrough(world, outside.virtual, timeline);
  const events = (await canaries.events(id, 100))
    .toReversed()
    .map(({ kind, weight, text }) => `${kind} ${weight}: ${text}`);
  return { log: outside.log, canary: await canaries.get(id), runs, events, counted };
}

/** A router that keeps the contract: it refuses stale orders, and those for other versions. */
function routerOf(outside: Outside, resource: string): TrafficRouter {
  return {
    target: 'router',
    resource: `traffic ${resource}`,
    effectClass: 'convergent',
    read: async () => (outside.isReadable ? outside.split : { kind: 'unknown', detail: 'no answer' }),
    async apply(call) {
      const scripted = outside.responses.shift();
      if (scripted !== undefined) return scripted;
      if (call.sequence < outside.lastSequence) return { kind: 'busy', detail: 'stale' };
      const { stable, canary: running } = outside.split;
      if (stable !== call.stable || (running !== null && running !== call.canary))
        return { kind: 'superseded', current: stable };
      make(outside, call);
      return { kind: 'succeeded', id: null };
    },
  };
}

function make(outside: Outside, { action, canary: version, stable, weight, sequence }: TrafficCall): void {
  if (sequence === outside.lastSequence) return;
  outside.lastSequence = sequence;
  outside.log.push(action === 'set' ? `${weight} %` : action);
  outside.split =
    action === 'set'
      ? { kind: 'split', stable, canary: version, weight }
      : { kind: 'split', stable: action === 'promote' ? version : stable, canary: null, weight: 0 };
}

const actionsOf = (outside: Outside): CanaryActions => ({
  judge: async (judged, samples) => {
    if (outside.judge !== null) return outside.judge(judged, samples);
    const { service, environment, version, stable_version: baseline } = judged;
    return {
      judgement: {
        service,
        environment,
        version,
        baseline,
        verdict: outside.verdict,
        reasons: [`errors: ${outside.verdict}`],
        metrics: [],
        since: null,
        judged_at: '2026-11-20T12:00:00.000Z',
      },
      samples: [],
    };
  },
  gate: async () => outside.gate,
  isPaused: async () => outside.isPaused,
  weightChanged: async () => undefined,
  alert: async (_, alert) => void outside.log.push(alert === null ? 'alert ends' : `alert ${alert.kind}`),
  ended: async ({ status, degraded }) => void outside.log.push(`outcome ${status}${degraded ? ', degraded' : ''}`),
});

const caller = { name: 'person:ada', allow: () => undefined };

/** The product's judge decides, by what this source of measurements answers. */
export const judgedBy =
  (range: Product['metricQueries']['range']): Moment =>
  (world) => {
    const actions = canaryActions({ ...withPorts(world.deps), metricQueries: { ...world.deps.metricQueries, range } });
    outsideOf(world).judge = actions.judge;
  };

/** A person starts the canary, as through the API. */
export const begins: Moment = async (world) => {
  const outside = outsideOf(world);
  const asked = NewCanary.parse({ service: 'checkout', environment: 'production', version: 'v2' });
  const { canaries } = outside;
  const deps = withPorts(world.deps);
  const begin: CanaryTable['begin'] = (record, event) => canaries.begin(record, event);
  const own = { begin, get: async () => undefined, runningAt: async () => undefined };
  const canaryRuns = {
    start: async (_: CanaryId, run: number) => outside.virtual.begin(outside.id, run, { canaryId: outside.id, run }),
  };
  const request = { id: outside.id, canary: asked, trace: 'trace' };
  await startCanary({ ...deps, canaries: { ...deps.canaries, ...own }, canaryRuns }, caller, request);
};

const asks =
  (kind: CanaryCommandKind, full = false): Moment =>
  (world) =>
    requestCanaryCommand(withPorts(world.deps), caller, outsideOf(world).id, { kind, reason: null, full });

const set =
  (what: Partial<Pick<Outside, 'verdict' | 'gate' | 'isPaused' | 'isReadable' | 'responses' | 'split'>>): Moment =>
  (world) =>
    void Object.assign(outsideOf(world), structuredClone(what));

/** The active run dies, and the sweeper starts the next one. */
export const dies: Moment = async (world) => {
  const { canaries, virtual, id } = outsideOf(world);
  const known = await canaries.get(id);
  if (known === undefined) throw new Error(`there is no canary ${id}`);
  virtual.kill(id, known.run);
  await startOrphanedCanaries(withPorts(world.deps));
};

const frozen = { open: false, code: 'frozen', reason: 'a sale' } as const;
const later = { kind: 'later', detail: 'answered 503', afterSeconds: null } as const;
const PROMOTED = ['5 %', '50 %', '100 %', 'promote', 'outcome promoted'];

export const canaryPaths: Record<string, CanaryPath> = {
  'healthy-version-is-promoted': {
    timeline: { '0 s': begins },
    log: PROMOTED,
    ends: { status: 'promoted', weight: 100 },
  },
  'degraded-version-is-aborted-in-the-first-step': {
    timeline: { '0 s': begins, '2 min': set({ verdict: 'degraded' }) },
    log: ['5 %', 'abort', 'outcome aborting, degraded', 'outcome aborted, degraded'],
    ends: { status: 'aborted', weight: 0, reason: 'v2 is degraded at 5 %: errors: degraded' },
  },
  'degraded-in-a-later-step': {
    timeline: { '0 s': begins, '12 min': set({ verdict: 'degraded' }) },
    log: ['5 %', '50 %', 'abort', 'outcome aborting, degraded', 'outcome aborted, degraded'],
    ends: { status: 'aborted', weight: 0 },
  },
  'inconclusive-version-is-held-until-there-is-evidence': {
    given: [set({ verdict: 'inconclusive' })],
    timeline: { '0 s': begins, '42 min': set({ verdict: 'healthy' }) },
    log: ['5 %', 'alert stalled', 'alert ends', ...PROMOTED.slice(1)],
    ends: { status: 'promoted' },
  },
  'frozen-service-is-not-promoted': {
    timeline: { '0 s': begins, '5 min': set({ gate: frozen }), '22 min': set({ gate: { open: true } }) },
    log: PROMOTED,
    ends: { status: 'promoted' },
  },
  'person-promotes-despite-missing-evidence': {
    given: [set({ verdict: 'inconclusive' })],
    timeline: { '0 s': begins, '1 min': asks('promote'), '2 min': asks('promote', true) },
    log: ['5 %', '50 %', 'promote', 'outcome promoted'],
    ends: { status: 'promoted', weight: 100 },
  },
  'person-holds-and-promotes': {
    timeline: { '0 s': begins, '1 min': asks('hold'), '31 min': asks('promote') },
    log: PROMOTED,
    ends: { status: 'promoted' },
  },
  'person-aborts': {
    timeline: { '0 s': begins, '11 min': asks('abort') },
    log: ['5 %', '50 %', 'abort', 'outcome aborted'],
    ends: { status: 'aborted', weight: 0, reason: 'aborted by person:ada' },
  },
  'held-version-that-degrades-is-aborted': {
    timeline: { '0 s': begins, '1 min': asks('hold'), '6 min': set({ verdict: 'degraded' }) },
    log: ['5 %', 'abort', 'outcome aborting, degraded', 'outcome aborted, degraded'],
    ends: { status: 'aborted' },
  },
  'kill-switch-prevents-an-abort-by-itself': {
    timeline: {
      '0 s': begins,
      '1 min': set({ isPaused: true, verdict: 'degraded' }),
      '7 min': asks('abort'),
    },
    log: ['5 %', 'alert stalled', 'abort', 'outcome aborting, degraded', 'alert ends', 'outcome aborted, degraded'],
    ends: { status: 'aborted' },
  },
  'router-is-unreachable-at-first': {
    given: [set({ responses: [later, later] })],
    timeline: { '0 s': begins },
    log: PROMOTED,
    ends: { status: 'promoted' },
  },
  'router-refuses': {
    given: [set({ responses: [{ kind: 'refused', detail: 'no such service' }] })],
    timeline: { '0 s': begins, '1 min': asks('abort') },
    log: ['abort', 'outcome aborted'],
    ends: { status: 'aborted' },
  },
  'abort-does-not-reach-the-router-at-first': {
    timeline: { '0 s': begins, '1 min': set({ verdict: 'degraded', responses: [later, later, later, later] }) },
    log: ['5 %', 'alert not_aborted', 'abort', 'outcome aborting, degraded', 'alert ends', 'outcome aborted, degraded'],
    ends: { status: 'aborted', weight: 0 },
  },
  'late-call-after-an-abort-is-set-back': {
    timeline: {
      '0 s': begins,
      '1 min': set({ verdict: 'degraded' }),
      '5.5 min': set({ split: { kind: 'split', stable: 'v1', canary: 'v2', weight: 50 } }),
    },
    log: [
      '5 %',
      'abort',
      'outcome aborting, degraded',
      'abort',
      'outcome aborting, degraded',
      'outcome aborted, degraded',
    ],
    ends: { status: 'aborted', weight: 0 },
  },
  'other-versions-have-the-traffic': {
    timeline: { '0 s': begins, '1 min': set({ split: { kind: 'split', stable: 'v3', canary: null, weight: 0 } }) },
    log: ['5 %', 'outcome superseded'],
    ends: { status: 'superseded', reason: 'other versions have the traffic now: v3' },
  },
  'weight-changed-by-another-system': {
    timeline: {
      '0 s': begins,
      '1 min': set({ split: { kind: 'split', stable: 'v1', canary: 'v2', weight: 30 } }),
      '16 min': asks('abort'),
    },
    log: ['5 %', 'abort', 'outcome aborted'],
    ends: { status: 'aborted' },
  },
  'next-run-continues-after-a-crash': {
    timeline: { '0 s': begins, '11 min': dies },
    log: PROMOTED,
    ends: { status: 'promoted' },
  },
  'crash-between-a-call-and-its-record': {
    given: [(world) => world.dieAfter(6)],
    timeline: { '0 s': begins },
    log: PROMOTED,
    ends: { status: 'promoted' },
  },
  'promotion-does-not-outlast-a-freeze': {
    given: [set({ verdict: 'inconclusive' })],
    timeline: {
      '0 s': begins,
      '1 min': set({ gate: frozen }),
      '2 min': asks('promote', true),
      '12 min': set({ gate: { open: true } }),
      '32 min': asks('abort'),
    },
    log: ['5 %', 'abort', 'outcome aborted'],
    ends: { status: 'aborted', weight: 0 },
  },
};
