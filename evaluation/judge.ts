import type { Question } from './case.ts';

/** What is judged: the product's own decision, or a rule to compare it with. */
export type Judge = (question: Question) => Judgement;

export type Judgement = {
  /** `roll_back`: at once, without a person. `ask`: a person decides. `none`: nobody is asked either. */
  action: 'roll_back' | 'ask' | 'none';
  /** The change that would be undone, or is held for the cause. Null: no change is. */
  change_id: string | null;
  /** 0 to 1. */
  confidence: number;
  /** All that may be the cause, the most likely first; empty for "no change caused this". */
  ranked: readonly string[];
};
