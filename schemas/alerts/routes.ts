import * as z from 'zod';
import { HttpUrl, SecretName } from '../config/endpoint.ts';
import { HoursList } from '../time/hours.ts';
import { MaintenanceWindow } from '../time/maintenance.ts';
import { OwnSeverities } from './severities.ts';
import { Matchers, MatcherLabels, MatcherText } from './match.ts';
import { valueOfAliases } from '../parsing/aliases.ts';

/** Slack's limit for channel names. */
const CHANNEL_MAX_CHARS = 80;

const CHANNEL_ID = /^[CGD][A-Z0-9]{8,}$/;

/** Normalizes a channel: `#name`, or an unchanged id. */
export const channelName = (text: string): string =>
  CHANNEL_ID.test(text) ? text : `#${text.trim().replace(/^#/, '').toLowerCase()}`;

/** A Slack channel, by name or id. */
export const ChannelName = z
  .string()
  .transform(channelName)
  .refine((name) => /^#?[^\s#.,@<>&:"'`/]+$/.test(name) && name.length <= CHANNEL_MAX_CHARS + 1, {
    error: ({ input }) => `${JSON.stringify(input)} is not a channel name; write one such as "#payments"`,
  });

/** `true` is the channel of the alert's service. */
const ChannelOrService = z.union([z.literal(true), ChannelName]);

const Slack = z.union([
  z.literal(false).transform(() => []),
  ChannelOrService.transform((channel) => [channel]),
  z.strictObject({ channel: ChannelName }).transform(({ channel }) => [channel]),
  z.array(ChannelOrService),
]);

const Repository = z.string().regex(/^[^\s/]+\/[^\s/]+$/, 'must be a repository, such as acme/checkout');

const GitHubTarget = z.strictObject({
  /** Absent: the repository of the alert's service. */
  repository: Repository.optional(),
  labels: z.array(z.string().min(1)).default([]),
});

const WebhookTarget = z.strictObject({ url: HttpUrl, signature: SecretName.optional() });

/** Shorthand: the address alone. */
const Webhook = z.union([HttpUrl.transform((url): z.infer<typeof WebhookTarget> => ({ url })), WebhookTarget]);

/** Where a ticket is opened, once the alert's service is known. */
export const TicketTarget = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('github'), repository: Repository, labels: z.array(z.string()) }),
  z.object({ kind: z.literal('webhook'), url: HttpUrl, signature: SecretName.nullable() }),
]);
export type TicketTarget = z.infer<typeof TicketTarget>;

const TicketEntry = z.union([
  z.strictObject({
    github: z.union([Repository.transform((repository) => ({ repository, labels: [] })), GitHubTarget]),
  }),
  z.strictObject({ webhook: Webhook }),
]);
type TicketEntry = z.infer<typeof TicketEntry>;

const REPOSITORY_OF_SERVICE: TicketEntry = { github: { labels: [] } };

const OneTicket = z.union([
  z.union([z.literal(true), z.literal('github')]).transform(() => REPOSITORY_OF_SERVICE),
  HttpUrl.transform((url): TicketEntry => ({ webhook: { url } })),
  TicketEntry,
]);

const Ticket = z.union([
  z.literal(false).transform(() => []),
  OneTicket.transform((ticket) => [ticket]),
  z.array(OneTicket),
]);

const RouteMap = z.strictObject({
  /** For people. */
  name: z.string().min(1).optional(),
  match: Matchers.nullish(),
  matchers: Matchers.nullish(),
  page: z.boolean().default(false),
  incident: z.boolean().optional(),
  slack: Slack.default([]),
  ticket: Ticket.default([]),
  /** Every alert is recorded; `record: true` alone means "only record". */
  record: z.boolean().optional(),
  hours: HoursList.nullish(),
  continue: z.boolean().default(false),
});

/** An entry of `routes`. */
export const Route = RouteMap.transform(({ match, matchers, incident, hours, name, ...route }, context) => {
  if (route.page && incident === false) {
    const message = 'a page requires an incident: remove "incident: false" or the page';
    context.addIssue({ code: 'custom', path: ['incident'], message });
  }
  return {
    ...(name !== undefined && { name }),
    ...route,
    matchers: valueOfAliases({ match: match ?? undefined, matchers: matchers ?? undefined }, context) ?? [],
    incident: incident ?? route.page,
    record: true as const,
    /** Empty: always. */
    hours: hours ?? [],
  };
});
export type Route = z.infer<typeof Route>;

