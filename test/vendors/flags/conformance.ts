import { expect, test } from 'vitest';
import type { TargetResponse, FlagRequest, Flags } from '../../../core/domain/rollback/targets.ts';
import type { Fault } from '../../../packages/sandbox/core/faults.ts';
import type { StandIns, Vendor } from '../../../packages/sandbox/core/index.ts';
import { setFault, UNTIL_RELEASED } from '../../../packages/sandbox/test/support.ts';
import { givesUpOnceHeld, untilNothingIsHeld } from '../time-limits.ts';
import type { Trouble } from '../target-conformance.ts';

/** An adapter with a stand-in of its vendor. The flag of `request` is on, and `request` turns it off. */
export type FlagsWorld = {
  flags: Flags;
  request: FlagRequest;
  /** Sets a fault for the next change. */
  trouble(trouble: Trouble): Promise<void>;
  /** Waits until held effects have occurred. */
  settle(): Promise<void>;
  isOn(): Promise<boolean>;
  /** Returns the number of changes that the vendor has made for Firebreak. */
  changes(): Promise<number>;
  /** Switches the flag at the vendor, as a person would. */
  person(on: boolean): Promise<void>;
};

const words = expect.stringMatching(/\w/) as string;

/**
 * Sets the flag as the workflow would: retries until there is a final result, and advances the vendor's time between
 * attempts.
 */
async function follow({ flags, request, settle }: FlagsWorld, tries = 6): Promise<TargetResponse> {
  let answer = await flags.set(request);
  for (let left = tries; left > 0 && (answer.kind === 'later' || answer.kind === 'in_progress'); left -= 1) {
    await settle();
    answer = await flags.set(request);
  }
  return answer;
}

