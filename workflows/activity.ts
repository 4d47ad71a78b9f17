/**
 * Whether a branch of a workflow acts or only waits. One that waits for people, or for the time of a verification, can be
 * taken over by the next run at any moment; one that acts comes to a rest first.
 */
export type Activity = {
  acts(): void;
  rests(): void;
  /** Resolves as soon as the branch rests. */
  resting(): Promise<void>;
};

/** Of a branch that has just begun, and therefore acts. */
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
    resting: () => (isResting ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  };
}
