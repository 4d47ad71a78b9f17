import {
  BatchGetDeploymentsCommand,
  type CodeDeployClient,
  type DeploymentInfo,
  ListDeploymentsCommand,
} from '@aws-sdk/client-codedeploy';
import type { AwsCall } from './attempt.ts';

export type Group = { applicationName: string; deploymentGroupName: string };

/** Maximum number of deployments in one `BatchGetDeployments` call. */
const BATCH_SIZE = 25;

/** Maximum batches in one attempt. */
const MAX_BATCHES = 8;

/** Deployments that bring new instances to the group's current revision. They don't change the revision. */
const CATCH_UP_CREATORS = new Set(['autoscaling', 'autoscalingTermination', 'CodeDeployAutoUpdate']);

export type History = {
  /** Returns the most recent deployments, newest first. */
  recent(): Promise<readonly DeploymentInfo[]>;
  /** Returns the newest of the last 200 deployments for which `matches` returns true. Reads each deployment only once. */
  find(matches: (deployment: DeploymentInfo) => boolean): Promise<DeploymentInfo | undefined>;
};

/**
 * Opens the deployments of a group, newest first, and reads them on demand. Sorts each batch, because the API doesn't
 * guarantee an order.
 */
export function openHistory(client: CodeDeployClient, group: Group, call: AwsCall): History {
  const deployments: DeploymentInfo[] = [];
  const source = batches(client, group, call);
  const readBatch = async (): Promise<boolean> => {
    const { done, value } = await source.next();
    if (done !== true) deployments.push(...value);
    return done !== true;
  };
  return {
    async recent() {
      while (deployments.length === 0 && (await readBatch()));
      return deployments;
    },
    async find(matches) {
      for (let index = 0; index < deployments.length || (await readBatch()); index += 1) {
        // A batch can be empty after filtering.
        while (index >= deployments.length && (await readBatch()));
        const deployment = deployments[index];
        if (deployment !== undefined && matches(deployment)) return deployment;
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
  let isListed = false;
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
    if (ids.length < BATCH_SIZE && !isListed) {
      const command = new ListDeploymentsCommand({ ...group, ...(nextToken !== undefined && { nextToken }) });
      const page = await call((options) => client.send(command, options));
      ids.push(...(page.deployments ?? []));
      nextToken = page.nextToken;
      isListed = nextToken === undefined || nextToken === '';
    }
    if (ids.length === 0) return undefined;
    const command = new BatchGetDeploymentsCommand({ deploymentIds: ids.splice(0, BATCH_SIZE) });
    const { deploymentsInfo = [] } = await call((options) => client.send(command, options));
    yield deploymentsInfo
      .filter(({ creator }) => !CATCH_UP_CREATORS.has(creator ?? 'user'))
      .toSorted((a, b) => (b.createTime?.getTime() ?? 0) - (a.createTime?.getTime() ?? 0));
  }
  return undefined;
}
