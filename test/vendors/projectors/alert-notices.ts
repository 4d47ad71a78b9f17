import * as fc from 'fast-check';
import type { AlertNotice, AlertNotices } from '../../../core/domain/messages/alert-notices.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { signal } from '../../support/signals.ts';
import type { World } from './world.ts';

type About =
  | { kind: 'notice'; channel: string }
  | Pick<Extract<AlertNotice, { kind: 'ticket' }>, 'kind' | 'target' | 'title'>;

/** An alert that fires or ends, with the seconds since the previous one; `anew`: a new round starts. */
export type Beat = { after: number; firing: number; anew: boolean; marks: readonly number[] };

const beat = (seconds: fc.Arbitrary<number>, anew: boolean): fc.Arbitrary<Beat> =>
  fc.record({
    after: seconds,
    firing: anew ? fc.integer({ min: 1, max: 3 }) : fc.nat(3),
    anew: fc.constant(anew),
    marks: fc.array(fc.nat(100_000), { maxLength: 2 }),
  });

const within = fc.array(beat(fc.nat(300), false), { maxLength: 4 });

/** One or two rounds; the second starts 15 minutes after the end of the first. */
export const anyBeats: fc.Arbitrary<readonly Beat[]> = fc
  .tuple(within, fc.option(fc.tuple(beat(fc.integer({ min: 901, max: 2000 }), true), within), { nil: undefined }))
  .map(([first, second]) => {
    if (second === undefined) return first;
    const end: Beat = { after: 1, firing: 0, anew: false, marks: [0] };
    return [...first, end, second[0], ...second[1]];
  });

/** Plays an alert notice with its marks; at the end, it is marked once more. */
export function syncAlertNotice(
  world: World,
  subject: Subject,
  about: About,
  beats: readonly Beat[],
): AlertNotices & { now(): AlertNotice } {
  const serviceEnvironment = { service: 'checkout', environment: 'production' };
  const shared = {
    firstAt: world.clock.now(),
    updatedAt: world.clock.now(),
    alerts: [{ signal: signal(), status: 'firing' as const }],
  };
  let now: AlertNotice = { round: 1, serviceEnvironment: serviceEnvironment, firing: 1, total: 1, ...shared, ...about };
  world.mark(subject);
  let at = 0;
  for (const { after, firing, anew, marks } of beats) {
    at += after * 1000;
    world.expect(at, () => {
      const receivedAt: Timestamp = world.clock.now();
      now = { ...now, round: now.round + Number(anew), firing, total: now.total + 1, updatedAt: receivedAt };
    });
    for (const mark of marks) world.expect(at + mark, () => world.mark(subject));
  }
  world.expect(at + 1, () => world.mark(subject));
  return { record: async () => [], read: async () => now, now: () => now };
}
