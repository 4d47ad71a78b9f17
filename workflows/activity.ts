/**
 * State of a workflow branch: acting or waiting. The next run can take over a branch at any time while it waits for a
 * person or for a verification window. A branch that acts must rest first.
 */
export type Activity = {
  acts(): void;
  rests(): void;
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
    untilResting: () => (isResting ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  };
}
