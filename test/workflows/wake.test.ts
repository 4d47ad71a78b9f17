import { beforeEach, describe, expect, test } from 'vitest';
import { decide } from '../../core/domain/rollback/rollback.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { readInbox } from '../../workflows/steps/read-inbox.ts';
import { wake } from '../../workflows/wake.ts';
import { clear } from '../core/arbitraries.ts';
import { FakeWorld, idleEngine } from '../support/fake-deps.ts';
import { arrivals, signal } from '../support/signals.ts';

let world: FakeWorld;
let id: IncidentId;
let event: string[];

beforeEach(async () => {
  world = new FakeWorld();
  event = [];
  world.engine = idleEngine((call) => event.push(call));
  const { opened } = await world.deps.incidents.admit(arrivals([signal()]), { at: world.clock.now(), trace: 'trace' });
  id = opened[0] ?? ('' as IncidentId);
});

const begun = () => world.deps.incidents.markStarted(id, 1, 'arn:1');
const post = () => world.deps.incidents.post(id, { kind: 'resume', by: 'ada', note: '' });

/** Adds a waiting question with its own callback. Returns its digest. */
async function asked(number: number): Promise<string> {
  const inputs = clear({ policy: { mode: 'approve', unknownMigration: 'approve' } });
  const { digest } = (await world.deps.decisions.keep(id, number, decide(inputs), inputs)) ?? expect.unreachable();
  await world.deps.decisions.await(id, number, `bell of question ${number}`);
  return digest;
}

const approve = (digest: string) => world.deps.decisions.answer(id, digest, 'approved', 'ada', '');

describe('waking an incident', () => {
  test('starts the pending run, again if called again', async () => {
    expect([await wake(world.deps, id), await wake(world.deps, id)]).toEqual(['started', 'started']);
    expect(event).toEqual([`start ${id} 1`, `start ${id} 1`]);
  });

  test('starts the next run after a handover', async () => {
    await begun();
    await world.deps.incidents.handOver(id, 2, 'Handed over');
    expect(await wake(world.deps, id)).toBe('started');
    expect(event).toEqual([`start ${id} 2`]);
  });

  test('completes the callback of the inbox only if there is a message', async () => {
    await begun();
    await world.deps.incidents.readInbox(id, 0, 'bell of the inbox');
    expect(await wake(world.deps, id)).toBe('idle');
    await post();
    expect(await wake(world.deps, id)).toBe('woken');
    expect(event).toEqual(['bell of the inbox']);
  });

  test('does not complete the callback of an unanswered question', async () => {
    await begun();
    await asked(1);
    await world.deps.incidents.readInbox(id, 0, 'bell of the inbox');
    await post();
    await wake(world.deps, id);
    expect(event).toEqual(['bell of the inbox']);
  });

  test('completes the callback of the answered question, then that of the inbox', async () => {
    await begun();
    await asked(1);
    const second = await asked(2);
    await world.deps.incidents.readInbox(id, 0, 'bell of the inbox');
    await approve(second);
    await wake(world.deps, id);
    expect(event).toEqual(['bell of question 2', 'bell of the inbox']);
  });

  test('does nothing if the incident is resolved or unknown', async () => {
    await begun();
    await post();
    await world.deps.incidents.resolve(id, 1, 'ada', 'over');
    expect(await wake(world.deps, id)).toBe('idle');
    expect(await wake(world.deps, '01TESTNOSUCH00000000000000' as IncidentId)).toBe('idle');
    expect(event).toEqual([]);
  });
});

describe('reading the inbox', () => {
  test('completes only the callback of the answered question', async () => {
    await begun();
    await asked(1);
    const second = await asked(2);
    await approve(second); // and the process died before it woke the incident
    const { messages: mail } = await readInbox(world.deps, id, 0, 'bell of the inbox', false);
    expect(mail).toHaveLength(1);
    expect(event).toEqual(['bell of question 2']);
  });

  test('completes no callback for other messages', async () => {
    await begun();
    await asked(1);
    await post();
    await readInbox(world.deps, id, 0, null, false);
    expect(event).toEqual([]);
  });
});
