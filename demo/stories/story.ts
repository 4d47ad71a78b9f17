import type { Stage } from '../stage.ts';

/** A service of the story, in the catalogue and as a running toy service. */
export type ToyPlan = {
  /** Version that has run for hours when the story begins. */
  version: string;
  team: string;
  /** Component on the status page; absent: not shown to customers. */
  component?: string;
  /** Services that it calls for each request. They must precede it in the story. */
  needs?: readonly string[];
};

/** An expected result, and whether it was observed. */
export type Fact = { text: string; holds: boolean };

export type Story = {
  /** For `--story`. */
  name: string;
  title: string;
  /** Description in one line. */
  about: string;
  services: Readonly<Record<string, ToyPlan>>;
  /** `routes.yaml` as an object. Absent: the defaults. */
  routes?: object;
  /** Other configuration files by name, each as an object. */
  config?: Readonly<Record<string, object>>;
  /** Plays the story and returns the expected results. It only causes failures; the response is Firebreak's. */
  play(stage: Stage): Promise<Fact[]>;
};
