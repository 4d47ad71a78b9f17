import type { Question } from './case.ts';

/** A judge: the product's decision, or a rule for comparison. */
export type Judge = (question: Question) => Judgement | Promise<Judgement>;

export type Judgement = {
  /** `roll_back`: automatically. `ask`: a person decides. `none`: neither. */
  action: 'roll_back' | 'ask' | 'none';
  /** The change to undo, or the suspected cause. Null: no change. */
  change_id: string | null;
  /** 0 to 1. */
  confidence: number;
  /** All suspects, the most likely first; empty for "no change caused this". */
  ranked: readonly string[];
};
