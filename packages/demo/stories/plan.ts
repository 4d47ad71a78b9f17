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

/** What a story needs before it begins. */
export type StoryPlan = {
  services: Readonly<Record<string, ToyPlan>>;
  /** `routes.yaml` as an object. Absent: the defaults. */
  routes?: object;
  /** Other configuration files by name, each as an object. */
  config?: Readonly<Record<string, object>>;
};
