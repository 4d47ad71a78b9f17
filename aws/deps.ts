import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import type { Tickets } from '../domain/messages/channels.ts';
import { type Attempt } from '../domain/ports/common.ts';
import { type Deps } from '../domain/ports/deps.ts';
import { type Pager } from '../domain/ports/paging.ts';
import { type Clock, type Secrets, SecretsUnreadable } from '../domain/ports/system.ts';
import { alertStates } from '../integrations/shared/alert-states.ts';
import { alertmanagerSilences } from '../integrations/alertmanager/silences.ts';
import { type GithubAccess, githubAccess } from '../integrations/github/access.ts';
import { githubIssues } from '../integrations/github/issues.ts';
import { githubGates } from '../integrations/github/protection.ts';
import { grafanaAnnotations } from '../integrations/grafana/annotations.ts';
import { NoAnswer } from '../integrations/shared/http.ts';
import { identityTokens } from '../integrations/oidc/identity-tokens.ts';
import { externalPagerDuty } from '../integrations/pagerduty/external.ts';
import { pagerDutyChanges } from '../integrations/pagerduty/change-events.ts';
import { pagerDutyOnCall } from '../integrations/pagerduty/on-call.ts';
import { pagerDuty } from '../integrations/pagerduty/pager.ts';
import type { RestOptions } from '../integrations/pagerduty/rest.ts';
import { prometheus } from '../integrations/prometheus/metrics.ts';
import { prometheusQueries } from '../integrations/prometheus/queries.ts';
import { deployerFor, flagsFor } from '../integrations/rollback-targets.ts';
import { runbookCalls } from '../integrations/runbook-http/calls.ts';
import { slackChat } from '../integrations/slack/chat.ts';
import { slackDirectory } from '../integrations/slack/directory.ts';
import { slackEphemeralMessages } from '../integrations/slack/ephemeral.ts';
import { statuspage } from '../integrations/statuspage/status-page.ts';
import { webhookPager } from '../integrations/webhook/fallback-pager.ts';
import { webhookReceivers } from '../integrations/webhook/receivers.ts';
import { webhookTickets } from '../integrations/webhook/ticket.ts';
import { publicUrl, type StandIns, standInsAt } from '../domain/catalogue/vendors.ts';
import { PROJECTION_TARGETS, type ProjectionTarget, type Target } from '../schemas/incidents/projection.ts';
import type { TicketTarget } from '../schemas/alerts/routes.ts';
import { millisOf, timestamp } from '../schemas/time/time.ts';
import { queueUrls } from '../schemas/config/queues.ts';
import { CounterTable } from './table/core/counters.ts';
import { IncidentLog } from './table/incidents/incident-log.ts';
import { BacklogTable } from './table/changes/backlog.ts';
import { sqsQueueStats } from './clients/queue-stats.ts';
import { countedCalls } from './clients/counted-calls.ts';
import { s3Blobs } from './clients/blobs.ts';
import { awsClient, DURABLE_LIMITS, SECRETS_LIMITS, SHARED_LIMITS } from './clients/client.ts';
import { publishedConfig } from './config-source.ts';
import { announced } from './notifying-stores.ts';
import { lambdaDrillRuns, lambdaEngine } from './engine.ts';
import { type Environment, readEnvironment } from './secrets/env.ts';
import { jsonLog } from './log.ts';
import { sqsProjectorQueue } from './clients/projector-queue.ts';
import { sqsPeopleQueue } from './clients/inbound-queue.ts';
import { sqsRedelivery } from './clients/redelivery.ts';
import { sqsSignalQueue } from './clients/queue.ts';
import { connectedName } from './secrets/secret-groups.ts';
import { secretsOf } from './secrets/secrets-of.ts';
import { es256Signer } from './clients/signer.ts';
import { UserCacheTable } from './table/access/user-cache.ts';
import { AuditLogTable } from './table/audit/audit-log.ts';
import { AutomationTable } from './table/access/automation.ts';
import { ChangeTable } from './table/changes/changes.ts';
import { AlertNoticeTable } from './table/messages/alert-notices.ts';
import { IncidentGroupTable } from './table/incidents/incident-groups.ts';
import { DecisionTable } from './table/incidents/decisions.ts';
import { DigestTable } from './table/messages/digests.ts';
import { DrillTable } from './table/incidents/drills.ts';
import { EffectTable } from './table/incidents/effects.ts';
import { FreezeDecisionTable } from './table/freeze/freeze-decisions.ts';
import { FreezeStateTable } from './table/freeze/freeze-state.ts';
import { FreezeTable } from './table/freeze/freezes.ts';
import { GateTable } from './table/freeze/gates.ts';
import { ProcessedEventTable } from './table/messages/processed-events.ts';
import { IdempotencyTable } from './table/core/idempotency.ts';
import { IncidentTable } from './table/incidents/incidents.ts';
import { PagerIncidentTable } from './table/messages/pager-incidents.ts';
import { PinTable } from './table/changes/pins.ts';
import { ProjectionTable } from './table/incidents/projections.ts';
import { RunbookTable } from './table/incidents/runbooks.ts';
import { QuarantineTable } from './table/alerts/quarantine.ts';
import { SloAlertTable } from './table/slo/slo-alerts.ts';
import { SloLeaseTable } from './table/slo/slo-lease.ts';
import { SloDayTable } from './table/slo/slo-days.ts';
import { SloStatusTable } from './table/slo/slo-statuses.ts';
import { Table } from './table/core/table.ts';
import { TokenTable } from './table/access/tokens.ts';
import { WaitingGateTable } from './table/freeze/waiting-gates.ts';

