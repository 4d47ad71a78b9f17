import { expect, test } from 'vitest';
import type { ActAnswer, FlagRequest, Flags } from '../../domain/targets.ts';
import type { Fault } from '../../local/standins/faults.ts';
import type { StandIns, Vendor } from '../../local/standins/index.ts';
import { setFault } from '../local/standins/support.ts';
import { givesUpOnceHeld, untilNothingIsHeld } from './impatience.ts';
import type { Trouble } from './target-conformance.ts';

/** One adapter, before a stand-in of its vendor where the flag of `request` is on, which wants it off. */
export type FlagsWorld = {
  flags: Flags;
  request: FlagRequest;
  /** Troubles with the next changing call, once. */
  trouble(trouble: Trouble): Promise<void>;
  /** Whatever is late comes to its end. */
  settle(): Promise<void>;
  isOn(): Promise<boolean>;
  /** How many times the vendor has changed the flag for us. */
  changes(): Promise<number>;
  /** Somebody switches the flag at the vendor. */
  person(on: boolean): Promise<void>;
};

const words = expect.stringMatching(/\w/) as string;

/** As the workflow does it: until there is an end, with the vendor's time going on between the tries. */
async function follow({ flags, request, settle }: FlagsWorld, tries = 6): Promise<ActAnswer> {
  let answer = await flags.set(request);
  for (let left = tries; left > 0 && (answer.kind === 'later' || answer.kind === 'in_progress'); left -= 1) {
    await settle();
    answer = await flags.set(request);
  }
  return answer;
}

/** What every flag service must do, whatever its vendor is like. Call it inside a `describe`. */
export function conforms(open: () => Promise<FlagsWorld>): void {
  test('turns the flag off, once', async () => {
    const world = await open();
    expect(await world.flags.set(world.request)).toMatchObject({ kind: 'succeeded' });
    expect(await world.isOn()).toBe(false);
    expect(await world.changes()).toBe(1);
  });

  test('the same act again changes nothing', async () => {
    const world = await open();
    for (const _ of [1, 2, 3]) expect(await world.flags.set(world.request)).toMatchObject({ kind: 'succeeded' });
    expect(await world.isOn()).toBe(false);
    expect(await world.changes()).toBe(1);
  });

  test('what is so already is not set', async () => {
    const world = await open();
    await world.person(false);
    expect(await world.flags.set(world.request)).toMatchObject({ kind: 'succeeded' });
    expect(await world.changes()).toBe(0);
  });

  test('tells the state, whoever has set it', async () => {
    const world = await open();
    const { flags, request } = world;
    expect(await flags.read(request.flag)).toEqual({ kind: 'state', on: true });
    await flags.set(request);
    expect(await flags.read(request.flag)).toEqual({ kind: 'state', on: false });
    await world.person(true);
    expect(await flags.read(request.flag)).toEqual({ kind: 'state', on: true });
    expect(await world.changes()).toBe(1);
  });

  test('turns it on again when that is wanted', async () => {
    const world = await open();
    await world.flags.set(world.request);
    const back = { ...world.request, on: true, key: `${world.request.key}.back` };
    expect(await world.flags.set(back)).toMatchObject({ kind: 'succeeded' });
    expect(await world.isOn()).toBe(true);
    expect(await world.changes()).toBe(2);
  });

  test('an answer that is lost is looked for, not repeated', async () => {
    const world = await open();
    await world.trouble('lost_answer');
    expect(await world.flags.set(world.request)).toMatchObject({ kind: 'later', detail: words });
    expect(await follow(world)).toMatchObject({ kind: 'succeeded' });
    expect(await world.isOn()).toBe(false);
    expect(await world.changes()).toBe(1);
  });

  test('an effect that comes after we gave up leads to the same end', async () => {
    const world = await open();
    await world.trouble('late_effect');
    expect(await world.flags.set(world.request)).toMatchObject({ kind: 'later', detail: words });
    await world.settle();
    expect(await world.isOn()).toBe(false);
    expect(await follow(world)).toMatchObject({ kind: 'succeeded' });
    expect(await world.changes()).toBe(1);
  });

  test('an effect that comes even after the next try has done it changes nothing any more', async () => {
    const world = await open();
    await world.trouble('late_effect');
    expect(await world.flags.set(world.request)).toMatchObject({ kind: 'later' });
    expect(await world.flags.set(world.request)).toMatchObject({ kind: 'succeeded' });
    await world.settle();
    expect(await world.isOn()).toBe(false);
    expect(await world.changes()).toBe(1);
  });

  test.each(['throttled', 'server_error'] as const)('%s: later, and then it is done', async (trouble) => {
    const world = await open();
    await world.trouble(trouble);
    expect(await world.flags.set(world.request)).toMatchObject({ kind: 'later', detail: words });
    expect(await world.isOn()).toBe(true);
    expect(await follow(world)).toMatchObject({ kind: 'succeeded' });
    expect(await world.changes()).toBe(1);
  });

  test('refused: said with the reason, and nothing is changed', async () => {
    const world = await open();
    await world.trouble('refused');
    expect(await world.flags.set(world.request)).toMatchObject({ kind: 'refused', detail: words });
    expect(await world.isOn()).toBe(true);
    expect(await world.changes()).toBe(0);
  });

  test('a flag that it does not know is refused by name', async () => {
    const { flags, request, changes } = await open();
    const unknown = { kind: 'refused', detail: expect.stringContaining('never-made') as string };
    expect(await flags.set({ ...request, flag: 'never-made' })).toMatchObject(unknown);
    expect(await flags.read('never-made')).toMatchObject(unknown);
    expect(await changes()).toBe(0);
  });

  test.each(['', '.', '..', '../others', 'half a pair \ud800', 'a flag?env=others', 'proj/*'])(
    'a name never leads elsewhere: %j',
    async (flag) => {
      const { flags, request, changes } = await open();
      expect(await flags.set({ ...request, flag })).toMatchObject({ kind: 'refused', detail: words });
      expect(await changes()).toBe(0);
    },
  );

  test('superseded: what a person has done since is left alone, until a new act wants it', async () => {
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

  test('one flag is one resource, told from others', async () => {
    const { flags, request } = await open();
    expect(flags.resource(request.flag)).toContain(request.flag);
    expect(flags.resource(request.flag)).not.toBe(flags.resource(`${request.flag}2`));
    expect(flags.effectClass).toBe('convergent');
  });
}

/** Troubles as faults of a stand-in, in its calls with `method`. */
export function troubles(standIns: StandIns, vendor: Vendor, method: string): Pick<FlagsWorld, 'trouble' | 'settle'> {
  const FAULTS: Record<Trouble, Fault> = {
    lost_answer: { kind: 'lost' },
    late_effect: { kind: 'late', delay_ms: 300 },
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
