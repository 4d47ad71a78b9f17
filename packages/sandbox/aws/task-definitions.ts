import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import { AWS_ACCOUNT } from './caller.ts';
import { AwsRefusal } from './refusal.ts';
import { documents } from '../core/exchanges.ts';

export const NewTaskDefinition = z.object({
  family: z.string().regex(/^[\w-]{1,255}$/),
  containerDefinitions: z
    .array(z.looseObject({ name: z.string(), image: z.string(), essential: z.boolean().default(true) }))
    .min(1),
  tags: z.array(z.object({ key: z.string(), value: z.string() })).nullish(),
});
type NewTaskDefinition = z.infer<typeof NewTaskDefinition>;

export type TaskDefinition = {
  family: string;
  revision: number;
  containers: NewTaskDefinition['containerDefinitions'];
  tags: { key: string; value: string }[];
  status: 'ACTIVE' | 'INACTIVE';
  /** Milliseconds since the Unix epoch. */
  registered_at: number;
};

export type TaskDefinitions = ReturnType<typeof openTaskDefinitions>;

export function openTaskDefinitions(db: DatabaseSync) {
  const stored = documents<TaskDefinition>(db, 'ecs task definition');
  const put = (definition: TaskDefinition) => stored.put(definition, definition.family, String(definition.revision));
  const inFamily = (family: string) => stored.all().filter((definition) => definition.family === family);
  return {
    register: ({ family, containerDefinitions: containers, tags }: NewTaskDefinition, now: number): TaskDefinition => {
      const revision = inFamily(family).length + 1;
      return put({ family, revision, containers, tags: tags ?? [], status: 'ACTIVE', registered_at: now });
    },
    deregister: (definition: TaskDefinition) => put({ ...definition, status: 'INACTIVE' }),
    /**
     * @param name an ARN, `family:revision`, or a family for its newest active revision
     * @throws AwsRefusal if there is no such task definition
     */
    find(name: string): TaskDefinition {
      const [family = '', revision] = name.slice(name.lastIndexOf('/') + 1).split(':');
      const found = inFamily(family).findLast((definition) =>
        revision === undefined ? definition.status === 'ACTIVE' : definition.revision === Number(revision),
      );
      if (!found) throw new AwsRefusal('ClientException', 'Unable to describe task definition.');
      return found;
    },
    /** Returns the task definitions of a family, lowest revision first. */
    ofFamily: (family: string, status: string) => inFamily(family).filter((definition) => definition.status === status),
  };
}

export const taskDefinitionArn = (region: string, { family, revision }: { family: string; revision: number }): string =>
  `arn:aws:ecs:${region}:${AWS_ACCOUNT}:task-definition/${family}:${revision}`;

export const taskDefinitionJson = (region: string, definition: TaskDefinition): object => ({
  taskDefinitionArn: taskDefinitionArn(region, definition),
  family: definition.family,
  revision: definition.revision,
  containerDefinitions: definition.containers,
  status: definition.status,
  networkMode: 'awsvpc',
  compatibilities: ['EC2', 'FARGATE'],
  cpu: '256',
  memory: '512',
  volumes: [],
  placementConstraints: [],
  registeredAt: definition.registered_at / 1000,
});
