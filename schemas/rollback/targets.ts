import * as z from 'zod';
import type { Intersection } from '../config/variable.ts';
import { ROLLBACK_TARGETS } from '../../vendors/targets.ts';
import type { DeployerNote } from './target.ts';

export { ROLLBACK_TARGETS };

type Target = (typeof ROLLBACK_TARGETS)[number];

type Merged<Part extends 'deployers' | 'flags' | 'variables'> = Intersection<Target[Part]>;

const merged = <Part extends 'deployers' | 'flags' | 'variables'>(part: Part): Merged<Part> =>
  Object.assign({}, ...ROLLBACK_TARGETS.map((target) => target[part])) as Merged<Part>;

/** The schema and the row in the docs of each kind of deployer. */
export const DEPLOYERS = merged('deployers');
const FLAGS = merged('flags');

/** The environment variables of all targets. */
export const TARGET_VARIABLES = merged('variables');

export const DEPLOYER_NOTES: readonly (readonly [kind: string, note: DeployerNote])[] = Object.entries(DEPLOYERS).map(
  ([kind, { note }]) => [kind, note],
);

type SchemaOf<Kinds> = {
  [Kind in keyof Kinds]: Kinds[Kind] extends { schema: infer Schema } ? Schema : never;
}[keyof Kinds];
type AtLeastOne<One> = [One, ...One[]];
const schemasOf = <Kinds extends object>(kinds: Kinds): AtLeastOne<SchemaOf<Kinds>> =>
  Object.values(kinds).map(({ schema }: { schema: SchemaOf<Kinds> }) => schema) as AtLeastOne<SchemaOf<Kinds>>;

/** How versions of a service are deployed and rolled back. */
export const DeployerConfig = z.discriminatedUnion('kind', schemasOf(DEPLOYERS));
export type DeployerConfig = z.infer<typeof DeployerConfig>;

/** Where a service's feature flags are managed. */
export const FlagsConfig = z.discriminatedUnion('kind', schemasOf(FLAGS));
export type FlagsConfig = z.infer<typeof FlagsConfig>;

/** Returns the target with a kind of deployer or flag service. */
export const targetOf = (kind: DeployerConfig['kind'] | FlagsConfig['kind']): Target => {
  const found = ROLLBACK_TARGETS.find(
    ({ deployers, flags }) => Object.hasOwn(deployers, kind) || Object.hasOwn(flags, kind),
  );
  if (found === undefined) throw new Error(`no target has the kind ${kind}`);
  return found;
};
