import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import { documents } from '../core/exchanges.ts';

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
  auto_rollback: boolean;
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
  isFailing: boolean;
  rollback_of: number | null;
  rolled_back_by: number | null;
};

type NewDeployment = Pick<Deployment, 'revision' | 'description' | 'creator'> &
  Partial<Pick<Deployment, 'file_exists' | 'rollback_of'>>;
type Times = { now: number; rolloutMs: number };

export const deploymentId = (seq: number): string => `d-${seq.toString(36).toUpperCase().padStart(9, '0')}`;

/** Returns the number in a deployment ID, or undefined if the text is not a deployment ID. */
export const deploymentSeq = (id: string): number | undefined =>
  /^d-[0-9A-Z]{9}$/.test(id) ? Number.parseInt(id.slice(2), 36) : undefined;

const FAILED_ERROR = 'HEALTH_CONSTRAINTS: The overall deployment failed because too many individual instances failed.';

export type Deployments = ReturnType<typeof openDeployments>;

export function openDeployments(db: DatabaseSync) {
  const groups = documents<DeploymentGroup>(db, 'codedeploy group');
  const stored = documents<Deployment>(db, 'codedeploy deployment');
  const put = (deployment: Deployment) => stored.put(deployment, String(deployment.seq));
  /** Returns the deployments of a group, newest first. */
  const inGroup = ({ application, name }: DeploymentGroup): Deployment[] =>
    stored
      .all()
      .filter((one) => one.application === application && one.grp === name)
      .toReversed();

  const begin = ({ application, name: grp }: DeploymentGroup, given: NewDeployment, at: Times): Deployment =>
    put({
      file_exists: null,
      rollback_of: null,
      rolled_back_by: null,
      error: null,
      isFailing: false,
      ...given,
      seq: stored.count() + 1,
      application,
      grp,
      status: 'InProgress',
      created_at: at.now,
      ends_at: at.now + at.rolloutMs,
    });
  /** Deploys the last successful revision again, if there is one. */
  const rollBack = (deployment: Deployment, at: Times): Deployment | undefined => {
    const group = groups.get(deployment.application, deployment.grp);
    const last = group && inGroup(group).find(({ status }) => status === 'Succeeded');
    if (!last) return undefined;
    const { revision } = last;
    const by = { creator: 'codeDeployRollback', rollback_of: deployment.seq } as const;
    const rollback = begin(group, { revision, description: null, ...by }, at);
    put({ ...(stored.get(String(deployment.seq)) ?? deployment), rolled_back_by: rollback.seq });
    return rollback;
  };

  return {
    groups: () => groups.all(),
    group: (application: string, name: string) => groups.get(application, name),
    putGroup: (group: DeploymentGroup) => groups.put(group, group.application, group.name),
    inGroup,
    bySeq: (seq: number) => stored.get(String(seq)),
    begin,
    rollBack,
    /** Makes the deployment in progress fail. */
    fail(group: DeploymentGroup): void {
      for (const one of inGroup(group)) if (one.status === 'InProgress') put({ ...one, isFailing: true });
    },
    end: (deployment: Deployment, status: 'Failed' | 'Stopped', error: string, now: number) =>
      put({ ...deployment, status, error, ends_at: now }),
    /** Completes the deployments that are due, since no timers run. Call it before every other function. */
    settle(at: Times): void {
      const next = () => stored.all().find(({ status, ends_at: due }) => status === 'InProgress' && due <= at.now);
      for (let due = next(); due; due = next()) {
        const { isFailing } = due;
        put({ ...due, status: isFailing ? 'Failed' : 'Succeeded', error: isFailing ? FAILED_ERROR : null });
        const isRolledBack = groups.get(due.application, due.grp)?.auto_rollback === true;
        if (isFailing && isRolledBack && due.creator !== 'codeDeployRollback') rollBack(due, at);
      }
    },
  };
}
