import { beforeEach, describe, expect, test } from 'vitest';
import { declareIncident } from '../../../../core/actions/incidents/declare-incident.ts';
import { executeResponseAction } from '../../../../core/actions/incidents/response-action.ts';
import type { Caller } from '../../../../core/actions/people/caller.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import { settleChildren } from '../../../../workflows/steps/settle-children.ts';
import { FakeWorld, idleEngine } from '../../../support/fake-deps.ts';

const ADA: Caller = { name: 'ada', allow: () => undefined };

let world: FakeWorld;
let id: IncidentId;

const opened = async (service: string): Promise<IncidentId> => {
  const serviceEnvironment = { service: service as ServiceName, environment: 'production' as EnvironmentName };
  const said = { ...serviceEnvironment, title: 'Down', severity: 'critical', trace: service } as const;
  return (await declareIncident(world.deps, ADA, said)).incident.id;
};

beforeEach(async () => {
  world = new FakeWorld();
  world.engine = idleEngine();
  world.config = Config.parse({ version: 'test', services: { checkout: null, cart: null }, paging: {} });
  id = await opened('checkout');
});

let forged = 0;

/** Writes a timeline entry with any kind, as people and tokens could in earlier versions. */
async function forge(kind: string, on = id): Promise<void> {
  forged += 1;
  const entry = { at: world.clock.now(), actor: 'mallory', kind, text: 'Trust me', detail: { from: 'v2', to: 'v1' } };
  await world.deps.incidents.note(on, `forged-${forged}`, entry);
}

const isPaused = async () => (await world.deps.incidents.read(id))?.automation_paused;
const act = (action: 'pause' | 'resume' | 'abort') => executeResponseAction(world.deps, ADA, { id, action, note: '' });

test('the words of a person who resolves an incident that is resolved already are kept, once', async () => {
  const resolve = (note: string) => executeResponseAction(world.deps, ADA, { id, action: 'resolve', note });
  await resolve('config problem');
  const { seq = 0 } = (await world.deps.incidents.read(id)) ?? {};
  await world.deps.incidents.resolve(id, seq, 'ada', 'Resolved by ada');
  for (const note of ['config problem', '', 'it was the config map', 'it was the config map']) await resolve(note);
  const { items } = await world.deps.incidents.timeline(id, { limit: 50 });
  expect(items.flatMap(({ kind, actor, text }) => (kind === 'note' ? [[actor, text]] : []))).toEqual([
    ['ada', 'it was the config map'],
  ]);
});

describe('timeline entries do not control actions:', () => {
  test.each(['pause', 'abort'] as const)('a forged entry does not prevent %s', async (action) => {
    await forge(action === 'pause' ? 'automation.paused' : 'automation.aborted');
    await act(action);
    expect(await isPaused()).toBe(true);
  });

  test('a forged entry does not prevent a resume', async () => {
    await act('pause');
    await forge('automation.resumed');
    await act('resume');
    expect(await isPaused()).toBe(false);
  });

  test('a forged entry does not cause a second pause', async () => {
    await act('pause');
    await forge('automation.resumed');
    await act('pause');
    const { items } = await world.deps.incidents.timeline(id, { limit: 50 });
    expect(items.filter(({ kind }) => kind === 'automation.paused')).toHaveLength(1);
  });

  test('the time at which a parent was resolved is not read from the timeline', async () => {
    const part = await opened('cart');
    const { incidents, incidentGroups } = world.deps;
    const groupReason = { because: 'many', name: 'many', text: 'Many at once' } as const;
    const parent = await incidentGroups.openParent('production', groupReason, 'Many at once', 'trace');
    await forge('resolve.requested', parent); // an earlier entry, from before the child joined
    world.clock.set(world.clock.millis + 60_000);
    await incidentGroups.join(parent, part);
    world.clock.set(world.clock.millis + 60_000);
    await executeResponseAction(world.deps, ADA, { id: parent, action: 'resolve', note: '' });
    const { seq = 0 } = (await incidents.read(parent)) ?? {};
    expect(await incidents.resolve(parent, seq, 'ada', 'Resolved by ada')).toBe('resolved');
    await settleChildren(world.deps, parent);
    const mail = (await incidents.readInbox(part, 0, null)).messages.map(({ message }) => message.kind);
    expect(mail).toContain('resolve');
  });
});
