import type { Stage } from '../stage.ts';

/** A service of the story: in the catalogue, and as a toy that runs. */
export type ToyPlan = {
  /** That has run for hours when the story begins. */
  version: string;
  team: string;
  /** On the status page; absent: customers do not know of it. */
  component?: string;
  /** Services that it asks for each of its requests; they come before it. */
  needs?: readonly string[];
};

/** Something that has to be so at the end, and whether it was. */
export type Fact = { text: string; holds: boolean };

export type Story = {
  /** For `--story`. */
  name: string;
  title: string;
  /** For people who choose one, and who are about to see it: one line. */
  about: string;
  services: Readonly<Record<string, ToyPlan>>;
  /** `routes.yaml`, as an object. Absent: what holds without the file. */
  routes?: object;
  /** Other files of the configuration by name, each as an object. */
  config?: Readonly<Record<string, object>>;
  /** Lets it happen, and gives what has to be so at the end. It only breaks things: what is done about it is Firebreak's. */
  play(stage: Stage): Promise<Fact[]>;
};
