import { type DurableContext, withDurableExecution } from '@aws/durable-execution-sdk-js';
import { turnFlagOn } from '../../../core/actions/incidents/turn-flag-on.ts';
import type { Flags } from '../../../core/domain/rollback/targets.ts';
import type { Product } from '../../../functions/assembly/product.ts';
import { EnvironmentName, type IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { flagOn } from '../../../workflows/flag-on.ts';
import { durableRun } from '../../../workflows/run.ts';
import { NOON } from '../../core/arbitraries.ts';
import { FakeWorld, idleEngine } from '../../support/fake-deps.ts';
import type { Run } from '../history.ts';
import { acting, type handlerWith, liveThrough, type Moment, type Story, theIncident } from '../play.ts';
import { VirtualExecutions } from '../virtual-executions.ts';

/** Stories in which a person turns a feature flag on again that Firebreak has turned off. */

export const flagHandlerWith: typeof handlerWith = (deps) => (client) =>
  withDurableExecution(
    (input: { flagsOf: IncidentId; run: number }, context: DurableContext) =>
      flagOn(durableRun(context, deps.log), input, deps),
    { durableExecutionClient: client },
  );

export const place = { service: ServiceName.parse('checkout'), environment: EnvironmentName.parse('production') };

/** A flag service that fails as the story says, before it does what was requested. */
export class FlagService {
  on = true;
  /** Changes by Firebreak, each with its key. */
  readonly changes: string[] = [];
  /** Responses to calls before those with a result. */
  readonly trouble: (
    | { kind: 'later'; detail: string; afterSeconds: number | null }
    | { kind: 'refused'; detail: string }
  )[] = [];

  readonly flags: Flags = {
    target: 'http://flags.test',
    resource: (flag) => `flag ${flag}`,
    effectClass: 'convergent',
    read: async () => this.trouble.shift() ?? { kind: 'state', on: this.on },
    set: async ({ on, key }) => {
      const trouble = this.trouble.shift();
      if (trouble !== undefined) return trouble;
      if (this.on !== on) this.changes.push(key.split('.').slice(1).join('.'));
      this.on = on;
      return { kind: 'succeeded', id: null };
    },
  };
}

export type FlagWorld = { world: FakeWorld; virtual: VirtualExecutions; service: FlagService };

/** Creates a world with an incident in which Firebreak has turned off the flag `new-basket`. */
export async function flagWorld(): Promise<FlagWorld> {
  const world = new FakeWorld('2026-11-20T11:59:59.000Z');
  const virtual = new VirtualExecutions(world.clock, flagHandlerWith(world.deps));
  const service = new FlagService();
  const ports: Partial<Product> = {
    runs: { ...world.deps.runs, flag: { start: async (id, number) => begin(virtual, id, number) } },
    targets: { ...world.deps.targets, flagsFor: async () => service.flags },
  };
  Object.assign(world.deps, ports);
  world.engine = Object.assign(idleEngine(), {
    dieAfter: (checkpoints: number) => virtual.dieAfter(checkpoints),
    status: (execution: string) => virtual.status(execution),
  });
  world.config = acting({ flags: { kind: 'http', url: 'http://flags.test/{flag}' } });
  await world.deps.incidents.declare({ ...place, title: 'Errors', severity: 'critical', by: 'ada', trace: 't' });
  await turnsOff(world);
  world.clock.set(millisOf(NOON));
  service.on = false;
  return { world, virtual, service };
}

/** Firebreak turns off the flag, as a runbook or an approved decision does. */
export async function turnsOff(world: FakeWorld, flag = 'new-basket', number = 1): Promise<void> {
  const id = theIncident(world);
  const key = `${id}.roll-back.${number}`;
  const detail = `Turning off feature flag ${flag}`;
  const effect = { key, kind: 'flag', target: 'http://flags.test', class: 'convergent', detail } as const;
  await world.deps.effects.intendAction(
    id,
    { ...effect, flag: { name: flag, on: false } },
    { serviceEnvironment: place, resource: `flag ${flag}`, automatic: true, isProposed: true },
  );
  await world.deps.effects.conclude(id, key, 'succeeded', `Turned off feature flag ${flag}`);
}

/** Starting an execution twice has no effect, as at the engine. */
function begin(virtual: VirtualExecutions, id: IncidentId, run: number): string {
  const execution = `test-${id}-${run}`;
  const isKnown = virtual.executions().some(({ name }) => name === execution);
  return isKnown ? execution : virtual.begin(id, run, { flagsOf: id, run });
}

/** A person requests the flag; a second press changes nothing. */
export const requests: Moment = async (world) => {
  const caller = { name: 'person:ada', allow: () => undefined };
  const input = { id: theIncident(world), flag: 'new-basket' };
  await turnFlagOn(world.deps, caller, input);
  await turnFlagOn(world.deps, caller, input);
};

export type FlagPath = Story & {
  /** Prepares the flag service. */
  service?: (service: FlagService) => void;
  /** The state of the flag, and of the request. */
  ends: { on: boolean; state: string; says: string };
  changes: string[];
};

const busy = { kind: 'later', detail: 'busy', afterSeconds: null } as const;
const done = { on: true, state: 'succeeded', says: 'person:ada: Turned on feature flag new-basket again' };
const START = '0 s';

export const flagPaths: Record<string, FlagPath> = {
  'flag-turned-on-again': { timeline: { [START]: requests }, ends: done, changes: ['flag-on.1'] },
  'flag-service-busy': {
    service: ({ trouble }) => void trouble.push(busy, { ...busy, afterSeconds: 45 }),
    timeline: { [START]: requests },
    ends: done,
    changes: ['flag-on.1'],
  },
  'flag-on-already': {
    service: (service) => void (service.on = true),
    timeline: { [START]: requests },
    ends: {
      on: true,
      state: 'superseded',
      says: 'person:ada: Feature flag new-basket was not turned on again: someone else has turned it on already',
    },
    changes: [],
  },
  'flag-refused': {
    service: ({ trouble }) => void trouble.push({ kind: 'refused', detail: 'there is no flag new-basket' }),
    timeline: { [START]: requests },
    ends: {
      on: false,
      state: 'failed',
      says: 'person:ada: Feature flag new-basket was not turned on again: there is no flag new-basket',
    },
    changes: [],
  },
  'flag-service-gone': {
    service: ({ trouble }) => void trouble.push(...Array.from({ length: 100 }, () => busy)),
    timeline: { [START]: requests },
    ends: {
      on: false,
      state: 'failed',
      says: 'person:ada: Feature flag new-basket was not turned on again: the flag service gave no usable response for an hour, so the state of the flag is unknown',
    },
    changes: [],
  },
};

export async function playFlag(
  { world, virtual, service }: FlagWorld,
  path: Pick<FlagPath, 'service' | 'timeline'>,
): Promise<Run[]> {
  path.service?.(service);
  return liveThrough(world, virtual, path.timeline);
}
