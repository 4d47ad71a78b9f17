import * as z from 'zod';
import { HttpUrl, SecretName } from './endpoint.ts';

/** `owner/name`, as GitHub writes it. */
export const Repository = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})\/[A-Za-z0-9._-]{1,100}$/, 'must be a repository in the form owner/name');

/** A path below the root of a repository, without `.` and `..`. */
const RepositoryPath = z
  .string()
  .regex(
    /^(?!\/)(?!.*(?:^|\/)\.{1,2}(?:\/|$))[^\0]+$/,
    'must be a path inside the repository, without a leading / and without . or ..',
  );

/** RFC 1123, as required for Kubernetes object names. */
const KubernetesName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/, 'must be a Kubernetes name: lowercase letters, digits, - and .');

const AwsRegion = z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'must be an AWS region, such as eu-central-1');

const Bearer = z.strictObject({ bearer: SecretName });

/** How a file or folder in Git is reverted: by a commit on the branch, or by a pull request. */
const GitRevert = z.strictObject({
  repository: Repository,
  branch: z.string().min(1).default('main'),
  /** The folder or file to revert. Absent: the application's own path, or the whole tree if it has none. */
  path: RepositoryPath.optional(),
  mode: z.enum(['pull-request', 'commit']).default('pull-request'),
});
export type GitRevert = z.infer<typeof GitRevert>;

/** A CD system with the HTTP API that `docs/reference/deployers.md` describes. */
const HttpDeployer = z.strictObject({
  kind: z.literal('http'),
  /** Absent: the CD system at `CD_URL`, in the sandbox its stand-in. */
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
  /** Namespace of the Application object, if it differs from Argo CD's. */
  appNamespace: KubernetesName.optional(),
  prune: z.boolean().default(false),
  /**
   * Where the application's manifests are. With automated sync, the next sync would undo a rollback in the cluster, so
   * the change is reverted in Git. Absent: an application with automated sync is not changed, and a person is asked.
   */
  git: GitRevert.optional(),
  /** With automated sync: revert Git (default), or disable automated sync and roll back in the cluster. */
  automatedSync: z.enum(['revert', 'suspend']).default('revert'),
});
export type ArgoCdDeployer = z.infer<typeof ArgoCdDeployer>;

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

/** Access to the API of a Kubernetes cluster. */
const Cluster = {
  /** URL of the API server. Absent: `KUBERNETES_URL`. */
  url: HttpUrl.optional(),
  /** Absent: the token in `KUBERNETES_TOKEN`. */
  auth: Bearer.optional(),
  namespace: KubernetesName.default('default'),
};

/** A Kubernetes Deployment: its pod template is restored from a specific ReplicaSet. */
const KubernetesDeployer = z.strictObject({
  kind: z.literal('kubernetes'),
  ...Cluster,
  /** Absent: the service's name. */
  deployment: KubernetesName.optional(),
  /** The container whose image tag is the version. Absent: the first container. */
  container: KubernetesName.optional(),
});
export type KubernetesDeployer = z.infer<typeof KubernetesDeployer>;

/** An Argo Rollouts Rollout: a running canary is aborted, a finished one returns to a specific revision. */
const ArgoRolloutsDeployer = z.strictObject({
  kind: z.literal('argo-rollouts'),
  ...Cluster,
  rollout: KubernetesName.optional(),
  container: KubernetesName.optional(),
});
export type ArgoRolloutsDeployer = z.infer<typeof ArgoRolloutsDeployer>;

/** A Flagger canary, rolled back through its rollback gate while it runs. */
const FlaggerDeployer = z.strictObject({
  kind: z.literal('flagger'),
  ...Cluster,
  canary: KubernetesName.optional(),
  container: KubernetesName.optional(),
});
export type FlaggerDeployer = z.infer<typeof FlaggerDeployer>;

/** Location of an AWS target; credentials are those of the functions, or of the assumed role. */
const Aws = {
  /** Absent: the region in which Firebreak runs. */
  region: AwsRegion.optional(),
  roleArn: z
    .string()
    .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/.+$/, 'must be the ARN of an IAM role')
    .optional(),
};

/** A Lambda function's alias, which points to a version. */
const LambdaAliasDeployer = z.strictObject({
  kind: z.literal('lambda-alias'),
  ...Aws,
  function: z.string().min(1),
  alias: z.string().min(1),
});
export type LambdaAliasDeployer = z.infer<typeof LambdaAliasDeployer>;

/** A CodeDeploy deployment group. */
const CodeDeployDeployer = z.strictObject({
  kind: z.literal('codedeploy'),
  ...Aws,
  application: z.string().min(1),
  deploymentGroup: z.string().min(1),
});
export type CodeDeployDeployer = z.infer<typeof CodeDeployDeployer>;

/** An ECS service: it returns to a specific revision of its task definition. */
const EcsDeployer = z.strictObject({
  kind: z.literal('ecs'),
  ...Aws,
  cluster: z.string().min(1),
  service: z.string().min(1).optional(),
  /** The container whose image tag is the version. Absent: the first essential container. */
  container: z.string().min(1).optional(),
});
export type EcsDeployer = z.infer<typeof EcsDeployer>;

/** How versions of a service are deployed and rolled back. */
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

/** Where a service's feature flags are managed. */
export const FlagsConfig = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('http'),
    /** `{flag}` and `{environment}` are replaced by encoded values. */
    url: HttpUrl,
    auth: z.union([Bearer, z.strictObject({ webhookSignature: SecretName })]).optional(),
  }),
  z.strictObject({
    kind: z.literal('launchdarkly'),
    project: z.string().min(1).default('default'),
    /** The environment's key at LaunchDarkly. Absent: the same name as here. */
    environment: z.string().min(1).optional(),
    /** Absent: the token in `LAUNCHDARKLY_TOKEN`. */
    auth: Bearer.optional(),
  }),
]);
export type FlagsConfig = z.infer<typeof FlagsConfig>;