/** Tests the requirements for every flag service. Call it inside a `describe`. */
export function conforms(open: () => Promise<FlagsWorld>): void {
  test('turns the flag off once', async () => {
    const world = await open();
    expect(await world.flags.set(world.request)).toMatchObject({ kind: 'succeeded' });
    expect(await world.isOn()).toBe(false);
    expect(await world.changes()).toBe(1);
  });

  test('a repeat changes nothing', async () => {
    const world = await open();
    for (const _ of [1, 2, 3]) expect(await world.flags.set(world.request)).toMatchObject({ kind: 'succeeded' });
    expect(await world.isOn()).toBe(false);
    expect(await world.changes()).toBe(1);
  });

  test('a flag with the requested state is not set', async () => {
    const world = await open();
    await world.person(false);
    expect(await world.flags.set(world.request)).toMatchObject({ kind: 'succeeded' });
    expect(await world.changes()).toBe(0);
  });

  test('reads the state, regardless of who set it', async () => {
    const world = await open();
    const { flags, request } = world;
    expect(await flags.read(request.flag)).toEqual({ kind: 'state', on: true });
    await flags.set(request);
    expect(await flags.read(request.flag)).toEqual({ kind: 'state', on: false });
    await world.person(true);
    expect(await flags.read(request.flag)).toEqual({ kind: 'state', on: true });
    expect(await world.changes()).toBe(1);
  });

  test('turns the flag on again', async () => {
    const world = await open();
    await world.flags.set(world.request);
    const back = { ...world.request, on: true, key: `${world.request.key}.back` };
    expect(await world.flags.set(back)).toMatchObject({ kind: 'succeeded' });
    expect(await world.isOn()).toBe(true);
    expect(await world.changes()).toBe(2);
  });

  test('after a lost response, checks the state instead of repeating the change', async () => {
    const world = await open();
    await world.trouble('lost_answer');
    expect(await world.flags.set(world.request)).toMatchObject({ kind: 'later', detail: words });
    expect(await follow(world)).toMatchObject({ kind: 'succeeded' });
    expect(await world.isOn()).toBe(false);
    expect(await world.changes()).toBe(1);
  });

  test('a late effect leads to the same result', async () => {
    const world = await open();
    await world.trouble('late_effect');
    expect(await world.flags.set(world.request)).toMatchObject({ kind: 'later', detail: words });
    await world.settle();
    expect(await world.isOn()).toBe(false);
    expect(await follow(world)).toMatchObject({ kind: 'succeeded' });
    expect(await world.changes()).toBe(1);
  });

  test('an effect that occurs after the retry succeeded changes nothing', async () => {
    const world = await open();
    await world.trouble('late_effect');
    expect(await world.flags.set(world.request)).toMatchObject({ kind: 'later' });
    expect(await world.flags.set(world.request)).toMatchObject({ kind: 'succeeded' });
    await world.settle();
    expect(await world.isOn()).toBe(false);
    expect(await world.changes()).toBe(1);
  });

  test.each(['throttled', 'server_error'] as const)('%s: retries later, and succeeds', async (trouble) => {
    const world = await open();
    await world.trouble(trouble);
    expect(await world.flags.set(world.request)).toMatchObject({ kind: 'later', detail: words });
    expect(await world.isOn()).toBe(true);
    expect(await follow(world)).toMatchObject({ kind: 'succeeded' });
    expect(await world.changes()).toBe(1);
  });

  test('a refusal has a reason and changes nothing', async () => {
    const world = await open();
    await world.trouble('refused');
    expect(await world.flags.set(world.request)).toMatchObject({ kind: 'refused', detail: words });
    expect(await world.isOn()).toBe(true);
    expect(await world.changes()).toBe(0);
  });

  test('an unknown flag is refused by name', async () => {
    const { flags, request, changes } = await open();
    const unknown = { kind: 'refused', detail: expect.stringContaining('never-made') as string };
    expect(await flags.set({ ...request, flag: 'never-made' })).toMatchObject(unknown);
    expect(await flags.read('never-made')).toMatchObject(unknown);
    expect(await changes()).toBe(0);
  });

  test.each(['', '.', '..', '../others', 'half a pair \ud800', 'a flag?env=others', 'proj/*'])(
    "a flag name can't change the path: %j",
    async (flag) => {
      const { flags, request, changes } = await open();
      expect(await flags.set({ ...request, flag })).toMatchObject({ kind: 'refused', detail: words });
      expect(await changes()).toBe(0);
    },
  );

  test("superseded: keeps a person's later change until a new action", async () => {
    const world = await open();
    await world.flags.set(world.request);
    await world.person(true);
    const again = await world.flags.set(world.request);
    expect(again).toMatchObject({ kind: 'superseded', current: expect.stringMatching(/^on\b/) as string });
    expect(await world.isOn()).toBe(true);
    expect(await world.flags.set({ ...world.request, key: `${world.request.key}0` })).toMatchObject({
      kind: 'succeeded',
    });
    expect(await world.isOn()).toBe(false);
    expect(await world.changes()).toBe(2);
  });

  test('each flag is a resource of its own', async () => {
    const { flags, request } = await open();
    expect(flags.resource(request.flag)).toContain(request.flag);
    expect(flags.resource(request.flag)).not.toBe(flags.resource(`${request.flag}2`));
    expect(flags.effectClass).toBe('convergent');
  });
}

/** Implements faults with a stand-in, for its calls with `method`. */
export function troubles(standIns: StandIns, vendor: Vendor, method: string): Pick<FlagsWorld, 'trouble' | 'settle'> {
  const FAULTS: Record<Trouble, Fault> = {
    lost_answer: { kind: 'lost' },
    late_effect: { kind: 'late', delay_ms: UNTIL_RELEASED },
    throttled: { kind: 'rate_limit' },
    refused: { kind: 'status', status: 403, body: { code: 'forbidden', message: 'no permission' } },
    server_error: { kind: 'status', status: 500 },
  };
  return {
    async trouble(trouble) {
      await setFault(standIns, { vendor, fault: FAULTS[trouble], times: 1, match: { method } });
      if (trouble === 'late_effect') givesUpOnceHeld(standIns);
    },
    settle: () => untilNothingIsHeld(standIns),
  };
}
