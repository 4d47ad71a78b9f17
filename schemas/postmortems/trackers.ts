import * as z from 'zod';
import { ServiceName } from '../config/names.ts';
import { Repository } from '../rollback/targets/github.ts';

const Label = z.string().min(1).max(50);

/** A GitHub repository with issues. */
const GithubTracker = z.strictObject({
  repository: Repository,
  /** In addition to `firebreak`, by which issues are found again. */
  labels: z.array(Label).max(20).default([]),
});

/** Where the action items of some services become issues. */
export const TrackerConfig = z.strictObject({
  /** Absent, with `services`: all services. */
  teams: z.array(z.string().min(1).max(128)).min(1).optional(),
  services: z.array(ServiceName).min(1).optional(),
  /** `published`: for the open items of a published post-mortem. `requested`: only for items that a person chooses. */
  create: z.enum(['published', 'requested']).default('published'),
  github: GithubTracker,
});
export type TrackerConfig = z.infer<typeof TrackerConfig>;
