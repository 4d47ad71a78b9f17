import type { RecordedResource } from './recorded.ts';

/** Returns what a second deployment would create, delete, or change. */
export function changesOf(before: readonly RecordedResource[], after: readonly RecordedResource[]): string[] {
  const [old, next] = [byUrn(before), byUrn(after)];
  return [
    ...[...old.keys()].filter((urn) => !next.has(urn)).map((urn) => `${shortUrn(urn)} is deleted`),
    ...[...next].flatMap(([urn, { inputs }]) => {
      const known = old.get(urn);
      if (known === undefined) return [`${shortUrn(urn)} is created`];
      return Object.keys({ ...known.inputs, ...inputs })
        .filter((key) => JSON.stringify(known.inputs[key]) !== JSON.stringify(inputs[key]))
        .map((key) => `${shortUrn(urn)}: ${key} changes`);
    }),
  ];
}

/** Kinds of resources whose names are unique in an account, or in all of AWS, instead of a Region. */
const IN_ALL_REGIONS = /^aws:(budgets\/|cloudfront\/|cloudwatch\/dashboard:|iam\/|s3\/bucket:)/;
const NAMES = ['name', 'bucket', 'dashboardName'] as const;

/** SST ends the names that it chooses with random letters, and remembers them. */
const RANDOM = /-[a-z]{8}$/;

/** Returns the differences in kind between two Regions, and the names that both want for themselves. */
export function clashesOf(here: readonly RecordedResource[], there: readonly RecordedResource[]): string[] {
  const [one, other] = [byUrn(here), byUrn(there)];
  const missing = [...new Set([...one.keys(), ...other.keys()])]
    .filter((urn) => !one.has(urn) || !other.has(urn))
    .map((urn) => `${shortUrn(urn)} is in one Region only`);
  const clashing = here
    .filter(({ type }) => IN_ALL_REGIONS.test(type))
    .flatMap(({ urn, inputs }) =>
      NAMES.flatMap((key) => {
        const name = inputs[key];
        const clashes = typeof name === 'string' && !RANDOM.test(name) && name === other.get(keyOf(urn))?.inputs[key];
        return clashes ? [`${shortUrn(urn)}: both Regions have the ${key} ${name}`] : [];
      }),
    );
  return [...missing, ...clashing];
}

/** Without the letters that SST derives from the ARN of a queue, which contains the Region. */
const keyOf = (urn: string): string => urn.replace(/(Subscriber)[A-Z][a-z]{5}(?=EventSourceMapping$|$)/, '$1');

const byUrn = (resources: readonly RecordedResource[]) => new Map(resources.map((one) => [keyOf(one.urn), one]));
const shortUrn = (urn: string): string => urn.split('::').slice(-2).join(' ');
