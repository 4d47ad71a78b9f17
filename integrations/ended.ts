import type { ActAnswer, Held } from '../domain/targets.ts';

/** What an attempt comes to when there is no usable answer, or what was answered is no reason to go on. */
export type Ending = Extract<ActAnswer, { detail: string }>;

/** Ends the attempt that it is thrown in: `orEnding` makes an answer of it, and nothing outside sees it. */
export class Ended extends Error {
  override readonly name = 'Ended';
  readonly ending: Ending;

  constructor(ending: Ending) {
    super(ending.detail);
    this.ending = ending;
  }
}

export const refuse = (detail: string): Ended => new Ended({ kind: 'refused', detail });
export const putOff = (detail: string): Ended => new Ended({ kind: 'later', detail, afterSeconds: null });

/** Whether something holds, where the look at it may have been ended: that tells nothing of it. */
export const heldOr = (answer: Held | Ending): Held =>
  answer.kind === 'holds' || answer.kind === 'drifted' || answer.kind === 'unknown'
    ? answer
    : { kind: 'unknown', detail: answer.detail };

/** What `work` gives, or how it was ended. @throws what was no end of it: a mistake of ours */
export async function orEnding<T>(work: () => Promise<T>): Promise<T | Ending> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Ended) return error.ending;
    throw error;
  }
}
