import { expect, test } from 'vitest';
import type { TargetResponse, Deployer, RollbackCall } from '../../core/domain/rollback/targets.ts';

/** The behavior of a target's stand-in for the next changing call. */
export type Trouble =
  /** The call takes effect at once, but its response is lost. */
  | 'lost_answer'
  /** The call gets no response in time, and takes effect only when `settle` is called. */
  | 'late_effect'
  | 'throttled'
  /** A response that denies permission. */
  | 'refused'
  /** A server error. */
  | 'server_error';

/** An adapter with a stand-in of its vendor that runs `request.from` and earlier ran `request.to`. */
export type TargetWorld = {
  deployer: Deployer;
  request: RollbackCall;
  /** Sets a fault for the next changing call. */
  trouble(trouble: Trouble): Promise<void>;
  /** Completes everything that was accepted or is held back. `failing`: with a failure. */
  settle(how?: 'failing'): Promise<void>;
  /** Returns the running version. */
  running(): Promise<string>;
  /** Returns the number of rollbacks that the vendor has started. */
  begun(): Promise<number>;
  /** Deploys a newer version, as another user would. Returns it as `superseded` must report it. */
  ship(): Promise<string>;
  /** Starts another operation for this target. Absent if that is impossible. */
  occupy?(): Promise<void>;
  /** Set if the target accepts any version name, because it doesn't know the existing versions. */
  takesAnyVersion?: true;
  /** Reverts the rollback. Absent if the adapter can't detect that. */
  drift?(): Promise<void>;
};

/**
 * Rolls back as the workflow would: retries until there is a final result, and advances the stand-in's time between
 * attempts.
 */
async function follow(world: TargetWorld, tries = 12): Promise<TargetResponse> {
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

/** Tests the requirements for every adapter. Call it inside a `describe`. */
export function conforms(open: () => Promise<TargetWorld>): void {
  test('restores the explicit version, and starts that once', async () => {
    const world = await open();
    expect(await follow(world)).toMatchObject({ kind: 'succeeded' });
    expect(await world.running()).toBe(world.request.to);
    expect(await world.begun()).toBe(1);
  });

  test('a repeat only checks the result', async () => {
    const world = await open();
    await follow(world);
    expect(await follow(world)).toMatchObject({ kind: 'succeeded' });
    expect(await world.begun()).toBe(1);
  });

  test('a repeat while the rollback is in progress starts nothing', async () => {
    const world = await open();
    const first = await world.deployer.rollBack(world.request);
    expect(['in_progress', 'succeeded']).toContain(first.kind);
    expect(['in_progress', 'succeeded']).toContain((await world.deployer.rollBack(world.request)).kind);
    expect(await world.begun()).toBe(1);
  });

  test('accepted is not succeeded: a rollback that fails later is reported as failed', async () => {
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

  test('after a lost response, checks the state instead of repeating the rollback', async () => {
    const world = await open();
    await world.trouble('lost_answer');
    expect(await world.deployer.rollBack(world.request)).toMatchObject({ kind: 'later' });
    expect(await follow(world)).toMatchObject({ kind: 'succeeded' });
    expect(await world.running()).toBe(world.request.to);
    expect(await world.begun()).toBe(1);
  });

  test('a late effect leads to the same result', async () => {
    const world = await open();
    await world.trouble('late_effect');
    expect(await world.deployer.rollBack(world.request)).toMatchObject({ kind: 'later' });
    await world.settle();
    expect(await follow(world)).toMatchObject({ kind: 'succeeded' });
    expect(await world.running()).toBe(world.request.to);
    expect(await world.begun()).toBe(1);
  });

  test.each(['throttled', 'server_error'] as const)('%s: retries later, and succeeds', async (trouble) => {
    const world = await open();
    await world.trouble(trouble);
    expect(await world.deployer.rollBack(world.request)).toMatchObject({
      kind: 'later',
      detail: expect.stringMatching(/\w/) as string,
    });
    expect(await world.running()).toBe(world.request.from);
    expect(await follow(world)).toMatchObject({ kind: 'succeeded' });
  });

  test('a refusal has a reason and changes nothing', async () => {
    const world = await open();
    await world.trouble('refused');
    expect(await world.deployer.rollBack(world.request)).toMatchObject({
      kind: 'refused',
      detail: expect.stringMatching(/\w/) as string,
    });
    expect(await world.running()).toBe(world.request.from);
  });

  test('superseded: nothing is rolled back after a newer deployment', async () => {
    const world = await open();
    const current = await world.ship();
    expect(await world.deployer.rollBack(world.request)).toEqual({ kind: 'superseded', current });
    expect(await world.begun()).toBe(0);
  });

  test('an unknown version is refused by name', async (context) => {
    const world = await open();
    if (world.takesAnyVersion) return context.skip();
    const request = { ...world.request, to: 'never-built' as RollbackCall['to'], toCommit: null };
    const answer = await world.deployer.rollBack(request);
    expect(answer).toMatchObject({ kind: 'refused', detail: expect.stringContaining('never-built') as string });
    expect(await world.running()).toBe(world.request.from);
  });

  test("reports another operation as busy, and doesn't disturb it", async (context) => {
    const world = await open();
    if (world.occupy === undefined) return context.skip();
    await world.occupy();
    expect(await world.deployer.rollBack(world.request)).toMatchObject({ kind: 'busy' });
    expect(await world.begun()).toBe(0);
  });

  test('detects drift', async (context) => {
    const world = await open();
    if (world.deployer.checkDrift === undefined || world.drift === undefined) return context.skip();
    await follow(world);
    expect(await world.deployer.checkDrift(world.request)).toEqual({ kind: 'holds' });
    await world.drift();
    expect(await world.deployer.checkDrift(world.request)).toMatchObject({ kind: 'drifted' });
  });
}
