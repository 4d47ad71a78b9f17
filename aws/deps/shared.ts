import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { publicUrl, type StandIns, standInsAt } from '../../domain/catalogue/vendors.ts';
import type { Deps, SystemDeps } from '../../domain/ports/deps.ts';
import type { Clock } from '../../domain/ports/system.ts';
import { type GithubAccess, githubAccess } from '../../integrations/github/access.ts';
import { type QueueName, queueUrls } from '../../schemas/config/queues.ts';
import {
  PROJECTION_TARGETS,
  type ProjectionTarget,
  type ProjectionTargetName,
} from '../../schemas/incidents/projection.ts';
import { millisOf, timestamp } from '../../schemas/time/time.ts';
import { s3Blobs } from '../clients/blobs.ts';
import { awsClient, SECRETS_LIMITS, SHARED_LIMITS } from '../clients/client.ts';
import { countedCalls } from '../clients/counted-calls.ts';
import { sqsProjectorQueue } from '../clients/projector-queue.ts';
import { publishedConfig } from '../config-source.ts';
import { jsonLog } from '../log.ts';
import type { Environment } from '../secrets/env.ts';
import { approvalLinks } from '../secrets/approval-links.ts';
import { connectedName } from '../secrets/secret-groups.ts';
import { secretsOf } from '../secrets/secrets-of.ts';
import { AutomationTable } from '../table/access/automation.ts';
import { SessionTable } from '../table/access/sessions.ts';
import { TokenTable } from '../table/access/tokens.ts';
import { CounterTable } from '../table/core/counters.ts';
import { IdempotencyTable } from '../table/core/idempotency.ts';
import { Table } from '../table/core/table.ts';
import { RollbackGateTable } from '../table/rollback/rollback-gates.ts';
import { ProjectionTable } from '../table/incidents/projections.ts';

/** What several groups of dependencies are built from. */
export type Shared = {
  system: SystemDeps;
  table: Table;
  sqs: SQSClient;
  s3: S3Client;
  queues: Record<QueueName, string>;
  rollbackGates: RollbackGateTable;
  projections: ProjectionTable;
  github: GithubAccess;
  /** Counts the calls to a vendor under its name. */
  counted: <T extends object>(vendor: string, port: T) => T;
};

export function sharedDeps(env: Environment): Shared {
  const table = new Table(awsClient(DynamoDBClient, SHARED_LIMITS), env.FIREBREAK_TABLE);
  const sqs = awsClient(SQSClient, SHARED_LIMITS);
  const queues = queueUrls(env);
  const s3 = awsClient(S3Client, SHARED_LIMITS, { forcePathStyle: true });
  const system = systemDeps(env, table, s3);
  const { clock, config, counters, log, secrets } = system;
  return {
    system,
    table,
    sqs,
    s3,
    queues,
    rollbackGates: new RollbackGateTable(table),
    projections: new ProjectionTable(table, clock, sqsProjectorQueue(sqs, queues), log, isOn({ config, secrets })),
    github: githubAccess({ secrets, clock }),
    counted: (vendor, port) => countedCalls(vendor, port, counters),
  };
}

const clock: Clock = { now: () => timestamp(Date.now()) };

function systemDeps(env: Environment, table: Table, s3: S3Client): SystemDeps {
  const now = () => millisOf(clock.now());
  const log = jsonLog(clock, env.LOG_LEVEL);
  const blobs = s3Blobs(s3, env.FIREBREAK_BUCKET, SHARED_LIMITS);
  const secrets = secretsOf(env, { client: awsClient(SSMClient, SECRETS_LIMITS), blobs, log, now });
  return {
    clock,
    timeScale: env.FIREBREAK_TIME_SCALE,
    log,
    config: publishedConfig(blobs, log, now),
    secrets,
    standIns: standInsAt(env.FIREBREAK_STAND_INS),
    blobs,
    counters: new CounterTable(table, log),
    idempotency: new IdempotencyTable(table, clock),
    databaseWarning: env.FIREBREAK_DATABASE_WARNING,
    automation: new AutomationTable(table, clock),
    tokens: new TokenTable(table, clock, secrets),
    sessions: new SessionTable(table, clock, secrets),
    approvalLinks: approvalLinks(secrets),
    publicUrl: env.FIREBREAK_PUBLIC_URL?.replace(/\/+$/, ''),
  };
}

/** Returns whether a target is connected and has anything to show. Works without the target's own credentials. */
const isOn =
  ({ config, secrets }: Pick<Deps, 'config' | 'secrets'>) =>
  async (target: ProjectionTargetName): Promise<boolean> => {
    const { credentials, isUsed }: ProjectionTarget = PROJECTION_TARGETS[target];
    if (isUsed !== undefined && !isUsed(await config.current())) return false;
    return credentials.length === 0 || Boolean(await secrets.get(connectedName(target)));
  };

/** Returns a vendor's address: its setting, or its public address. */
export const addressOf =
  ({ secrets }: Pick<Deps, 'secrets'>, url: string) =>
  async (): Promise<string> =>
    (await secrets.get(url)) || publicUrl(url);

/**
 * Tells whether a vendor is a stand-in. Without stand-ins the address is not read, so that a page never waits for it.
 */
export const standInAt = (standIns: StandIns, address: () => Promise<string>): { standIn?: () => Promise<boolean> } =>
  standIns.none ? {} : { standIn: async () => standIns.at(await address()) };
