import { BacklogTable } from '../../../aws/table/changes/backlog.ts';
import { CounterTable } from '../../../aws/table/core/counters.ts';
import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { AuditLogTable } from '../../../aws/table/audit/audit-log.ts';
import { PipelineFigureTable } from '../../../aws/table/delivery/pipeline-figures.ts';
import { PipelineRunTable } from '../../../aws/table/delivery/pipeline-runs.ts';
import { PipelineTestTable } from '../../../aws/table/delivery/pipeline-tests.ts';
import { AutomationTable } from '../../../aws/table/access/automation.ts';
import { AlertNoticeTable } from '../../../aws/table/messages/alert-notices.ts';
import { ChangeTable } from '../../../aws/table/changes/changes.ts';
import { EvidenceTable } from '../../../aws/table/incidents/evidence.ts';
import { IncidentGroupTable } from '../../../aws/table/incidents/incident-groups.ts';
import { DecisionTable } from '../../../aws/table/incidents/decisions.ts';
import { EffectTable } from '../../../aws/table/incidents/effects.ts';
import { IdempotencyTable } from '../../../aws/table/core/idempotency.ts';
import { IncidentTable } from '../../../aws/table/incidents/incidents.ts';
import { PinTable } from '../../../aws/table/changes/pins.ts';
import { RolloutTable } from '../../../aws/table/changes/rollouts.ts';
import { ActionItemIssueTable } from '../../../aws/table/postmortems/action-item-issues.ts';
import { PostmortemTable } from '../../../aws/table/postmortems/postmortems.ts';
import { CodeTable } from '../../../aws/table/delivery/code.ts';
import { ProjectionTable } from '../../../aws/table/incidents/projections.ts';
import { unobserved } from '../../../aws/table/incidents/observers.ts';
import { QuarantineTable } from '../../../aws/table/alerts/quarantine.ts';
import { Table } from '../../../aws/table/core/table.ts';
import { TokenTable } from '../../../aws/table/access/tokens.ts';
import type { Deps } from '../../../domain/ports/deps.ts';
import type { Blobs } from '../../../domain/ports/system.ts';
import { type LocalDynamoDb, startDynamoDb } from '../../../local/aws/dynamodb/start.ts';
import { createTable } from '../../../local/state/resources.ts';
import { SetClock, silent, sealSecrets } from '../../support/fake-deps.ts';

/** The stores that both the table and its in-memory double implement. */
export type Stores = Pick<
  Deps,
  | 'incidents'
  | 'incidentGroups'
  | 'decisions'
  | 'effects'
  | 'changes'
  | 'rollouts'
  | 'code'
  | 'pins'
  | 'automation'
  | 'postmortems'
  | 'actionItemIssues'
  | 'evidencePacks'
> & {
  clock: SetClock;
};

type Output = { Items?: unknown[]; Item?: unknown; Responses?: Record<string, unknown[]> };

/** All stores on a table of a real (emulated) DynamoDB, with blobs in memory. */
export type TableStores = Stores &
  Pick<
    Deps,
    | 'audit'
    | 'counters'
    | 'backlog'
    | 'quarantine'
    | 'tokens'
    | 'idempotency'
    | 'blobs'
    | 'alertNotices'
    | 'projections'
    | 'pipelineRuns'
    | 'pipelineTests'
    | 'pipelineFigures'
  > & {
    table: Table;
    secrets: Record<string, string>;
    client: DynamoDBClient;
    /** Reads since the last call: number of read calls, and of returned items. */
    reads(): { calls: number; items: number };
    /** Projectors that were woken, as `slack in 1 s`. */
    woken: string[];
    close(): Promise<void>;
  };

const accessKeyId = randomUUID();
/** The database for all tables of this process, in memory. It ends with the process. */
let database: Promise<LocalDynamoDb> | undefined;

/** Opens the stores on a new, empty table. */
export async function openTable(): Promise<TableStores> {
  const dynamodb = await (database ??= startDynamoDb({
    file: ':memory:',
    accessKeyId,
    binary: process.env['FIREBREAK_DYNOXIDE_BIN'],
  }));
  const tableName = `firebreak-${randomUUID()}`;
  const client = new DynamoDBClient({
    endpoint: dynamodb.url,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey: 'not checked' },
  });
  await createTable(client, tableName);
  const read = { calls: 0, items: 0 };
  client.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      const { Items, Item, Responses } = answer.output as Output;
      const items = [...(Items ?? []), ...(Item ? [Item] : []), ...Object.values(Responses ?? {}).flat()];
      if (Items ?? Item ?? Responses) read.calls += 1;
      read.items += items.length;
      return answer;
    },
    { step: 'initialize' },
  );
  const table = new Table(client, tableName);
  const clock = new SetClock('2026-11-20T12:00:00.000Z');
  const blobs = blobsInMemory();
  const woken: string[] = [];
  const secrets: Record<string, string> = { FIREBREAK_ADMIN_TOKEN: 'an-admin-token-of-some-length' };
  const wake = async (target: string, afterSeconds: number) => void woken.push(`${target} in ${afterSeconds} s`);
  const counters = new CounterTable(table, silent);
  const observers = { ...unobserved, counters };
  const pipelineFigures = new PipelineFigureTable(table, silent);
  return {
    table,
    client,
    clock,
    blobs,
    woken,
    reads: () => {
      const before = { ...read };
      Object.assign(read, { calls: 0, items: 0 });
      return before;
    },
    incidents: new IncidentTable(table, clock, observers),
    incidentGroups: new IncidentGroupTable(table, clock, observers),
    alertNotices: new AlertNoticeTable(table),
    projections: new ProjectionTable(table, clock, wake, silent),
    decisions: new DecisionTable(table, blobs, clock, observers),
    effects: new EffectTable(table, clock, observers),
    changes: new ChangeTable(table, clock),
    rollouts: new RolloutTable(table, clock),
    code: new CodeTable(table),
    pins: new PinTable(table, clock),
    automation: new AutomationTable(table, clock),
    postmortems: new PostmortemTable(table),
    actionItemIssues: new ActionItemIssueTable(table, clock),
    evidencePacks: new EvidenceTable(table, blobs),
    audit: new AuditLogTable(table, blobs, clock, silent, sealSecrets),
    counters,
    backlog: new BacklogTable(table, clock),
    quarantine: new QuarantineTable(table, blobs, clock),
    tokens: new TokenTable(table, clock, { get: async (name) => secrets[name] }),
    secrets,
    idempotency: new IdempotencyTable(table, clock),
    pipelineRuns: new PipelineRunTable(table, clock, pipelineFigures),
    pipelineTests: new PipelineTestTable(table, clock, pipelineFigures),
    pipelineFigures,
    close: async () => client.destroy(),
  };
}

function blobsInMemory(): Blobs {
  const kept = new Map<string, Uint8Array>();
  return {
    put: async (key, body) => {
      kept.set(key, typeof body === 'string' ? Buffer.from(body) : body);
    },
    putNew: async (key, body) => {
      if (kept.has(key)) return false;
      kept.set(key, typeof body === 'string' ? Buffer.from(body) : body);
      return true;
    },
    get: async (key) => kept.get(key),
  };
}
