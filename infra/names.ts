/** Names that are known before anything is made: a role names the function that it belongs to. */

/** Names of executions are stage, incident and run, in 64 characters; aws/env.ts refuses a longer one, too. */
const STAGE_MAX_CHARS = 20;

/** Runs are started through this alias, so that callers keep one name while versions come and go below it. */
export const WORKFLOW_ALIAS = 'live';

/** @throws when names made of it would not be legal */
export function checkedStage(stage: string): string {
  if (stage.length <= STAGE_MAX_CHARS) return stage;
  const limit = `at most ${STAGE_MAX_CHARS}, since executions are named after it`;
  throw new Error(`the stage "${stage}" has ${stage.length} characters; ${limit}`);
}

/** As on one machine: `firebreak-local-route` there, `firebreak-production-route` here. */
export const functionName = (stage: string, name: string): string => `firebreak-${stage}-${name}`;

/** Below this path are the parameters of aws/secret-groups.ts. */
export const secretsPath = (stage: string): string => `/firebreak/${stage}`;

/** Where this is deployed, as ARNs spell it. */
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
