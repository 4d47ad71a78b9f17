/**
 * State of a workflow branch: acting or waiting. The next run can take over a branch at any time while it waits for a
 * person or for a verification window. A branch that acts must rest first.
 */
export type Activity = {
  acts(): void;
  rests(): void;
  /** Returns whether the branch rests, or has ended. It differs between replays. */
  isResting(): boolean;
  /** Resolves as soon as the branch rests. */
  untilResting(): Promise<void>;
};

/** Returns the activity of a new branch, which begins acting. */
export function activityOf(): Activity {
  const waiting: (() => void)[] = [];
  let isResting = false;
  return {
    acts: () => {
      isResting = false;
    },
    rests: () => {
      isResting = true;
      for (const resolve of waiting.splice(0)) resolve();
    },
    isResting: () => isResting,
    untilResting: () => (isResting ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  };
}

/** Waits until a branch ends or rests. Marks its failure as handled: the run is awaited later, or has failed by then. */
export function untilRest(branch: Promise<unknown>, activity: Activity): Promise<unknown> {
  const ended = Promise.race([branch, activity.untilResting()]);
  ended.catch(() => undefined);
  return ended;
}
