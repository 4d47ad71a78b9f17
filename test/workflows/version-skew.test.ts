import { withDurableExecution } from '@aws/durable-execution-sdk-js';
import type { DurableContext, DurableExecutionClient, DurableLambdaHandler } from '@aws/durable-execution-sdk-js';
import { describe, expect, test } from 'vitest';
import { incidentActions } from '../../core/actions/paging/escalate.ts';
import type { Product } from '../../functions/assembly/product.ts';
import type { Item } from '../../platforms/store.ts';
import type { Message } from '../../schemas/incidents/inbox.ts';
import { incidentResponse, type IncidentRun } from '../../workflows/incident-response.ts';
import { durableRun } from '../../workflows/run.ts';
import { FakeWorld } from '../support/fake-deps.ts';
import { acting, answers, deploys, ends, fires, liveThrough, mode, type Moment, says, theIncident } from './play.ts';
import { recordsLate } from './stories/late-changes.ts';
import { VirtualExecutions } from './virtual-executions.ts';

/** Returns a stored message as it is for a version. */
type Reading = (item: Item) => Item;

/** An older version, to which messages of this kind say nothing. */
const without =
  (kind: Message['kind']): Reading =>
  (item) =>
    (item['message'] as Message | undefined)?.kind === kind ? { ...item, message: { kind: `later-${kind}` } } : item;

const newest: Reading = (item) => item;

const ofTheFuture = (): Message => ({ kind: 'ask-the-oracle', by: 'person:ada' }) as unknown as Message;

/**
 * Plays a story whose first runs have an old version, and whose later runs have the newest version. A run keeps its
 * initial version, as executions on Lambda do.
 */
async function playedWith(old: Reading, given: Moment[], timeline: Record<string, Moment>, lastOldRun = 1) {
  const world = new FakeWorld();
  const virtual = new VirtualExecutions(
    world.clock,
    handlerBy(world, (run) => (run <= lastOldRun ? old : newest)),
  );
  world.engine = virtual;
  world.config = acting();
  await deploys('v1', 240)(world);
  await deploys('v2', 8)(world);
  for (const moment of given) await moment(world);
  const runs = await liveThrough(world, virtual, timeline);
  const id = theIncident(world);
  const told = world.store.dossier(id).timeline.map(({ kind }) => kind);
  const count = (kind: string) => told.filter((one) => one === kind).length;
  return {
    world,
    ended: runs.map(({ result }) => (result as { ended: string } | null)?.ended),
    handedOver: count('workflow.handed_over'),
    skipped: count('inbox.skipped'),
    inbox: world.store.dossier(id).inbox,
    status: (await world.deps.incidents.read(id))?.status,
  };
}

const handlerBy =
  (world: FakeWorld, knows: (run: number) => Reading) =>
  (client: DurableExecutionClient): DurableLambdaHandler =>
    withDurableExecution(
      (input: IncidentRun, context: DurableContext) =>
        incidentResponse(
          durableRun(context, world.deps.log),
          input,
          ofVersion(world, knows(input.run)),
          incidentActions(world.deps),
        ),
      { durableExecutionClient: client },
    );

