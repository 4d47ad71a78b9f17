import * as z from 'zod';
import { ServiceName } from '../../../schemas/config/names.ts';
import { SliSpec } from './openslo/indicator.ts';
import { Objective } from './openslo/objective.ts';
import { TimeWindow } from './openslo/time-window.ts';

/** @see https://github.com/OpenSLO/OpenSLO */
const VERSION = 'openslo/v1';

/** Header of every object, read before the rest. */
export const Header = z.looseObject({
  apiVersion: z.literal(VERSION),
  kind: z.enum(['SLO', 'SLI', 'Service', 'DataSource', 'AlertPolicy', 'AlertCondition', 'AlertNotificationTarget']),
});
export type Kind = z.infer<typeof Header>['kind'];

const Labels = z.record(z.string(), z.union([z.string(), z.array(z.string())]));

const Metadata = z.strictObject({
  name: z.string().min(1).max(253),
  displayName: z.string().nullish(),
  labels: Labels.nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
});

/** The name becomes a metric label and part of URLs, and `-1`, `-2` … can be appended to it. */
const SloName = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,238}[A-Za-z0-9])?$/,
    'must consist of letters, digits, "-", "_", and ".", such as checkout-availability',
  );

/** An inline indicator. Its name is ignored. */
const InlineIndicator = z.strictObject({
  apiVersion: z.literal(VERSION).nullish(),
  kind: z.literal('SLI').nullish(),
  metadata: Metadata.nullish(),
  spec: SliSpec,
});

const SloSpec = z
  .strictObject({
    description: z.string().nullish(),
    service: ServiceName,
    indicator: InlineIndicator.nullish(),
    indicatorRef: z.string().min(1).nullish(),
    timeWindow: z.array(TimeWindow).length(1, 'must have exactly one time window').nullish(),
    budgetingMethod: z.enum(['Occurrences', 'Timeslices', 'RatioTimeslices']).nullish(),
    objectives: z.array(Objective).min(1, 'must have at least one objective').max(100),
    /** Not used: burn alerts are Firebreak's own. */
    alertPolicies: z.array(z.unknown()).nullish(),
  })
  .superRefine(({ indicator, indicatorRef, budgetingMethod, objectives }, context) => {
    const problem = (path: PropertyKey[], message: string): void => context.addIssue({ code: 'custom', path, message });
    if ((indicator == null) === (indicatorRef == null)) problem([], 'set either "indicator" or "indicatorRef"');
    if (budgetingMethod === 'RatioTimeslices')
      problem(
        ['budgetingMethod'],
        'RatioTimeslices is not supported (use Occurrences to count events, or Timeslices to count slices of time)',
      );
    if (budgetingMethod === 'Timeslices')
      for (const [index, objective] of objectives.entries())
        for (const key of ['timeSliceTarget', 'timeSliceWindow'] as const)
          if (objective[key] == null) problem(['objectives', index], `"${key}" is required with Timeslices`);
  });
export type SloSpec = z.infer<typeof SloSpec>;

const header = <K extends Kind>(kind: K) => ({ apiVersion: z.literal(VERSION), kind: z.literal(kind) });

export const SloDocument = z.strictObject({
  ...header('SLO'),
  metadata: z.strictObject({ ...Metadata.shape, name: SloName }),
  spec: SloSpec,
});
export type SloDocument = z.infer<typeof SloDocument>;

export const SliDocument = z.strictObject({ ...header('SLI'), metadata: Metadata, spec: SliSpec });
export type SliDocument = z.infer<typeof SliDocument>;

/** Only its type is checked: the address of Prometheus is configured elsewhere. */
export const DataSourceDocument = z.strictObject({
  ...header('DataSource'),
  metadata: Metadata,
  spec: z.looseObject({ type: z.string() }),
});
export type DataSourceDocument = z.infer<typeof DataSourceDocument>;

/** Valid, but ignored. */
const ignored = <K extends Kind>(kind: K) =>
  z.strictObject({ ...header(kind), metadata: Metadata, spec: z.unknown().optional() });

/** Every kind of object that `config/slos/*.yaml` can contain. */
export const OpenSlo = z.discriminatedUnion('kind', [
  SloDocument,
  SliDocument,
  DataSourceDocument,
  ignored('Service'),
  ignored('AlertPolicy'),
  ignored('AlertCondition'),
  ignored('AlertNotificationTarget'),
]);
export type OpenSlo = z.infer<typeof OpenSlo>;

/** Returns the schema of a kind. */
export function schemaOf(kind: Kind): z.ZodType<OpenSlo> {
  const found = OpenSlo.options.find((option) => option.shape.kind.value === kind);
  if (found === undefined) throw new Error(`no schema for objects of kind ${kind}`);
  return found;
}
