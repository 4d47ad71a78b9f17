import {
  BatchGetDeploymentsCommand,
  type CodeDeployClient,
  type DeploymentInfo,
  ListDeploymentsCommand,
} from '@aws-sdk/client-codedeploy';
import type { AwsCall } from './attempt.ts';

export type Group = { applicationName: string; deploymentGroupName: string };

/** Maximum number of deployments in one `BatchGetDeployments` call. */
const BATCH = 25;

/** Maximum batches in one attempt. */
const MAX_BATCHES = 8;

/** Deployments that bring new instances to the group's current revision. They don't change the revision. */
const CATCHING_UP = new Set(['autoscaling', 'autoscalingTermination', 'CodeDeployAutoUpdate']);

export type History = {
  /** Returns the most recent deployments, newest first. */
  recent(): Promise<readonly DeploymentInfo[]>;
  /** Returns the newest of the last 200 deployments for which `is` returns true. Reads each deployment only once. */
  find(is: (deployment: DeploymentInfo) => boolean): Promise<DeploymentInfo | undefined>;
};

/**
 * Opens the deployments of a group, newest first, and reads them on demand. Sorts each batch, because the API doesn't
 * guarantee an order.
 */
export function openHistory(client: CodeDeployClient, group: Group, call: AwsCall): History {
  const deployments: DeploymentInfo[] = [];
  const source = batches(client, group, call);
  const more = async (): Promise<boolean> => {
    const { done, value } = await source.next();
    if (done !== true) deployments.push(...value);
    return done !== true;
  };
  return {
    async recent() {
      while (deployments.length === 0 && (await more()));
      return deployments;
    },
    async find(is) {
      for (let i = 0; i < deployments.length || (await more()); i += 1) {
        // A batch can be empty after filtering.
        while (i >= deployments.length && (await more()));
        const one = deployments[i];
        if (one !== undefined && is(one)) return one;
      }
      return undefined;
    },
  };
}

async function* batches(
  client: CodeDeployClient,
  group: Group,
  call: AwsCall,
): AsyncGenerator<DeploymentInfo[], undefined> {
  const ids: string[] = [];
  let nextToken: string | undefined;
  let listed = false;
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
    if (ids.length < BATCH && !listed) {
      const command = new ListDeploymentsCommand({ ...group, ...(nextToken !== undefined && { nextToken }) });
      const page = await call((options) => client.send(command, options));
      ids.push(...(page.deployments ?? []));
      nextToken = page.nextToken;
      listed = nextToken === undefined || nextToken === '';
    }
    if (ids.length === 0) return undefined;
    const command = new BatchGetDeploymentsCommand({ deploymentIds: ids.splice(0, BATCH) });
    const { deploymentsInfo = [] } = await call((options) => client.send(command, options));
    yield deploymentsInfo
      .filter(({ creator }) => !CATCHING_UP.has(creator ?? 'user'))
      .toSorted((a, b) => (b.createTime?.getTime() ?? 0) - (a.createTime?.getTime() ?? 0));
  }
  return undefined;
}