/** Returns the ports of a version that reads messages like this. */
function ofVersion(world: FakeWorld, reads: Reading): Product {
  const { deps } = world;
  const readInbox: Product['incidents']['readInbox'] = async (...args) => {
    world.store.read = reads;
    try {
      return await deps.incidents.readInbox(...args);
    } finally {
      world.store.read = newest;
    }
  };
  const incidents = new Proxy(deps.incidents, {
    get: (target, name) => {
      const value = Reflect.get(target, name) as unknown;
      return name === 'readInbox' ? readInbox : typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { ...deps, incidents };
}

const call: Message = { kind: 'page', by: 'person:ada', note: 'come and see' };

describe('a run of an old version that receives a message of a newer version', () => {
  test('hands over at once, exactly once, and the newest version reads the message', async () => {
    const played = await playedWith(without('page'), [], {
      '0 s': fires({ labels: { action: '' } }),
      '2 min': says(call),
      '3 min': says({ kind: 'resolve', by: 'person:ada', note: '' }),
    });
    expect(played.ended).toEqual(['handed_over', 'resolved']);
    expect(played).toMatchObject({ handedOver: 1, skipped: 0, status: 'resolved' });
    const view = await played.world.deps.incidents.view(theIncident(played.world));
    expect(view?.effects.filter(({ kind }) => kind === 'page')).toHaveLength(2);
  });

  test('leaves a redeploy by a person to the next run, which verifies it', async () => {
    const played = await playedWith(without('redeployed'), [mode('approve')], {
      '0 s': fires(),
      '4 min': recordsLate('v1', 1),
      '9 min': ends(),
    });
    expect(played.ended).toEqual(['handed_over', 'resolved']);
    expect(played).toMatchObject({ handedOver: 1, skipped: 0, status: 'resolved' });
    expect(await played.world.deps.incidents.read(theIncident(played.world))).toMatchObject({ verification: 'passed' });
  });

  test('leaves an open question to the next run', async () => {
    const played = await playedWith(without('page'), [mode('approve')], {
      '0 s': fires(),
      '5 min': says(call),
      '7 min': answers('approved'),
      '30 min': ends(),
    });
    expect(played.ended).toEqual(['handed_over', 'resolved']);
    expect(played).toMatchObject({ handedOver: 1, skipped: 0, status: 'resolved' });
    expect(played.world.calls.filter((one) => /roll/i.test(one))).toHaveLength(1);
  });

  test('lets a rollback in progress end, and the next run verifies it', async () => {
    const played = await playedWith(without('page'), [], {
      '0 s': fires(),
      '5 min': says(call),
      '6 min': ends(),
    });
    expect(played.ended).toEqual(['handed_over', 'resolved']);
    expect(played.world.calls.filter((one) => /roll/i.test(one))).toHaveLength(1);
    expect(await played.world.deps.incidents.read(theIncident(played.world))).toMatchObject({ verification: 'passed' });
  });

  test('hands over also after many planned hand-overs', async () => {
    const played = await playedWith(
      without('page'),
      [],
      {
        '0 s': fires({ labels: { action: '' } }),
        '1 min': async (world) => {
          const id = theIncident(world);
          world.kill(id, 1);
          await world.deps.incidents.handOver(id, 30, 'Handed over to run 30 of the workflow');
          await world.deps.engine.start(id, 30);
        },
        '2 min': says(call),
        '3 min': says({ kind: 'resolve', by: 'person:ada', note: '' }),
      },
      30,
    );
    expect(played.ended).toEqual([undefined, 'handed_over', 'resolved']);
    expect(played).toMatchObject({ skipped: 0, status: 'resolved' });
  });

  test('leaves earlier messages of people to the next run', async () => {
    const played = await playedWith(without('page'), [], {
      '0 s': fires({ labels: { action: '' } }),
      '2 min': async (world) => {
        const id = theIncident(world);
        await world.deps.incidents.post(id, { kind: 'resolve', by: 'person:ada', note: '' });
        await says({ kind: 'page', by: 'firebreak', note: '' })(world);
      },
    });
    expect(played).toMatchObject({ ended: ['handed_over', 'resolved'], status: 'resolved' });
  });
});

test('a message that the newest version cannot read is skipped with a timeline entry, and stored', async () => {
  const played = await playedWith(newest, [], {
    '0 s': fires({ labels: { action: '' } }),
    '2 min': says(ofTheFuture()),
    '3 min': says({ kind: 'resolve', by: 'person:ada', note: '' }),
  });
  expect(played.ended).toEqual(['handed_over', 'resolved']);
  expect(played).toMatchObject({ handedOver: 1, skipped: 1, status: 'resolved' });
  expect(played.inbox.map(({ message }) => message.kind)).toEqual(['mitigation', 'ask-the-oracle', 'resolve']);
});

test('many such messages do not use up the runs', async () => {
  const timeline = Object.fromEntries(
    Array.from({ length: 15 }, (_, minute) => [`${minute + 2} min`, says(ofTheFuture())]),
  );
  const played = await playedWith(newest, [], {
    '0 s': fires({ labels: { action: '' } }),
    ...timeline,
    '1 h': says({ kind: 'resolve', by: 'person:ada', note: '' }),
  });
  expect(played).toMatchObject({ handedOver: 10, skipped: 15, status: 'resolved' });
});
