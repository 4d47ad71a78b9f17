import { names as auditStream } from './audit-stream/names.ts';
import { names as canary } from './canary/names.ts';
import { names as delivery } from './delivery/names.ts';
import { names as digests } from './digests/names.ts';
import { names as experiments } from './experiments/names.ts';
import { names as freeze } from './freeze/names.ts';
import { names as mcp } from './mcp/names.ts';
import { names as postmortems } from './postmortems/names.ts';
import type { FeatureNames } from './feature-names.ts';
import { names as simulation } from './simulation/names.ts';
import { names as slo } from './slo/names.ts';
import { names as stakeholders } from './stakeholders/names.ts';
import { names as statusPage } from './status-page/names.ts';
import { names as pipelines } from './pipelines/names.ts';

/** The names of all features. To leave a feature out, delete its folder, and its entries here and in `index.ts`. */
const LIST = [
  auditStream,
  canary,
  delivery,
  digests,
  experiments,
  freeze,
  mcp,
  pipelines,
  postmortems,
  simulation,
  slo,
  stakeholders,
  statusPage,
] as const;

type ListedNames = (typeof LIST)[number];

type ActionOf<Names> = Names extends { actions: infer Actions } ? keyof Actions & string : never;
type SourceOf<Names> = Names extends { sources: readonly (infer Source extends string)[] } ? Source : never;
type ButtonOf<Names> = Names extends { buttons: readonly (infer Button)[] } ? Button : never;
/** A function of the values, so that `Merged` can intersect those of all features. */
type TakesEnvironment<Names> = Names extends { environment: infer Keys } ? (keys: Keys) => void : never;
type TakesResponse<Names> = Names extends { response: infer Keys } ? (keys: Keys) => void : never;
type TakesDelivery<Names> = Names extends { deliveryFile: infer Keys } ? (keys: Keys) => void : never;
type TakesConfig<Names> = Names extends { config: infer Keys } ? (keys: Keys) => void : never;
type TakesCounters<Names> = Names extends { counters: infer Counters } ? (counters: Counters) => void : never;
/** The intersection of the values. The tuples keep the union of functions together, which would give a union otherwise. */
type Merged<Takes> = [Takes] extends [never]
  ? object
  : [Takes] extends [(values: infer Values) => void]
    ? Values
    : object;

const NAMES: readonly FeatureNames[] = LIST;

/** Permissions of features. */
export const FEATURE_ACTIONS = NAMES.flatMap(({ actions = {} }) => Object.keys(actions)) as ActionOf<ListedNames>[];

/** Returns the permissions of features that a built-in role has. */
export const featureActionsOf = (role: 'viewer' | 'responder' | 'approver'): ActionOf<ListedNames>[] =>
  NAMES.flatMap(({ actions = {} }) =>
    Object.entries(actions).flatMap(([action, roles]) => (roles.includes(role) ? [action] : [])),
  ) as ActionOf<ListedNames>[];

/** Permissions of features with which people decide something. */
export const FEATURE_DECIDING: readonly string[] = NAMES.flatMap(({ deciding = [] }) => deciding);

/** Keys of features for an environment in `services.yaml`. */
export const FEATURE_ENVIRONMENT = Object.assign({}, ...NAMES.map(({ environment }) => environment)) as Merged<
  TakesEnvironment<ListedNames>
>;

/** Keys of features in `response.yaml`. */
export const FEATURE_RESPONSE = Object.assign({}, ...NAMES.map(({ response }) => response)) as Merged<
  TakesResponse<ListedNames>
>;

/** Keys of features in `delivery.yaml`. */
export const FEATURE_DELIVERY = Object.assign({}, ...NAMES.map(({ deliveryFile }) => deliveryFile)) as Merged<
  TakesDelivery<ListedNames>
>;

/** Keys of features for the whole configuration. */
export const FEATURE_CONFIG = Object.assign({}, ...NAMES.map(({ config }) => config)) as Merged<
  TakesConfig<ListedNames>
>;

/** Files of features in the configuration folder, by name without extension. */
export const FEATURE_FILES = Object.assign({}, ...NAMES.map(({ files }) => files)) as NonNullable<
  FeatureNames['files']
>;

/** Returns whether the configuration gives a projection target of a feature anything to show. */
export const isTargetUsed = (target: string, config: object): boolean =>
  NAMES.some(({ usesTarget }) => usesTarget?.[target]?.(config as never) ?? false);

/** Partitions in which the end of an incident is marked for features. */
export const ENDED_MARKS = NAMES.flatMap(({ endedMarks = [] }) => endedMarks);

/** Partitions in which writes of changes are marked for features. */
export const CHANGE_MARKS = NAMES.flatMap(({ changeMarks = [] }) => changeMarks);

/** Pages of features about a resolved incident. */
export const INCIDENT_PAGES = NAMES.flatMap(({ incidentPages = [] }) => incidentPages);

/** Sources of the alerts that features send. */
export const FEATURE_SOURCES = NAMES.flatMap(({ sources = [] }) => sources) as SourceOf<ListedNames>[];

/** Counters of features. */
export const FEATURE_COUNTERS = Object.assign({}, ...NAMES.map(({ counters }) => counters)) as Merged<
  TakesCounters<ListedNames>
>;

/** Buttons of features in Slack. */
export const FEATURE_BUTTONS = NAMES.flatMap(({ buttons = [] }) => buttons) as unknown as ButtonOf<ListedNames>[];

/** Returns the systems that features are configured to call for an environment. */
export const featureTargets = (environment: object) =>
  NAMES.flatMap(({ targets }) => targets?.(environment as never) ?? []);

/** Return the services and environments that keys of features for the whole configuration name. */
export const FEATURE_CONFIG_SCOPES = NAMES.flatMap(({ configScopes }) => configScopes ?? []);

/** Returns the services and teams that keys of features in `response.yaml` name. */
export const featureScopes = (response: object) => NAMES.flatMap(({ scopes }) => scopes?.(response as never) ?? []);
