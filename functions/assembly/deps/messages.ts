import type { Tickets } from '../../../core/domain/ports/tickets.ts';
import { githubIssues } from '../../../vendors/github/issues.ts';
import { grafanaAnnotations } from '../../../vendors/grafana/annotations.ts';
import { openTelemetrySpans } from '../../../vendors/opentelemetry/spans.ts';
import { pagerDutyChanges } from '../../../vendors/pagerduty/change-events.ts';
import { slackChat } from '../../../vendors/slack/chat.ts';
import { slackDirectory } from '../../../vendors/slack/users/directory.ts';
import { slackEphemeralMessages } from '../../../vendors/slack/ephemeral.ts';
import { webhookReceivers } from '../../../vendors/webhook/receivers.ts';
import { webhookTickets } from '../../../vendors/webhook/ticket.ts';
import type { TicketTarget } from '../../../schemas/alerts/routes.ts';
import { UserCacheTable } from '../../../core/stores/access/user-cache.ts';
import { DigestTable } from '../../../core/stores/messages/digests.ts';
import { ProcessedEventTable } from '../../../core/stores/messages/processed-events.ts';
import { addressOf, type Shared, standInAt } from './shared.ts';

/** Creates the channels that show incidents. Addresses are read at run time, with the credentials. */
export function messageDeps(shared: Shared) {
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
    annotations: counted(
      'grafana',
      grafanaAnnotations({
        url: () => secrets.get('GRAFANA_URL'),
        token: () => secrets.get('GRAFANA_TOKEN'),
        clock,
      }),
    ),
    ticketsFor: async (target: TicketTarget) => counted('tickets', await ticketsFor(target, shared)),
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