const systemClock: Clock = { now: () => timestamp(Date.now()) };

/** Returns a vendor's address: its setting, or its public address. */
const addressOf =
  ({ secrets }: Pick<Deps, 'secrets'>, url: string) =>
  async (): Promise<string> =>
    (await secrets.get(url)) || publicUrl(url);

let assembled: Deps | undefined;

/**
 * Returns the dependencies of the functions, built from the environment on first use and kept for the life of the
 * process.
 */
export const deps = (): Deps => (assembled ??= assemble(readEnvironment(process.env)));

export function assemble(env: Environment): Deps {
  const clock = systemClock;
  const now = () => millisOf(clock.now());
  const log = jsonLog(clock, env.LOG_LEVEL);
  const table = new Table(awsClient(DynamoDBClient, SHARED_LIMITS), env.FIREBREAK_TABLE);
  const blobs = s3Blobs(
    awsClient(S3Client, SHARED_LIMITS, { forcePathStyle: true }),
    env.FIREBREAK_BUCKET,
    SHARED_LIMITS,
  );
  const secrets = secretsOf(env, { client: awsClient(SSMClient, SECRETS_LIMITS), blobs, log, now });
  const address = (name: string) => () => readAddress(secrets, name);
  const config = publishedConfig(blobs, log, now);
  const sqs = awsClient(SQSClient, SHARED_LIMITS);
  const queues = queueUrls(env);
  const gates = new GateTable(table);
  const counters = new CounterTable(table, log);
  const events = new IncidentLog(table, log);
  const counted: Counted = (vendor, port) => countedCalls(vendor, port, counters);
  const github = githubAccess({ secrets, clock });
  const standIns = standInsAt(env.FIREBREAK_STAND_INS);
  const eventsUrl = addressOf({ secrets }, 'PAGERDUTY_EVENTS_URL');
  const targets = { secrets, clock, config, gates, github, standIns };
  const rest = pagerDutyRest({ secrets, clock });
  const audit = new AuditLogTable(table, blobs, clock, log, secrets);
  const projections = new ProjectionTable(table, clock, sqsProjectorQueue(sqs, queues), log, isOn({ config, secrets }));
  return {
    clock,
    timeScale: env.FIREBREAK_TIME_SCALE,
    log,
    config,
    secrets,
    standIns,
    blobs,
    queue: sqsSignalQueue(sqs, queues, blobs),
    inbound: sqsPeopleQueue(sqs, queues.people),
    redelivery: sqsRedelivery(sqs, Object.values(queues)),
    processedEvents: new ProcessedEventTable(table, clock),
    userCache: new UserCacheTable(table, clock),
    ...engines(env),
    ...announced(
      {
        incidents: new IncidentTable(table, clock, counters, events),
        incidentGroups: new IncidentGroupTable(table, clock, counters, events),
        decisions: new DecisionTable(table, blobs, clock, counters, events),
        effects: new EffectTable(table, clock, counters, events),
        changes: new ChangeTable(table, clock),
        runbooks: new RunbookTable(table, blobs, clock),
      },
      (...subjects) => projections.changed(...subjects),
    ),
    pins: new PinTable(table, clock),
    gates,
    drills: new DrillTable(table, clock),
    digests: new DigestTable(table),
    sloStatuses: new SloStatusTable(table),
    sloMetrics: prometheusQueries(address('PROMETHEUS_URL')),
    sloLease: new SloLeaseTable(table, clock),
    sloAlerts: new SloAlertTable(table, clock),
    sloDays: new SloDayTable(table),
    freezes: new FreezeTable(table, clock, audit),
    freezeState: new FreezeStateTable(table),
    freezeDecisions: new FreezeDecisionTable(table, blobs, audit, log),
    audit,
    signer: es256Signer({ secrets, clock, log }),
    identityTokens: identityTokens({ clock }),
    waitingGates: new WaitingGateTable(table, clock),
    gateKeeper: counted('github', githubGates(github)),
    projections,
    alertNotices: new AlertNoticeTable(table),
    quarantine: new QuarantineTable(table, blobs, clock),
    counters,
    backlog: new BacklogTable(table, clock),
    queueStats: sqsQueueStats(sqs, queues),
    automation: new AutomationTable(table, clock),
    tokens: new TokenTable(table, clock, secrets),
    databaseWarning: env.FIREBREAK_DATABASE_WARNING,
    idempotency: new IdempotencyTable(table, clock),
    pager: counted<Pager>('pagerduty', {
      send: (request) =>
        unlessUnreadable(async () =>
          pagerDuty({
            eventsUrl: await eventsUrl(),
            routingKey: () => secrets.get('PAGERDUTY_ROUTING_KEY'),
            clock,
          }).send(request),
        ),
      ...standInAt(standIns, eventsUrl),
    }),
    fallbackPager: counted<Pager>('fallback-pager', {
      send: (request) => unlessUnreadable(() => webhookPager({ config, secrets, clock }).send(request)),
    }),
    externalPager: counted('pagerduty', externalPagerDuty(rest)),
    pagerIncidents: new PagerIncidentTable(table, clock),
    onCall: counted('pagerduty', pagerDutyOnCall({ config, clock, rest })),
    flagsFor: async (entry, place) => {
      const flags = await flagsFor(entry, { place, ...targets });
      return flags && counted(entry.kind, flags);
    },
    http: counted('runbook-http', runbookCalls({ secrets, clock })),
    deployerFor: async (entry, place) => {
      const deployer = await deployerFor(entry, { place, ...targets });
      return deployer && counted(entry.kind, deployer);
    },
    metrics: prometheus(address('PROMETHEUS_URL')),
    alerts: alertStates({
      alertmanager: address('ALERTMANAGER_URL'),
      prometheus: address('PROMETHEUS_URL'),
    }),
    silences: alertmanagerSilences({ url: address('ALERTMANAGER_URL'), now, log }),
    ...channels({ secrets, clock, github, standIns, counted }),
  };
}

