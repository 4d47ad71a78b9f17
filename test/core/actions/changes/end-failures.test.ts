import { describe, expect, test } from 'vitest';
import type { Product } from '../../../../functions/assembly/product.ts';
import { endFailures } from '../../../../core/actions/changes/end-failures.ts';
import { NewChange } from '../../../../schemas/changes/change.ts';
import type { Signal } from '../../../../schemas/alerts/signal.ts';
import { FakeWorld } from '../../../support/fake-deps.ts';
import { acting } from '../../../workflows/play.ts';

const checkout = { service: 'checkout', environment: 'production' };

describe('a failed deployment', () => {
  /** Creates a world with a deployment that failed ten minutes ago, and other deployments. */
  async function failed(...others: object[]) {
    const world = new FakeWorld();
    world.config = acting();
    const said: Signal[] = [];
    const queue: Product['queue'] = { sendAll: async (_, signals) => void said.push(...signals) };
    const at = (minutes: number) => new Date(world.clock.millis - minutes * 60_000).toISOString();
    const record = async ({ minutes, ...more }: Record<string, unknown>) => {
      const started_at = at(Number(minutes));
      return (await world.deps.changes.record(NewChange.parse({ ...checkout, started_at, ...more }))).change;
    };
    const change = await record({ version: 'v7', minutes: 10, status: 'failed' });
    for (const other of others) await record(other as Record<string, unknown>);
    const sweep = (serviceEnvironment?: Parameters<typeof endFailures>[1]) =>
      endFailures({ ...world.deps, queue }, serviceEnvironment);
    return { world, said, change, sweep };
  }

  test.each<[string, object]>([
    ['has been followed by a successful one', { version: 'v8', minutes: 5 }],
    ['was followed by a rollback', { version: 'v6', minutes: 5, kind: 'rollback' }],
  ])('ends once it %s, and its end is sent once', async (_, other) => {
    const { world, said, change, sweep } = await failed(other);
    await sweep();
    await sweep();
    expect(said).toMatchObject([
      {
        source: 'deployment',
        status: 'resolved',
        ...checkout,
        title: 'The deploy of v7 failed',
        fingerprint: change.id,
        startsAt: change.finished_at,
        endsAt: world.clock.now(),
      },
    ]);
  });

  test.each<[string, object]>([
    ['with a later one that also failed', { version: 'v8', minutes: 5, status: 'failed' }],
    ['with a later one that has not ended', { version: 'v8', minutes: 5, status: 'started' }],
    ['with an earlier one that succeeded', { version: 'v6', minutes: 15 }],
    ['with a success in another environment', { version: 'v8', minutes: 5, environment: 'staging' }],
    ['with a flag change', { version: 'new-basket', minutes: 5, kind: 'flag' }],
  ])('does not end %s', async (_, other) => {
    const { said, sweep } = await failed(other);
    await sweep();
    expect(said).toEqual([]);
  });

  test('of a kind without a live version ends with the next success of its kind', async () => {
    const { said, sweep } = await failed(
      { version: 'm1', minutes: 9, kind: 'migration', status: 'failed' },
      { version: 'm2', minutes: 4, kind: 'migration' },
    );
    await sweep();
    expect(said.map(({ title }) => title)).toEqual(['The migration of m1 failed']);
  });

  test('ends when it is corrected to succeeded, with the start time that was reported first', async () => {
    const { world, said, change, sweep } = await failed();
    const first = change.finished_at;
    await world.deps.changes.patch(change.id, { finished_at: world.clock.now() });
    await world.deps.changes.patch(change.id, { status: 'succeeded' });
    await sweep();
    expect(said).toMatchObject([{ status: 'resolved', startsAt: first }]);
  });

  test('is sent again as the same signal if the first attempt is unclear, and does not block others', async () => {
    const { world, said, sweep } = await failed(
      { version: 'v1', minutes: 9, environment: 'staging', status: 'failed' },
      { version: 'v2', minutes: 5, environment: 'staging' },
      { version: 'v8', minutes: 5 },
    );
    world.on('changes.endFailure', {
      before: () => {
        throw new Error('the table did not answer');
      },
    });
    await sweep();
    world.on('changes.endFailure', {});
    await sweep();
    expect(said).toHaveLength(4);
    expect(new Set(said.map(({ episode }) => episode)).size).toBe(2);
  });

  test('ends after a month without deployments', async () => {
    const { world, said, change, sweep } = await failed();
    world.clock.set(world.clock.millis + 29 * 86_400_000);
    await sweep();
    expect(said).toEqual([]);
    world.clock.set(world.clock.millis + 86_400_000);
    await sweep();
    expect(said).toMatchObject([{ status: 'resolved', startsAt: change.finished_at }]);
    expect(await world.deps.changes.failures()).toEqual([]);
  });

  test('is only searched in the changed service and environment', async () => {
    const { said, sweep } = await failed({ version: 'v8', minutes: 5 });
    await sweep({ service: 'search', environment: 'production' } as never);
    expect(said).toEqual([]);
    await sweep(checkout as never);
    expect(said).toHaveLength(1);
  });
});
