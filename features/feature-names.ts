import type * as z from 'zod';

/**
 * The names of a feature, from which the schemas of the core are built. They are apart from the manifest, because the
 * manifest refers to the core.
 */
export type FeatureNames = {
  feature: string;
  /** Permissions, each with the built-in roles that have it. The role `admin` has all. */
  actions?: Readonly<Record<string, readonly ('viewer' | 'responder' | 'approver')[]>>;
  /** Those of the permissions with which people decide something, which is recorded under their name. */
  deciding?: readonly string[];
  /** Keys of an environment in `services.yaml`. */
  environment?: Readonly<Record<string, z.ZodType>>;
  /** Keys of the whole configuration, each with the values of a missing file. */
  config?: Readonly<Record<string, z.ZodType>>;
  /**
   * The files of these keys in the configuration folder, by name without extension, and where they are documented. `key`
   * is absent if it is the name of the file.
   */
  files?: Readonly<Record<string, { key?: string; schema: z.ZodType; title: string; docs: string }>>;
  /** Whether the configuration gives its projection targets anything to show. */
  usesTarget?: Readonly<Record<string, (config: never) => boolean>>;
  /** Partitions in which the end of an incident is marked, in its transaction. The feature removes the mark. */
  endedMarks?: readonly string[];
  /** Partitions in which each write of a change is marked, in its transaction. The feature removes the marks. */
  changeMarks?: readonly string[];
  /** Pages about a resolved incident, below its own page in the console. */
  incidentPages?: readonly { path: string; text: string }[];
  /** Returns what these keys name that is called with credentials. */
  targets?(environment: never): readonly ConfiguredTarget[];
  /** Keys of `response.yaml`. */
  response?: Readonly<Record<string, z.ZodType>>;
  /** Keys of `delivery.yaml`. */
  deliveryFile?: Readonly<Record<string, z.ZodType>>;
  /** Returns the services and teams that these keys of `response.yaml` name. An unknown one is a warning. */
  scopes?(response: never): readonly NamedScope[];
  /** Returns the services and environments that its keys of the whole configuration name, which are then known. */
  configScopes?(config: never): readonly ConfiguredScope[];
  /** Sources of the alerts that it sends itself. Each such alert is an event, because nobody reports its end. */
  sources?: readonly string[];
  counters?: Readonly<
    Record<
      string,
      {
        group: 'incidents';
        help: string;
        labels: readonly string[];
        known?: Readonly<Record<string, readonly string[]>>;
      }
    >
  >;
  /** What its buttons in Slack say, by `verb`. */
  buttons?: readonly z.ZodObject<{ verb: z.ZodLiteral<string> }>[];
};

/** Services and teams that an entry of a file names. Absent: all. */
export type NamedScope = {
  path: readonly PropertyKey[];
  services?: readonly string[] | undefined;
  teams?: readonly string[] | undefined;
};

/** The environments of services that an entry names. Absent: none. */
export type ConfiguredScope = {
  services?: readonly string[] | undefined;
  environments?: readonly string[] | undefined;
};

/** A system that the configuration names, with its credentials. */
export type ConfiguredTarget = {
  /** Vendor that it is called with, and whose own credentials these replace. Null: none. */
  vendor: 'kubernetes' | 'cd' | 'aws' | null;
  url?: string | undefined;
  auth?: { bearer: string } | { webhookSignature: string } | undefined;
};
