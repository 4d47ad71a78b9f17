import type { Tickets } from '../../domain/messages/channels.ts';
import type { MessageDeps } from '../../domain/ports/deps.ts';
import type { PostmortemFiles } from '../../features/postmortems/decisions/files.ts';
import type { IssueTracker } from '../../features/postmortems/decisions/issues.ts';
import { chatCompletions } from '../../features/postmortems/vendors/chat-completions.ts';
import { githubTracker } from '../../features/postmortems/vendors/github/action-item-issues.ts';
import { githubFiles } from '../../features/postmortems/vendors/github/files.ts';
import { githubIssues } from '../../integrations/github/issues.ts';
import { grafanaAnnotations } from '../../integrations/grafana/annotations.ts';
import { jiraTracker } from '../../features/postmortems/vendors/jira/action-item-issues.ts';
import { checkJira, type JiraOptions } from '../../features/postmortems/vendors/jira/rest.ts';
import { openTelemetrySpans } from '../../integrations/opentelemetry/spans.ts';
import { pagerDutyChanges } from '../../integrations/pagerduty/change-events.ts';
import { slackChat } from '../../integrations/slack/chat.ts';
import { slackDirectory } from '../../integrations/slack/users/directory.ts';
import { slackEphemeralMessages } from '../../integrations/slack/ephemeral.ts';
import { statuspage } from '../../integrations/statuspage/status-page.ts';
import { webhookReceivers } from '../../integrations/webhook/receivers.ts';
import { webhookTickets } from '../../integrations/webhook/ticket.ts';
import type { TicketTarget } from '../../schemas/alerts/routes.ts';
import type { PostmortemFileConfig } from '../../features/postmortems/schemas/publishing.ts';
import type { TrackerConfig } from '../../features/postmortems/schemas/trackers.ts';
import { UserCacheTable } from '../../stores/access/user-cache.ts';
import { DigestTable } from '../../stores/messages/digests.ts';
import { ProcessedEventTable } from '../../stores/messages/processed-events.ts';
import { addressOf, type Shared, standInAt } from './shared.ts';

/** Creates the channels that show incidents. Addresses are read at run time, with the credentials. */
export function messageDeps(shared: Shared): MessageDeps {
  const { system, table, counted } = shared;
  const { clock, secrets, standIns } = system;
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
    ticketsFor: async (target: TicketTarget) => counted('tickets', await ticketsFor(target, shared)),
    trackerFor: async (config) => counted('trackers', await trackerFor(config, shared)),
    postmortemFilesFor: async (config) => counted('trackers', await postmortemFilesFor(config, shared)),
    languageModel: counted(
      'prose',
      chatCompletions({
        url: () => secrets.get('PROSE_API_URL'),
        key: () => secrets.get('PROSE_API_KEY'),
        model: () => secrets.get('PROSE_MODEL'),
        clock,
      }),
    ),
    checkJira: () => checkJira(jiraOptions(shared)),
    receivers: counted('webhooks', webhookReceivers({ secrets, clock })),
    changeEvents: counted(
      'pagerduty',
      pagerDutyChanges({
        eventsUrl: addressOf({ secrets }, 'PAGERDUTY_EVENTS_URL'),
        routingKey: () => secrets.get('PAGERDUTY_ROUTING_KEY'),
        clock,
      }),
    ),
    spans: counted(
      'opentelemetry',
      openTelemetrySpans({
        endpoint: () => secrets.get('OTEL_EXPORTER_OTLP_ENDPOINT'),
        headers: () => secrets.get('OTEL_EXPORTER_OTLP_HEADERS'),
        clock,
      }),
    ),
    userCache: new UserCacheTable(table, clock),
    processedEvents: new ProcessedEventTable(table, clock),
    digests: new DigestTable(table),
  };
}

async function ticketsFor(
  target: TicketTarget,
  { system: { secrets, clock, standIns }, github }: Shared,
): Promise<Tickets> {
  if (target.kind === 'webhook') return webhookTickets({ ...target, secrets, clock });
  const { repository, labels } = target;
  const access = await github.forRepository(repository);
  return { ...githubIssues({ ...access, repository, labels }), standIn: standIns.at(access.apiUrl) };
}

async function trackerFor(config: TrackerConfig, shared: Shared): Promise<IssueTracker> {
  const { standIns } = shared.system;
  if ('jira' in config) {
    const options = jiraOptions(shared);
    return { ...jiraTracker(options, config.jira), standIn: standIns.at(await options.url()) };
  }
  const { repository, labels } = config.github;
  const access = await shared.github.forRepository(repository);
  return { ...githubTracker({ ...access, repository, labels }), standIn: standIns.at(access.apiUrl) };
}

async function postmortemFilesFor(
  { github: target }: PostmortemFileConfig,
  { system: { standIns }, github }: Shared,
): Promise<PostmortemFiles> {
  const access = await github.forRepository(target.repository);
  return { ...githubFiles(access, target), standIn: standIns.at(access.apiUrl) };
}

const jiraOptions = ({ system: { secrets, clock } }: Shared): JiraOptions => ({
  url: () => secrets.get('JIRA_URL'),
  email: () => secrets.get('JIRA_EMAIL'),
  token: () => secrets.get('JIRA_API_TOKEN'),
  clock,
});
