import * as z from 'zod';
import { address, setting, signingSecret, token } from '../../schemas/config/variable.ts';
import type { RollbackTarget } from '../../schemas/rollback/target.ts';
import { Bearer, Repository } from '../../schemas/config/endpoint.ts';

/** A path below the root of a repository, without `.` and `..`. */
const RepositoryPath = z
  .string()
  .regex(
    /^(?!\/)(?!.*(?:^|\/)\.{1,2}(?:\/|$))[^\0]+$/,
    'must be a path inside the repository, without a leading / and without . or ..',
  );

/** How a file or folder in Git is reverted: by a commit on the branch, or by a pull request. */
export const GitRevert = z.strictObject({
  repository: Repository,
  branch: z.string().min(1).default('main'),
  /** The folder or file to revert. Absent: the application's own path, or the whole tree if it has none. */
  path: RepositoryPath.optional(),
  mode: z.enum(['pull-request', 'commit']).default('pull-request'),
});
export type GitRevert = z.infer<typeof GitRevert>;

/** Deployments by GitHub Actions: reruns the workflow of the last good deployment, or reverts Git. */
const GithubDeployer = z.strictObject({
  kind: z.literal('github'),
  /** Absent: the service's `repository`. */
  repository: Repository.optional(),
  /** Name of the environment at GitHub. Absent: the same name as here. */
  environment: z.string().min(1).optional(),
  auth: Bearer.optional(),
  /** `rerun`: the workflow run that deployed the good version runs again. `revert`: Git is reverted. */
  via: z.enum(['rerun', 'revert']).default('rerun'),
  /** For `revert`. */
  branch: z.string().min(1).default('main'),
  path: RepositoryPath.optional(),
  mode: z.enum(['pull-request', 'commit']).default('pull-request'),
});
export type GithubDeployer = z.infer<typeof GithubDeployer>;

/** GitHub, which also has tickets, deployment protection rules, and webhooks. */
export const github = {
  vendor: 'github',
  deployers: {
    github: {
      schema: GithubDeployer,
      note: {
        rollsBack: "by running the last good deployment's workflow again, or with a revert",
        checks: true,
        effectClass: '`findable`',
        details: '[github.md](../how-to/github.md)',
      },
    },
  },
  flags: {},
  variables: {
    GITHUB_API_URL: {
      ...address('vendors', 'https://api.github.com'),
      group: 'github',
      meaning: 'GitHub REST API',
    },
    GITHUB_TOKEN: { ...token('github'), meaning: 'GitHub token; or use a GitHub App with the next two variables' },
    GITHUB_APP_ID: { ...setting('github'), meaning: 'ID of the GitHub App' },
    GITHUB_APP_PRIVATE_KEY: {
      ...token('github'),
      meaning: 'Private key (PEM) of the GitHub App; line breaks can be written as `\\n`',
    },
    GITHUB_WEBHOOK_SECRET: {
      ...signingSecret('senders'),
      meaning: 'Secret that verifies GitHub webhooks; without it, they are refused',
    },
  },
  connection: {
    name: 'GitHub',
    url: 'GITHUB_API_URL',
    credentials: [['GITHUB_TOKEN'], ['GITHUB_APP_ID', 'GITHUB_APP_PRIVATE_KEY']],
  },
} as const satisfies RollbackTarget;
