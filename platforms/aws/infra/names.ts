/** Names that must be known before resources exist: a role names the function that it belongs to. */

/** Runs are started through this alias, so that callers use one name across versions. */
export const WORKFLOW_ALIAS = 'live';

/** Returns a function's name in its stage, such as `firebreak-production-route`. */
export const functionName = (stage: string, name: string): string => `firebreak-${stage}-${name}`;

/** Path of the parameters that hold secrets. */
export const secretsPath = (stage: string): string => `/firebreak/${stage}`;

/** Returns parts of ARNs for the current deployment. */
export function deploymentArns() {
  const { partition } = aws.getPartitionOutput();
  const { region } = aws.getRegionOutput();
  const { accountId } = aws.getCallerIdentityOutput();
  return {
    function: (name: string) => $interpolate`arn:${partition}:lambda:${region}:${accountId}:function:${name}`,
    parameter: (path: string) => $interpolate`arn:${partition}:ssm:${region}:${accountId}:parameter${path}`,
    managedPolicy: (name: string) => $interpolate`arn:${partition}:iam::aws:policy/${name}`,
  };
}