/** Reads a vendor's address. If it cannot be read, the vendor counts as not responding, not as off. @throws NoAnswer */
async function readAddress(secrets: Secrets, name: string): Promise<string | undefined> {
  try {
    return await secrets.get(name);
  } catch (error) {
    throw new NoAnswer(`cannot read the address ${name}: ${String(error)}`, { cause: error });
  }
}

/** Makes an unreadable secret a retryable failure, so that a page is retried and also takes the fallback pager. */
async function unlessUnreadable(send: () => Promise<Attempt>): Promise<Attempt> {
  try {
    return await send();
  } catch (error) {
    if (error instanceof SecretsUnreadable) return { kind: 'later', detail: error.message, afterSeconds: null };
    throw error;
  }
}

/** Counts the calls to a vendor under its name. */
type Counted = <T extends object>(vendor: string, port: T) => T;

/** Creates the client that records the steps of workflows. */
export const durableClient = (): LambdaClient => awsClient(LambdaClient, DURABLE_LIMITS);

/** Creates the engines for incidents and drills, which share one function. */
function engines(env: Environment): Pick<Deps, 'engine' | 'drillRuns'> {
  const client = awsClient(LambdaClient, SHARED_LIMITS);
  const workflow = { functionName: env.FIREBREAK_WORKFLOW_FUNCTION, qualifier: env.FIREBREAK_WORKFLOW_QUALIFIER };
  return {
    engine: lambdaEngine(client, workflow, env.FIREBREAK_STAGE),
    drillRuns: lambdaDrillRuns(client, workflow, env.FIREBREAK_STAGE),
  };
}

