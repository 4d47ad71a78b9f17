import { expect, test } from 'vitest';
import type { ActAnswer, Deployer, RollbackRequest } from '../../domain/targets.ts';

/** What a target's stand-in is told to do with the next call that changes something. */
export type Trouble =
  /** Done at once; the answer never arrives. */
  | 'lost_answer'
  /** Not answered in time; done only later, when `settle` is called. */
  | 'late_effect'
  | 'throttled'
  /** No permission. */
  | 'refused'
  /** A fault of theirs. */
  | 'server_error';

/** One adapter, before a stand-in of its vendor that runs `request.from` and once ran `request.to`. */
export type TargetWorld = {
  deployer: Deployer;
  request: RollbackRequest;
  /** Troubles with the next changing call, once. */
  trouble(trouble: Trouble): Promise<void>;
  /** Whatever was accepted, or is late, comes to its end. `failing`: it ends badly. */
  settle(how?: 'failing'): Promise<void>;
  /** What runs at the vendor, in our words. */
  running(): Promise<string>;
  /** How many times the vendor has begun a rollback. */
  begun(): Promise<number>;
  /** Somebody ships a newer version past us. Gives what then runs, as `superseded` should say it. */
  ship(): Promise<string>;
  /** The vendor is at something else for this target. Absent: it can't be. */
  occupy?(): Promise<void>;
  /** Any name of a version is taken: it is not the target that knows what there is. */
  takesAnyVersion?: true;
  /** Something takes what was done back. Absent: the adapter can't see that. */
  drift?(): Promise<void>;
};

/** As the workflow does it: until there is an end, with the stand-in's time going on between the tries. */
async function follow(world: TargetWorld, tries = 12): Promise<ActAnswer> {
  let answer = await world.deployer.rollBack(world.request);
  for (let left = tries; left > 0; left -= 1) {
    if (answer.kind !== 'in_progress' && answer.kind !== 'later' && answer.kind !== 'busy') return answer;
    await world.settle();
    answer =
      answer.kind === 'in_progress' && answer.handle !== null
        ? await world.deployer.status(answer.handle, world.request)
        : await world.deployer.rollBack(world.request);
  }
  return answer;
}

/** What every adapter must do, whatever its vendor is like. Call it inside a `describe`. */
export function conforms(open: () => Promise<TargetWorld>): void {
  test('brings the explicit version back, and begins that once', async () => {
    const world = await open();
    expect(await follow(world)).toMatchObject({ kind: 'succeeded' });
    expect(await world.running()).toBe(world.request.to);
    expect(await world.begun()).toBe(1);
  });

  test('the same act again is a look', async () => {
    const world = await open();
    await follow(world);
    expect(await follow(world)).toMatchObject({ kind: 'succeeded' });
    expect(await world.begun()).toBe(1);
  });

  test('asked again while it is under way, it begins nothing', async () => {
    const world = await open();
    const first = await world.deployer.rollBack(world.request);
    expect(['in_progress', 'succeeded']).toContain(first.kind);
    expect(['in_progress', 'succeeded']).toContain((await world.deployer.rollBack(world.request)).kind);
    expect(await world.begun()).toBe(1);
  });

  test('accepted is not succeeded: what ends badly has failed', async () => {
    const world = await open();
    const first = await world.deployer.rollBack(world.request);
    if (first.kind === 'succeeded') return expect(await world.running()).toBe(world.request.to); // done at once
    expect(first.kind).toBe('in_progress');
    await world.settle('failing');
    const handle = first.kind === 'in_progress' ? first.handle : null;
    const end = await (handle === null
      ? world.deployer.rollBack(world.request)
      : world.deployer.status(handle, world.request));
    expect(end).toMatchObject({ kind: 'failed', detail: expect.stringMatching(/\w/) as string });
  });

  test('an answer that is lost is looked for, not repeated', async () => {
    const world = await open();
    await world.trouble('lost_answer');
    expect(await world.deployer.rollBack(world.request)).toMatchObject({ kind: 'later' });
    expect(await follow(world)).toMatchObject({ kind: 'succeeded' });
    expect(await world.running()).toBe(world.request.to);
    expect(await world.begun()).toBe(1);
  });

  test('an effect that comes after we gave up leads to the same end', async () => {
    const world = await open();
    await world.trouble('late_effect');
    expect(await world.deployer.rollBack(world.request)).toMatchObject({ kind: 'later' });
    await world.settle();
    expect(await follow(world)).toMatchObject({ kind: 'succeeded' });
    expect(await world.running()).toBe(world.request.to);
    expect(await world.begun()).toBe(1);
  });

  test.each(['throttled', 'server_error'] as const)('%s: later, and then it is done', async (trouble) => {
    const world = await open();
    await world.trouble(trouble);
    expect(await world.deployer.rollBack(world.request)).toMatchObject({
      kind: 'later',
      detail: expect.stringMatching(/\w/) as string,
    });
    expect(await world.running()).toBe(world.request.from);
    expect(await follow(world)).toMatchObject({ kind: 'succeeded' });
  });

  test('refused: said with the reason, and nothing is changed', async () => {
    const world = await open();
    await world.trouble('refused');
    expect(await world.deployer.rollBack(world.request)).toMatchObject({
      kind: 'refused',
      detail: expect.stringMatching(/\w/) as string,
    });
    expect(await world.running()).toBe(world.request.from);
  });

  test('superseded: somebody has shipped since, so nothing is taken back', async () => {
    const world = await open();
    const current = await world.ship();
    expect(await world.deployer.rollBack(world.request)).toEqual({ kind: 'superseded', current });
    expect(await world.begun()).toBe(0);
  });

  test('a version that it does not know is refused by name', async (context) => {
    const world = await open();
    if (world.takesAnyVersion) return context.skip();
    const request = { ...world.request, to: 'never-built' as RollbackRequest['to'], toCommit: null };
    const answer = await world.deployer.rollBack(request);
    expect(answer).toMatchObject({ kind: 'refused', detail: expect.stringContaining('never-built') as string });
    expect(await world.running()).toBe(world.request.from);
  });

  test('busy with something else: said, and not disturbed', async (context) => {
    const world = await open();
    if (world.occupy === undefined) return context.skip();
    await world.occupy();
    expect(await world.deployer.rollBack(world.request)).toMatchObject({ kind: 'busy' });
    expect(await world.begun()).toBe(0);
  });

  test('drift is seen', async (context) => {
    const world = await open();
    if (world.deployer.held === undefined || world.drift === undefined) return context.skip();
    await follow(world);
    expect(await world.deployer.held(world.request)).toEqual({ kind: 'holds' });
    await world.drift();
    expect(await world.deployer.held(world.request)).toMatchObject({ kind: 'drifted' });
  });
}
