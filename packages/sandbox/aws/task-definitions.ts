import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import { AWS_ACCOUNT } from './caller.ts';
import { AwsRefusal } from './refusal.ts';

export const taskDefinitionTables = `
  create table if not exists aws_task_definitions (
    family text not null,
    revision integer not null,
    containers text not null,
    tags text not null,
    status text not null,
    registered_at integer not null,
    primary key (family, revision)
  );
`;

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

type Row = Omit<TaskDefinition, 'containers' | 'tags'> & { containers: string; tags: string };

export type TaskDefinitions = {
  register(definition: NewTaskDefinition, now: number): TaskDefinition;
  deregister(definition: TaskDefinition): void;
  /**
   * @param name an ARN, `family:revision`, or a family for its newest active revision
   * @throws AwsRefusal if there is no such task definition
   */
  find(name: string): TaskDefinition;
  /** Returns the task definitions of a family, lowest revision first. */
  ofFamily(family: string, status: string): TaskDefinition[];
};

export function openTaskDefinitions(db: DatabaseSync): TaskDefinitions {
  const insert = db.prepare(`
    insert into aws_task_definitions (family, revision, containers, tags, status, registered_at)
    values (?1, (select coalesce(max(revision), 0) + 1 from aws_task_definitions where family = ?1), ?2, ?3, 'ACTIVE', ?4)
    returning *`);
  const deregister = db.prepare(`
    update aws_task_definitions set status = 'INACTIVE' where family = ? and revision = ?`);
  const byRevision = db.prepare('select * from aws_task_definitions where family = ? and revision = ?');
  const newest = db.prepare(`
    select * from aws_task_definitions where family = ? and status = 'ACTIVE' order by revision desc limit 1`);
  const ofFamily = db.prepare('select * from aws_task_definitions where family = ? and status = ? order by revision');

  return {
    register: ({ family, containerDefinitions, tags }, now) =>
      definitionOf(insert.get(family, JSON.stringify(containerDefinitions), JSON.stringify(tags ?? []), now) as Row),
    deregister: ({ family, revision }) => void deregister.run(family, revision),
    find(name) {
      const [family = '', revision] = name.slice(name.lastIndexOf('/') + 1).split(':');
      const row = (revision === undefined ? newest.get(family) : byRevision.get(family, Number(revision))) as
        | Row
        | undefined;
      if (!row) throw new AwsRefusal('ClientException', 'Unable to describe task definition.');
      return definitionOf(row);
    },
    ofFamily: (family, status) => (ofFamily.all(family, status) as Row[]).map(definitionOf),
  };
}

const definitionOf = (row: Row): TaskDefinition => ({
  ...row,
  containers: JSON.parse(row.containers) as TaskDefinition['containers'],
  tags: JSON.parse(row.tags) as TaskDefinition['tags'],
});

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
