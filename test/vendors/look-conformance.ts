import { expect, test } from 'vitest';
import type { LookRequest, LookResponse, LookTarget } from '../../core/domain/rollback/targets.ts';

/** An adapter with a stand-in that runs `request.from` and earlier ran `request.to`. Time advances only on request. */
export type LookWorld = {
  look: LookTarget;
  request: LookRequest;
  /** Lets the stand-in's time pass, in seconds. */
  pass(seconds: number): void;
  /** Returns the names of the instances that exist. */
  instances(): Promise<string[]>;
  /** Sets a fault for the next call that creates (`POST`) or removes (`DELETE`) something. */
  trouble(trouble: 'lost_answer' | 'throttled' | 'server_error' | 'refused', method: 'POST' | 'DELETE'): Promise<void>;
  /** Deploys a newer version. Returns it as `superseded` must report it. */
  ship(): Promise<string>;
};

const names = (response: LookResponse) =>
  response.kind === 'running' ? [response.suspect.name, response.other.name].toSorted() : [];

/** Ends a look as the workflow does, and returns the attempts that it took. */
async function ended({ look, request, pass }: LookWorld): Promise<number> {
  for (let attempt = 1; attempt <= 12; attempt += 1) {
    if ((await look.end(request)).kind === 'gone') return attempt;
    pass(5);
  }
  return Infinity;
}

/** Starts a look until both instances are ready. */
async function ready({ look, request, pass }: LookWorld): Promise<LookResponse> {
  for (let attempt = 0; attempt < 12; attempt += 1) {
    const response = await look.start(request);
    if (response.kind === 'running' && response.suspect.state === 'ready' && response.other.state === 'ready')
      return response;
    pass(5);
  }
  throw new Error('the instances were not ready');
}

/** Tests the requirements for every adapter. Call it inside a `describe`. */
export function looks(open: () => Promise<LookWorld>): void {
  test('a plan changes nothing', async () => {
    const world = await open();
    expect(await world.look.plan(world.request)).toEqual({ kind: 'possible', replicas: 3 });
    expect(await world.instances()).toEqual([]);
    expect(await world.look.read(world.request)).toEqual({ kind: 'gone' });
  });

  test('one instance of each version becomes ready, and both are removed', async () => {
    const world = await open();
    const response = await ready(world);
    expect(names(response)).toEqual((await world.instances()).toSorted());
    expect(names(response)).toHaveLength(2);
    expect(response).toMatchObject({ suspect: { restarts: 0, readyAt: expect.stringMatching(/Z$/) as string } });
    expect(await world.look.read(world.request)).toEqual(response);
    expect(await ended(world)).toBeLessThan(12);
    expect(await world.instances()).toEqual([]);
    expect(await world.look.read(world.request)).toEqual({ kind: 'gone' });
  });

  test('a repeated start is the same look', async () => {
    const world = await open();
    const first = await ready(world);
    expect(await world.look.start(world.request)).toEqual(first);
    expect(await world.instances()).toHaveLength(2);
  });

  test('an end of nothing, and a repeated end, are fine; nothing starts after it', async () => {
    const world = await open();
    expect(await world.look.end(world.request)).toEqual({ kind: 'gone' });
    expect(await world.look.end(world.request)).toEqual({ kind: 'gone' });
    expect(await world.look.start(world.request)).toEqual({ kind: 'gone' });
    expect(await world.instances()).toEqual([]);
  });

  test('a look that has ended is not started again', async () => {
    const world = await open();
    await ready(world);
    await ended(world);
    expect(await world.look.start(world.request)).toEqual({ kind: 'gone' });
    expect(await world.instances()).toEqual([]);
  });

  test.each(['POST', 'DELETE'] as const)('after a lost response to %s, it continues where it was', async (method) => {
    const world = await open();
    if (method === 'DELETE') await ready(world);
    await world.trouble('lost_answer', method);
    const attempt = method === 'POST' ? world.look.start(world.request) : world.look.end(world.request);
    expect(await attempt).toMatchObject({ kind: 'later' });
    if (method === 'POST') expect(names(await ready(world))).toEqual((await world.instances()).toSorted());
    await ended(world);
    expect(await world.instances()).toEqual([]);
  });

  test.each(['throttled', 'server_error'] as const)('%s: continues later', async (trouble) => {
    const world = await open();
    await world.trouble(trouble, 'POST');
    expect(await world.look.start(world.request)).toMatchObject({ kind: 'later' });
    await ready(world);
    await world.trouble(trouble, 'DELETE');
    expect(await world.look.end(world.request)).toMatchObject({ kind: 'later' });
    await ended(world);
    expect(await world.instances()).toEqual([]);
  });

  test('a plan is refused without the permission to create or to remove', async () => {
    for (const method of ['POST', 'DELETE'] as const) {
      const world = await open();
      await world.trouble('refused', method);
      expect(await world.look.plan(world.request)).toEqual({
        kind: 'refused',
        detail: expect.stringMatching(/cannot \w+ resource.*docs\/how-to/) as string,
      });
    }
  });

  test('both end by their deadline', async () => {
    const world = await open();
    await ready(world);
    world.pass(world.request.seconds + 300);
    const response = await world.look.start(world.request);
    const left = response.kind === 'running' ? [response.suspect.state, response.other.state] : [];
    expect(left.filter((state) => state !== 'gone')).toEqual([]);
    await ended(world);
    expect(await world.instances()).toEqual([]);
  });

  test('superseded: a newer version is not tested', async () => {
    const world = await open();
    await ready(world);
    const current = await world.ship();
    expect(await world.look.start(world.request)).toEqual({ kind: 'superseded', current });
    const other = { ...world.request, key: 'look-01JCYZ7Q8M3N5P7R9T1V3X5Z7B-2' };
    expect(await world.look.plan(other)).toEqual({ kind: 'superseded', current });
    await ended(world);
    expect(await world.instances()).toEqual([]);
  });

  test('two looks of one service do not run at the same time', async () => {
    const world = await open();
    await ready(world);
    const other = { ...world.request, key: 'look-01JCYZ7Q8M3N5P7R9T1V3X5Z7B-2' };
    const refused = { kind: 'refused', detail: expect.stringContaining(world.request.key) as string };
    expect(await world.look.plan(other)).toEqual(refused);
    expect(await world.look.start(other)).toEqual(refused);
    expect(await world.look.end(other)).toEqual({ kind: 'gone' });
    expect(await world.instances()).toHaveLength(2);
    await ended(world);
    expect(await world.look.plan(other)).toMatchObject({ kind: 'possible' });
  });
}
