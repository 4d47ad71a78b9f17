import {
  BatchGetDeploymentsCommand,
  type CodeDeployClient,
  type DeploymentInfo,
  ListDeploymentsCommand,
} from '@aws-sdk/client-codedeploy';
import type { Ask } from './attempt.ts';

export type Group = { applicationName: string; deploymentGroupName: string };

/** What `BatchGetDeployments` takes. */
const BATCH = 25;

/** Batches in one attempt. */
const MAX_BATCHES = 8;

/** They bring new instances to what the group runs, and say nothing about what it is to run. */
const CATCHING_UP = new Set(['autoscaling', 'autoscalingTermination', 'CodeDeployAutoUpdate']);

export type History = {
  /** Newest first: all that were made lately. */
  recent(): Promise<readonly DeploymentInfo[]>;
  /** The newest that `is` holds for, of the last two hundred. What was read once is not read again. */
  find(is: (deployment: DeploymentInfo) => boolean): Promise<DeploymentInfo | undefined>;
};

/**
 * The deployments of a group, newest first, read as far as they are needed. The API does not promise the order in which
 * it lists them, so each batch is sorted.
 */
export function openHistory(client: CodeDeployClient, group: Group, ask: Ask): History {
  const seen: DeploymentInfo[] = [];
  const source = batches(client, group, ask);
  const more = async (): Promise<boolean> => {
    const { done, value } = await source.next();
    if (done !== true) seen.push(...value);
    return done !== true;
  };
  return {
    async recent() {
      while (seen.length === 0 && (await more()));
      return seen;
    },
    async find(is) {
      for (let i = 0; i < seen.length || (await more()); i += 1) {
        // A batch may hold nothing that counts.
        while (i >= seen.length && (await more()));
        const one = seen[i];
        if (one !== undefined && is(one)) return one;
      }
      return undefined;
    },
  };
}

async function* batches(client: CodeDeployClient, group: Group, ask: Ask): AsyncGenerator<DeploymentInfo[], undefined> {
  const ids: string[] = [];
  let nextToken: string | undefined;
  let listed = false;
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
    if (ids.length < BATCH && !listed) {
      const command = new ListDeploymentsCommand({ ...group, ...(nextToken !== undefined && { nextToken }) });
      const page = await ask((options) => client.send(command, options));
      ids.push(...(page.deployments ?? []));
      nextToken = page.nextToken;
      listed = nextToken === undefined || nextToken === '';
    }
    if (ids.length === 0) return undefined;
    const command = new BatchGetDeploymentsCommand({ deploymentIds: ids.splice(0, BATCH) });
    const { deploymentsInfo = [] } = await ask((options) => client.send(command, options));
    yield deploymentsInfo
      .filter(({ creator }) => !CATCHING_UP.has(creator ?? 'user'))
      .toSorted((a, b) => (b.createTime?.getTime() ?? 0) - (a.createTime?.getTime() ?? 0));
  }
  return undefined;
}