/** Returns whether a target is connected and has anything to show. Works without the target's own credentials. */
const isOn =
  ({ config, secrets }: Pick<Deps, 'config' | 'secrets'>) =>
  async (target: Target): Promise<boolean> => {
    const { credentials, isUsed }: ProjectionTarget = PROJECTION_TARGETS[target];
    if (isUsed !== undefined && !isUsed(await config.current())) return false;
    return credentials.length === 0 || Boolean(await secrets.get(connectedName(target)));
  };

/**
 * Tells whether a vendor is a stand-in. Without stand-ins the address is not read, so that a page never waits for it.
 */
const standInAt = (standIns: StandIns, address: () => Promise<string>): { standIn?: () => Promise<boolean> } =>
  standIns.none ? {} : { standIn: async () => standIns.at(await address()) };

type OutletDeps = Pick<Deps, 'secrets' | 'clock' | 'standIns'> & { github: GithubAccess; counted: Counted };

/** Creates the channels that show incidents. Addresses are read at run time, with the credentials. */
function channels({ secrets, clock, github, standIns, counted }: OutletDeps) {
  const slack = {
    apiUrl: addressOf({ secrets }, 'SLACK_API_URL'),
    token: () => secrets.get('SLACK_BOT_TOKEN'),
    clock,
  };
  return {
    chat: counted('slack', { ...slackChat(slack), ...standInAt(standIns, slack.apiUrl) }),
    directory: counted('slack', { ...slackDirectory(slack), ...standInAt(standIns, slack.apiUrl) }),
    ephemeralMessages: counted('slack', slackEphemeralMessages(slack)),
    statusPage: counted(
      'statuspage',
      statuspage({
        apiUrl: addressOf({ secrets }, 'STATUSPAGE_API_URL'),
        apiKey: () => secrets.get('STATUSPAGE_API_KEY'),
        pageId: () => secrets.get('STATUSPAGE_PAGE_ID'),
        clock,
      }),
    ),
    annotations: counted(
      'grafana',
      grafanaAnnotations({
        url: () => secrets.get('GRAFANA_URL'),
        token: () => secrets.get('GRAFANA_TOKEN'),
        clock,
      }),
    ),
    ticketsFor: async (target: TicketTarget) =>
      counted('tickets', await ticketsFor(target, { secrets, clock, github, standIns })),
    receivers: counted('webhooks', webhookReceivers({ secrets, clock })),
    changeEvents: counted(
      'pagerduty',
      pagerDutyChanges({
        eventsUrl: addressOf({ secrets }, 'PAGERDUTY_EVENTS_URL'),
        routingKey: () => secrets.get('PAGERDUTY_ROUTING_KEY'),
        clock,
      }),
    ),
  };
}

/** The access to PagerDuty's REST API. */
const pagerDutyRest = ({ secrets, clock }: Pick<Deps, 'secrets' | 'clock'>): RestOptions => ({
  apiUrl: addressOf({ secrets }, 'PAGERDUTY_API_URL'),
  token: () => secrets.get('PAGERDUTY_API_TOKEN'),
  from: () => secrets.get('PAGERDUTY_FROM'),
  clock,
});

async function ticketsFor(
  target: TicketTarget,
  { secrets, clock, github, standIns }: Omit<OutletDeps, 'counted'>,
): Promise<Tickets> {
  if (target.kind === 'webhook') return webhookTickets({ ...target, secrets, clock });
  const { repository, labels } = target;
  const access = await github.to(repository);
  return { ...githubIssues({ ...access, repository, labels }), standIn: standIns.at(access.apiUrl) };
}
