import type { Principal } from '../../../schemas/access/access.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/** A report over many records. Its input and its result are plain data, because another thread can compute it. */
export type ReportKind<Input, Result> = {
  /** Such as `delivery.figures`. */
  readonly name: string;
  /**
   * `live`: people look for what has just changed, so a result is reused for a second at most. `never`: it is large, or
   * people look for the effect of what they have just done. `scrape`: as `live`, by machines, and it costs no budget.
   */
  readonly reuse?: 'live' | 'never' | 'scrape';
  /** Only for the compiler. */
  readonly types?: (input: Input) => Result;
};

/** Who reads a report: what is visible to them, and whose budget it costs. Null: the product itself, which sees all. */
export type ReportReader = { name: string; grants: readonly Principal[] } | null;

/** The result of a report. `as_of`: when its computation began. */
export type Computed<Result> = { as_of: Timestamp; value: Result };

/** Computes reports outside of the thread that answers requests, if the platform has another one. */
export type Reports = {
  /**
   * Returns a report, computed now or a short time ago. Readers with the same permissions share it. Check the permission before.
   *
   * @throws Refusal 429 if the reader has used up their budget, 503 if too many reports wait
   */
  read<Input, Result>(kind: ReportKind<Input, Result>, input: Input, reader: ReportReader): Promise<Computed<Result>>;
  /** Lets the next readers get new results: after a correction, whose author looks for its effect. */
  forget(): void;
};

export const reportKind = <Input, Result>(
  name: string,
  reuse?: NonNullable<ReportKind<Input, Result>['reuse']>,
): ReportKind<Input, Result> => ({ name, ...(reuse !== undefined && { reuse }) });
