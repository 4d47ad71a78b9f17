/** Names that must be known before resources exist: a role names the function that it belongs to. */

/** Names of executions contain stage, incident, and run in 64 characters; assembly/environment.ts also refuses a longer stage. */
const STAGE_MAX_CHARS = 20;

/** Runs are started through this alias, so that callers use one name across versions. */
export const WORKFLOW_ALIAS = 'live';

/** @throws if names with this stage would be invalid */
export function checkedStage(stage: string): string {
  if (stage.length <= STAGE_MAX_CHARS) return stage;
  const limit = `the limit is ${STAGE_MAX_CHARS}, because names of executions contain it`;
  throw new Error(`the stage "${stage}" has ${stage.length} characters; ${limit}`);
}

/** Path of the parameters of assembly/secret-groups.ts. */
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
