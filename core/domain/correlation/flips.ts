import { flagKeyOf } from '../changes/flags.ts';
import { sumOf, type Weighed } from './approval-reasons.ts';

/** Keeps of the repeated changes of one flag the one that explains the problem best: they are one suspect, and one act undoes them. */
export function onePerFlag(weighed: readonly Weighed[]): Weighed[] {
  const flips = Map.groupBy(weighed, flagOf);
  return weighed.filter((one) => {
    const flag = flagOf(one);
    return flag === null || one === best(flips.get(flag) ?? []);
  });
}

const flagOf = ({ candidate: { change } }: Weighed): string | null =>
  change.kind === 'flag' ? JSON.stringify([change.service, change.environment, flagKeyOf(change)]) : null;

/** Returns the most probable change; of equal ones, the last. */
const best = (flips: readonly Weighed[]): Weighed | undefined => flips.toSorted((a, b) => sumOf(a) - sumOf(b)).at(-1);
