import * as z from 'zod';
import { ServiceName } from '../../../schemas/config/names.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { Repository } from '../../../schemas/config/endpoint.ts';

const PLACEHOLDERS = ['date', 'service', 'environment', 'severity', 'id'];

/** A path in a repository. It contains the ID of the incident, so that each post-mortem has its own file. */
const PathTemplate = z
  .string()
  .max(300)
  .regex(
    /^(?!\/)(?!.*(?:^|\/)\.{1,2}(?:\/|$))(?!.*\/\/)[A-Za-z0-9 ._{}/-]+\.md$/,
    'must be a path inside the repository that ends in .md, without a leading / and without . or ..',
  )
  .refine((path) => path.includes('{id}'), 'must contain {id}, so that each post-mortem has its own file')
  .refine(
    (path) => path.split(/[{}]/).every((part, n) => n % 2 === 0 || PLACEHOLDERS.includes(part)),
    `may contain ${PLACEHOLDERS.map((name) => `{${name}}`).join(', ')}`,
  );

/** Where published post-mortems become files. */
export const PostmortemFileConfig = z.strictObject({
  /** Absent, with `services`: all services. */
  teams: z.array(z.string().min(1).max(128)).min(1).optional(),
  services: z.array(ServiceName).min(1).optional(),
  github: z.strictObject({
    repository: Repository,
    branch: z.string().min(1).max(200).default('main'),
    path: PathTemplate.default('postmortems/{date}-{service}-{id}.md'),
    mode: z.enum(['pull-request', 'commit']).default('pull-request'),
  }),
});
export type PostmortemFileConfig = z.infer<typeof PostmortemFileConfig>;

/** The file of a post-mortem, as stored. */
export const PostmortemFileState = z.object({
  repository: z.string(),
  branch: z.string(),
  path: z.string(),
  mode: z.enum(['pull-request', 'commit']),
  /** The branch of the pull request, recorded before it is created. */
  head: z.string().nullable(),
  /** The last revision that was published. 0: none. */
  revision: z.number(),
  published_at: Timestamp.nullable(),
  url: z.string().nullable(),
  pull_request: z.string().nullable(),
  problem: z.string().nullable(),
});
export type PostmortemFileState = z.infer<typeof PostmortemFileState>;

/** The file of a post-mortem, as the API shows it. */
export const PostmortemFile = PostmortemFileState.pick({
  repository: true,
  branch: true,
  path: true,
  mode: true,
  published_at: true,
  url: true,
  pull_request: true,
  problem: true,
}).extend({
  /** The last revision that the file has. Null: none is published yet. */
  revision: z.number().nullable(),
});
export type PostmortemFile = z.infer<typeof PostmortemFile>;
