import type { FunctionResources } from '../../../schemas/config/function-resources.ts';
import { byQueue } from '../../../schemas/config/queues.ts';

/** Returns what a deployment hands over to a function, as text. */
export const resourcesText = ({
  grants = ['access', 'slack'],
  key = Buffer.alloc(32).toString('base64'),
  path = '/firebreak/test',
  ...more
}: Partial<Omit<FunctionResources, 'secrets'> & FunctionResources['secrets']> = {}): string =>
  JSON.stringify({
    stage: 'test',
    table: 'firebreak-test',
    bucket: 'firebreak-test',
    snapshotBucket: 'firebreak-test',
    queues: byQueue((name) => `https://sqs.eu-central-1.amazonaws.com/000000000000/${name}`),
    workflow: { functionName: 'firebreak-test-incident-response', qualifier: 'live' },
    ...more,
    secrets: { path, grants, key },
  } satisfies FunctionResources);
