import * as z from 'zod';
import { HttpUrl, SecretName } from './endpoint.ts';

/** `owner/name`, as GitHub spells it. */
export const Repository = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})\/[A-Za-z0-9._-]{1,100}$/, 'a repository is written owner/name');

/** A path below the root of a repository, without `.` and `..`. */
const RepositoryPath = z
  .string()
  .regex(
    /^(?!\/)(?!.*(?:^|\/)\.{1,2}(?:\/|$))[^\0]+$/,
    'a path inside the repository, without / at its beginning, and without . or ..',
  );

/** RFC 1123, as object names of Kubernetes are. */
const KubernetesName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/, 'a name as Kubernetes has them: lower case, digits, - and .');

const AwsRegion = z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'a region, such as eu-central-1');

const Bearer = z.strictObject({ bearer: SecretName });

/** How a file or folder in Git is brought back to what it was: by a commit on the branch, or by a pull request. */
const GitRevert = z.strictObject({
  repository: Repository,
  branch: z.string().min(1).default('main'),
  /** The folder or file to bring back. Absent: the application's own path, or where there is none the whole tree. */
  path: RepositoryPath.optional(),
  mode: z.enum(['pull-request', 'commit']).default('pull-request'),
});
export type GitRevert = z.infer<typeof GitRevert>;

/** A CD system with an HTTP API of the form that `docs/deployers.md` describes. */
const HttpDeployer = z.strictObject({
  kind: z.literal('http'),
  /** Absent: the CD system at `CD_URL`, which is the stand-in of the sandbox where there is one. */
  url: HttpUrl.optional(),
  auth: z.union([Bearer, z.strictObject({ webhookSignature: SecretName })]).optional(),
});
export type HttpDeployer = z.infer<typeof HttpDeployer>;

/** An Argo CD application. */
const ArgoCdDeployer = z.strictObject({
  kind: z.literal('argo-cd'),
  /** Absent: `ARGOCD_URL`. */
  url: HttpUrl.optional(),
  /** Absent: the token in `ARGOCD_TOKEN`. */
  auth: Bearer.optional(),
  /** Absent: the service's name. */
  application: KubernetesName.optional(),
  /** Argo CD answers 403 for an unknown application unless its project is named. */
  project: z.string().min(1).optional(),
  /** Where the Application object lives, if not where Argo CD does. */
  appNamespace: KubernetesName.optional(),
  prune: z.boolean().default(false),
  /**
   * Where its manifests are. With automated sync a rollback in the cluster would be undone by the next sync, so what Git
   * manages is brought back in Git. Absent: an application with automated sync is left alone, and a person is asked.
   */
  git: GitRevert.optional(),
  /** With automated sync: bring Git back (default), or switch the automation off and roll back in the cluster. */
  automatedSync: z.enum(['revert', 'suspend']).default('revert'),
});
export type ArgoCdDeployer = z.infer<typeof ArgoCdDeployer>;

/** Deploys by GitHub Actions: runs the last good deployment's workflow again, or reverts. */
const GithubDeployer = z.strictObject({
  kind: z.literal('github'),
  /** Absent: the service's `repository`. */
  repository: Repository.optional(),
  /** The name of the environment at GitHub. Absent: as here. */
  environment: z.string().min(1).optional(),
  auth: Bearer.optional(),
  /** `rerun`: the workflow run that deployed the good version runs once more. `revert`: Git is brought back. */
  via: z.enum(['rerun', 'revert']).default('rerun'),
  /** For `revert`. */
  branch: z.string().min(1).default('main'),
  path: RepositoryPath.optional(),
  mode: z.enum(['pull-request', 'commit']).default('pull-request'),
});
export type GithubDeployer = z.infer<typeof GithubDeployer>;

/** How the API of a Kubernetes cluster is reached. */
const Cluster = {
  /** Of the API server. Absent: `KUBERNETES_URL`. */
  url: HttpUrl.optional(),
  /** Absent: the token in `KUBERNETES_TOKEN`. */
  auth: Bearer.optional(),
  namespace: KubernetesName.default('default'),
};

