import * as z from 'zod';
import { ServiceName } from '../../../schemas/config/names.ts';
import { PostmortemNeed } from './postmortem.ts';
import { PostmortemFileConfig } from './publishing.ts';
import { TrackerConfig } from './trackers.ts';

/** A query whose result is written into a draft, such as the number of affected users. */
const ImpactQuery = z.strictObject({
  /** What the value counts: `Users affected`. */
  title: z.string().min(1).max(100),
  /**
   * PromQL that gives one value. `$service` and `$environment` are replaced by the names, `$duration` by the duration of
   * the incident, such as `1020s`. It is evaluated for the end of the incident.
   */
  promql: z.string().min(1).max(5000),
  /** Written before or after the value: `EUR`. */
  unit: z.string().max(20).optional(),
  /** Absent: all services. */
  services: z.array(ServiceName).min(1).optional(),
});
export type ImpactQuery = z.infer<typeof ImpactQuery>;

const Days = z.number().int().min(1).max(365);

/** `config/postmortems.yaml`: which incidents need a post-mortem, and how it is drafted. */
export const PostmortemsFile = z.strictObject({
  /** `required`: drafted when the incident is resolved. `offered`: when someone saves it. `skipped`: not needed. */
  severities: z
    .strictObject({
      critical: PostmortemNeed.default('required'),
      warning: PostmortemNeed.default('offered'),
      info: PostmortemNeed.default('skipped'),
    })
    .prefault({}),
  /** `roles`: drafts name roles, such as "the incident commander". `people`: they name people. */
  names: z.enum(['roles', 'people']).default('roles'),
  /** Days from the end of the incident until action items of a draft are due. */
  dueDays: z
    .strictObject({ critical: Days.default(14), warning: Days.default(30), info: Days.default(90) })
    .prefault({}),
  /** Reminders of post-mortems that are not published, on the timeline of the incident and therefore in its channel. */
  reminders: z
    .strictObject({
      /** Days after the draft or the last change, and between reminders. */
      afterDays: z.number().min(0.01).max(365).default(3),
      times: z.number().int().min(0).max(20).default(3),
    })
    .prefault({}),
  impact: z.array(ImpactQuery).max(10).default([]),
  /** Issue trackers of action items. The first entry that names the service or its team counts. */
  trackers: z.array(TrackerConfig).max(100).default([]),
  /** Where published post-mortems become files. The first entry that names the service or its team counts. */
  publish: z.array(PostmortemFileConfig).max(100).default([]),
});
export type PostmortemsFile = z.infer<typeof PostmortemsFile>;