const Off = z.union([z.literal(false), z.literal('off')]).transform(() => false as const);

const threshold = (min: number, defaultValue: number) =>
  z.union([z.number().int().min(min), Off]).default(defaultValue);

const Thresholds = z.strictObject({
  /** More than this number of incidents opened within `minutes` are grouped. False: never. */
  incidents: threshold(1, 5),
  minutes: z
    .number()
    .int()
    .min(1)
    .max(24 * 60)
    .default(5),
  /** At least this number of incidents whose services share a dependency are grouped. False: never. */
  sharedDependency: threshold(2, 2),
});
export type ManyAtOnce = z.infer<typeof Thresholds>;

const ManyAtOnce = z.union([
  Thresholds,
  Off.transform((): ManyAtOnce => Thresholds.parse({ incidents: false, sharedDependency: false })),
]);

/** The route of alerts whose service the catalogue does not have. */
const UnmatchedRoute = z
  .strictObject({ slack: Slack.default([]), ticket: Ticket.default([]) })
  .superRefine(({ slack, ticket }, context) => {
    const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (slack.some((channel) => channel === true))
      issue('slack', 'there is no service whose channel it could be: name a channel');
    if (ticket.some((one) => 'github' in one && one.github.repository === undefined))
      issue('ticket', 'there is no service whose repository it could be: write github: {repository: OWNER/NAME}');
    if (slack.length + ticket.length === 0) issue('slack', 'name a channel or a ticket');
  });

/** An older key of Alertmanager: a map of labels with regular expressions. */
const Patterns = z
  .record(z.string().min(1), z.string())
  .transform((labels) =>
    Object.entries(labels)
      .map(([name, value]) => `${JSON.stringify(name)}=~${JSON.stringify(value)}`)
      .join(),
  )
  .pipe(MatcherText);

/** Alerts that are muted while another alert fires, in the keys of Alertmanager. A side without matchers is for all alerts. */
const InhibitRule = z
  .strictObject({
    /** For people. */
    name: z.string().optional(),
    source_matchers: Matchers.nullish(),
    source_match: MatcherLabels.nullish(),
    source_match_re: Patterns.nullish(),
    target_matchers: Matchers.nullish(),
    target_match: MatcherLabels.nullish(),
    target_match_re: Patterns.nullish(),
    equal: z.array(z.string().min(1)).nullish(),
  })
  .transform(({ equal, name, ...rule }) => {
    const matchersOf = (side: 'source' | 'target') =>
      [rule[`${side}_matchers`], rule[`${side}_match`], rule[`${side}_match_re`]].flatMap((part) => part ?? []);
    return {
      ...(name !== undefined && { name }),
      source_matchers: matchersOf('source'),
      target_matchers: matchersOf('target'),
      equal: equal ?? [],
    };
  });
export type InhibitRule = z.infer<typeof InhibitRule>;

/** A record of them fits into one item of the table. */
const UNMATCHED_INCIDENTS_MAX = 100;

export const UNMATCHED_INCIDENTS = 5;

const RoutesMap = z.strictObject({
  routes: z
    .array(Route)
    .nullish()
    .transform((routes) => routes ?? []),
  maintenance: z
    .array(MaintenanceWindow)
    .nullish()
    .transform((windows) => windows ?? []),
  /** For senders that inhibit nothing themselves. */
  inhibit_rules: z.array(InhibitRule).default([]),
  manyAtOnce: ManyAtOnce.prefault({}),
  /**
   * Whether unrelated services that fail at the same time are evidence against a single change. `ignore` is for
   * environments whose services are independent, such as trials: it makes automation bolder.
   */
  failTogether: z.enum(['count', 'ignore']).default('count'),
  /** Own words in the label `severity`, such as `blocker: critical`. */
  severities: OwnSeverities.default({}),
  /** Critical and warning alerts of services outside the catalogue go here, too, unless a route decides. */
  unmatched: UnmatchedRoute.optional(),
  /** Number of services outside the catalogue that can have an incident each; the others share one. */
  unmatchedIncidents: z.number().int().min(0).max(UNMATCHED_INCIDENTS_MAX).default(UNMATCHED_INCIDENTS),
});

/** `config/routes.yaml`; also accepts a bare list of routes. Parsed output parses to the same value again. */
export const RoutesFile = z.union([RoutesMap, z.array(Route).transform((routes) => RoutesMap.parse({ routes }))]);
export type RoutesFile = z.infer<typeof RoutesFile>;
