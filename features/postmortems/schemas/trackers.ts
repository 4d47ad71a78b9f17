import * as z from 'zod';
import { ServiceName } from '../../../schemas/config/names.ts';
import { Repository } from '../../../schemas/config/endpoint.ts';

const Label = z.string().min(1).max(50);

/** A GitHub repository with issues. */
const GithubTracker = z.strictObject({
  repository: Repository,
  /** In addition to `firebreak`, by which issues are found again. */
  labels: z.array(Label).max(20).default([]),
});

/** A project of Jira Cloud. */
export const JiraTracker = z.strictObject({
  /** Its key, such as `OPS`. */
  project: z.string().regex(/^[A-Z][A-Z0-9_]{1,99}$/, 'must be the key of a project, such as OPS'),
  issueType: z.string().min(1).max(60).default('Task'),
  /** In addition to `firebreak`, and the label by which an issue is found again. */
  labels: z.array(Label.regex(/^\S+$/, 'labels of Jira have no spaces')).max(20).default([]),
});
export type JiraTracker = z.infer<typeof JiraTracker>;

const Common = {
  /** Absent, with `services`: all services. */
  teams: z.array(z.string().min(1).max(128)).min(1).optional(),
  services: z.array(ServiceName).min(1).optional(),
  /** `published`: for the open items of a published post-mortem. `requested`: only for items that a person chooses. */
  create: z.enum(['published', 'requested']).default('published'),
};

/** Where the action items of some services become issues. */
export const TrackerConfig = z.union([
  z.strictObject({ ...Common, github: GithubTracker }),
  z.strictObject({ ...Common, jira: JiraTracker }),
]);
export type TrackerConfig = z.infer<typeof TrackerConfig>;