/** A Deployment of Kubernetes: its pod template goes back to that of an explicit ReplicaSet. */
const KubernetesDeployer = z.strictObject({
  kind: z.literal('kubernetes'),
  ...Cluster,
  /** Absent: the service's name. */
  deployment: KubernetesName.optional(),
  /** The container whose image tag is the version. Absent: the first. */
  container: KubernetesName.optional(),
});
export type KubernetesDeployer = z.infer<typeof KubernetesDeployer>;

/** An Argo Rollouts Rollout: a canary under way is aborted, a finished one goes back to an explicit revision. */
const ArgoRolloutsDeployer = z.strictObject({
  kind: z.literal('argo-rollouts'),
  ...Cluster,
  rollout: KubernetesName.optional(),
  container: KubernetesName.optional(),
});
export type ArgoRolloutsDeployer = z.infer<typeof ArgoRolloutsDeployer>;

/** A canary of Flagger, taken back through its rollback gate while it is under way. */
const FlaggerDeployer = z.strictObject({
  kind: z.literal('flagger'),
  ...Cluster,
  canary: KubernetesName.optional(),
  container: KubernetesName.optional(),
});
export type FlaggerDeployer = z.infer<typeof FlaggerDeployer>;

/** Where an AWS target is; credentials are those of the functions, or of the role that is assumed. */
const Aws = {
  /** Absent: the region that Firebreak runs in. */
  region: AwsRegion.optional(),
  roleArn: z
    .string()
    .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/.+$/, 'the ARN of a role')
    .optional(),
};

/** An alias of a Lambda function: it points at a version. */
const LambdaAliasDeployer = z.strictObject({
  kind: z.literal('lambda-alias'),
  ...Aws,
  function: z.string().min(1),
  alias: z.string().min(1),
});
export type LambdaAliasDeployer = z.infer<typeof LambdaAliasDeployer>;

/** A deployment group of CodeDeploy. */
const CodeDeployDeployer = z.strictObject({
  kind: z.literal('codedeploy'),
  ...Aws,
  application: z.string().min(1),
  deploymentGroup: z.string().min(1),
});
export type CodeDeployDeployer = z.infer<typeof CodeDeployDeployer>;

/** A service of ECS: it goes back to an explicit revision of its task definition. */
const EcsDeployer = z.strictObject({
  kind: z.literal('ecs'),
  ...Aws,
  cluster: z.string().min(1),
  service: z.string().min(1).optional(),
  /** The container whose image tag is the version. Absent: the first that is essential. */
  container: z.string().min(1).optional(),
});
export type EcsDeployer = z.infer<typeof EcsDeployer>;

/** How a service's versions are put live, and taken back. */
export const DeployerConfig = z.discriminatedUnion('kind', [
  HttpDeployer,
  ArgoCdDeployer,
  GithubDeployer,
  KubernetesDeployer,
  ArgoRolloutsDeployer,
  FlaggerDeployer,
  LambdaAliasDeployer,
  CodeDeployDeployer,
  EcsDeployer,
]);
export type DeployerConfig = z.infer<typeof DeployerConfig>;

/** Where a service's feature flags are kept. */
export const FlagsConfig = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('http'),
    /** `{flag}` and `{environment}` are put in, encoded. */
    url: HttpUrl,
    auth: z.union([Bearer, z.strictObject({ webhookSignature: SecretName })]).optional(),
  }),
  z.strictObject({
    kind: z.literal('launchdarkly'),
    project: z.string().min(1).default('default'),
    /** The environment's key at LaunchDarkly. Absent: as here. */
    environment: z.string().min(1).optional(),
    /** Absent: the token in `LAUNCHDARKLY_TOKEN`. */
    auth: Bearer.optional(),
  }),
]);
export type FlagsConfig = z.infer<typeof FlagsConfig>;
