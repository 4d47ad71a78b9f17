import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';

export const deploymentTables = `
  create table if not exists aws_groups (
    application text not null,
    name text not null,
    platform text not null,
    auto_rollback integer not null,
    primary key (application, name)
  );
  create table if not exists aws_deployments (
    seq integer primary key autoincrement,
    application text not null,
    grp text not null,
    revision text not null,
    description text,
    creator text not null,
    file_exists text,
    status text not null,
    error text,
    created_at integer not null,
    ends_at integer not null,
    failing integer not null default 0,
    rollback_of integer,
    rolled_back_by integer
  );
`;

/** A revision in the format of the API. */
export const Revision = z.discriminatedUnion('revisionType', [
  z.object({
    revisionType: z.literal('S3'),
    s3Location: z.object({
      bucket: z.string(),
      key: z.string(),
      bundleType: z.string().default('zip'),
      version: z.string().optional(),
      eTag: z.string().optional(),
    }),
  }),
  z.object({
    revisionType: z.literal('GitHub'),
    gitHubLocation: z.object({ repository: z.string(), commitId: z.string() }),
  }),
  z.object({
    revisionType: z.literal('AppSpecContent'),
    appSpecContent: z.object({ content: z.string(), sha256: z.string().optional() }),
  }),
]);
export type Revision = z.infer<typeof Revision>;

export type DeploymentGroup = {
  application: string;
  name: string;
  platform: 'Server' | 'Lambda' | 'ECS';
  /** Whether a failed deployment is rolled back automatically. */
  auto_rollback: 0 | 1;
};

/** A deployment. Times are in milliseconds since the Unix epoch. */
export type Deployment = {
  seq: number;
  application: string;
  grp: string;
  revision: Revision;
  description: string | null;
  creator: 'user' | 'codeDeployRollback' | 'autoscaling';
  file_exists: string | null;
  status: 'InProgress' | 'Succeeded' | 'Failed' | 'Stopped';
  error: string | null;
  created_at: number;
  ends_at: number;
  failing: 0 | 1;
  rollback_of: number | null;
  rolled_back_by: number | null;
};

type NewDeployment = Pick<Deployment, 'revision' | 'description' | 'creator'> &
  Partial<Pick<Deployment, 'file_exists' | 'rollback_of'>>;
type Row = Omit<Deployment, 'revision'> & { revision: string };

export const deploymentId = (seq: number): string => `d-${seq.toString(36).toUpperCase().padStart(9, '0')}`;

/** Returns the number in a deployment ID, or undefined if the text is not a deployment ID. */
export const deploymentSeq = (id: string): number | undefined =>
  /^d-[0-9A-Z]{9}$/.test(id) ? Number.parseInt(id.slice(2), 36) : undefined;

export type Deployments = {
  groups(): DeploymentGroup[];
  group(application: string, name: string): DeploymentGroup | undefined;
  putGroup(group: DeploymentGroup): void;
  /** Returns the deployments of a group, newest first. */
  inGroup(group: DeploymentGroup): Deployment[];
  bySeq(seq: number): Deployment | undefined;
  begin(group: DeploymentGroup, deployment: NewDeployment, at: { now: number; rolloutMs: number }): Deployment;
  /** Makes the deployment in progress fail. */
  fail(group: DeploymentGroup): void;
  end(deployment: Deployment, how: 'Failed' | 'Stopped', error: string, now: number): void;
  /** Deploys the last successful revision again, if there is one. */
  rollBack(deployment: Deployment, at: { now: number; rolloutMs: number }): Deployment | undefined;
  /** Completes the deployments that are due, since no timers run. Call it before every other function. */
  settle(at: { now: number; rolloutMs: number }): void;
};

export function openDeployments(db: DatabaseSync): Deployments {
  const groups = db.prepare('select * from aws_groups order by application, name');
  const group = db.prepare('select * from aws_groups where application = ? and name = ?');
  const putGroup = db.prepare(`
    insert or replace into aws_groups (application, name, platform, auto_rollback)
    values (:application, :name, :platform, :auto_rollback)`);
  const inGroup = db.prepare('select * from aws_deployments where application = ? and grp = ? order by seq desc');
  const bySeq = db.prepare('select * from aws_deployments where seq = ?');
  const begin = db.prepare(`
    insert into aws_deployments
      (application, grp, revision, description, creator, file_exists, status, created_at, ends_at, rollback_of)
    values (:application, :grp, :revision, :description, :creator, :file_exists, 'InProgress', :created_at, :ends_at,
      :rollback_of) returning *`);
  const fail = db.prepare(`
    update aws_deployments set failing = 1 where application = ? and grp = ? and status = 'InProgress'`);
  const end = db.prepare('update aws_deployments set status = ?, error = ?, ends_at = ? where seq = ?');
  const rolledBack = db.prepare('update aws_deployments set rolled_back_by = ? where seq = ?');
  const due = db.prepare(`
    select * from aws_deployments where status = 'InProgress' and ends_at <= ? order by ends_at, seq limit 1`);

  const deployments: Deployments = {
    groups: () => groups.all() as DeploymentGroup[],
    group: (application, name) => group.get(application, name) as DeploymentGroup | undefined,
    putGroup: (changed) => void putGroup.run(changed),
    inGroup: ({ application, name }) => (inGroup.all(application, name) as Row[]).map(deploymentOf),
    bySeq(seq) {
      const row = bySeq.get(seq) as Row | undefined;
      return row && deploymentOf(row);
    },
    begin: ({ application, name }, { revision, description, creator, file_exists, rollback_of }, { now, rolloutMs }) =>
      deploymentOf(
        begin.get({
          application,
          grp: name,
          revision: JSON.stringify(revision),
          description,
          creator,
          file_exists: file_exists ?? null,
          created_at: now,
          ends_at: now + rolloutMs,
          rollback_of: rollback_of ?? null,
        }) as Row,
      ),
    fail: ({ application, name }) => void fail.run(application, name),
    end: ({ seq }, how, error, now) => void end.run(how, error, now, seq),
    rollBack(deployment, at) {
      const ownGroup = deployments.group(deployment.application, deployment.grp);
      const lastSuccessful = ownGroup && deployments.inGroup(ownGroup).find(({ status }) => status === 'Succeeded');
      if (!lastSuccessful) return undefined;
      const { revision } = lastSuccessful;
      const newDeployment = {
        revision,
        description: null,
        creator: 'codeDeployRollback',
        rollback_of: deployment.seq,
      } as const;
      const rollback = deployments.begin(ownGroup, newDeployment, at);
      rolledBack.run(rollback.seq, deployment.seq);
      return rollback;
    },
    settle(at) {
      for (let row = due.get(at.now) as Row | undefined; row; row = due.get(at.now) as Row | undefined) {
        end.run(
          row.failing === 1 ? 'Failed' : 'Succeeded',
          row.failing === 1 ? FAILED_ERROR : null,
          row.ends_at,
          row.seq,
        );
        const ownGroup = deployments.group(row.application, row.grp);
        if (row.failing === 1 && ownGroup?.auto_rollback === 1 && row.creator !== 'codeDeployRollback')
          deployments.rollBack(deploymentOf(row), at);
      }
    },
  };
  return deployments;
}

const FAILED_ERROR = 'HEALTH_CONSTRAINTS: The overall deployment failed because too many individual instances failed.';

const deploymentOf = (row: Row): Deployment => ({ ...row, revision: Revision.parse(JSON.parse(row.revision)) });
