import * as z from 'zod';

/** Name of a secret, as in the environment. Never the secret itself. */
export const SecretName = z.string().regex(/^[A-Z][A-Z0-9_]{0,127}$/, 'must be the name of a secret, such as CD_TOKEN');

export const HttpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });

/** Returns whether a host name, as in `URL.hostname`, is this machine. */
export const isLoopbackHostname = (hostname: string): boolean => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);

/** A bearer token, by the name of its secret. */
export const Bearer = z.strictObject({ bearer: SecretName });

/** A bearer token, or a signature of Standard Webhooks, for systems that implement a contract of Firebreak. */
export const Auth = z.union([Bearer, z.strictObject({ webhookSignature: SecretName })]);

/** RFC 1123, as required for Kubernetes object names. */
export const KubernetesName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/, 'must be a Kubernetes name: lowercase letters, digits, - and .');

/** Access to the API of a Kubernetes cluster. */
export const ClusterAccess = {
  /** URL of the API server. Absent: `KUBERNETES_URL`. */
  url: HttpUrl.optional(),
  /** Absent: the token in `KUBERNETES_TOKEN`. */
  auth: Bearer.optional(),
  namespace: KubernetesName.default('default'),
};

const AwsRegion = z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'must be an AWS region, such as eu-central-1');

/** Location of an AWS target; credentials are those of the functions, or of the assumed role. */
export const Aws = {
  /** Absent: the region in which Firebreak runs. */
  region: AwsRegion.optional(),
  roleArn: z
    .string()
    .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/.+$/, 'must be the ARN of an IAM role')
    .optional(),
};

/** `owner/name`, as GitHub writes it. */
export const Repository = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})\/[A-Za-z0-9._-]{1,100}$/, 'must be a repository in the form owner/name');
