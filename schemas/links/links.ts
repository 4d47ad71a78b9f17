import * as z from 'zod';
import { HttpUrl } from '../config/endpoint.ts';
import { EnvironmentName } from '../config/names.ts';
import { isTime, placeholderProblems, templateParts } from './placeholders.ts';
import { type QueryLanguage, queryParts } from './queries.ts';
import { requiredText } from '../parsing/free-text.ts';

const TEXT_MAX_CHARS = 2000;

/** Templates in one list. */
const LINKS_MAX = 20;

/** Returns a text that is refused for each problem. */
const textWithout = (problemsOf: (text: string) => readonly string[]): z.ZodString =>
  z
    .string()
    .min(1)
    .max(TEXT_MAX_CHARS)
    .superRefine((text, context) => {
      for (const message of problemsOf(text)) context.addIssue({ code: 'custom', message });
    });

const TextTemplate = textWithout(placeholderProblems);

const queryProblems = (query: string, language: QueryLanguage): string[] => [
  ...placeholderProblems(query),
  ...queryParts(query, language).problems,
];

/** The address under which a tool is reached, such as `https://grafana.example.com`. */
const ToolAddress = HttpUrl.superRefine((text, context) => {
  const { username, password, search, hash } = new URL(text);
  if (username !== '' || password !== '')
    context.addIssue({ code: 'custom', message: 'must not contain a user or a password, because many people see it' });
  if (search !== '' || hash !== '' || text.includes('${{'))
    context.addIssue({ code: 'custom', message: 'must be the address of the tool, without a query or placeholders' });
});

/** Parameters in which tools expect JSON or rison, where an encoded value could still change the meaning. */
const STRUCTURED = /[?&#](_a|_g|_q|panes|left|right)=[^&#]*$/;

/** Returns what is wrong with a URL that contains placeholders. */
function urlProblems(text: string): string[] {
  const parts = templateParts(text);
  const [head] = parts;
  const start = head !== undefined && 'text' in head ? head.text : '';
  const problems = placeholderProblems(text);
  if (
    !/^https?:\/\/[^/?#\\@\s]+(?:[/?#]|$)/i.test(start) ||
    (parts.length > 1 && !/^https?:\/\/[^/?#]+[/?#]/i.test(start))
  )
    problems.push('must begin with http:// or https:// and a host without placeholders or a password');
  if (!URL.canParse(parts.map((part) => ('text' in part ? part.text : 'x')).join(''))) problems.push('is not a URL');
  let before = '';
  for (const part of parts) {
    const parameter = 'value' in part && !isTime(part.value) ? STRUCTURED.exec(before)?.[1] : undefined;
    if (parameter !== undefined)
      problems.push(
        `${parameter} contains a structure in which values need another encoding; use the kind grafana-loki, grafana-tempo, kibana, or opensearch-dashboards`,
      );
    before += 'text' in part ? part.text : 'x';
  }
  return problems;
}

const Common = z.strictObject({
  /** Shown as the link. An alert's own link of the same title comes first, then that of the service. */
  title: requiredText(60),
  /** Where it applies. Absent: everywhere. */
  environments: z.array(EnvironmentName).min(1).optional(),
});

const Query = (language: QueryLanguage): z.ZodString => textWithout((query) => queryProblems(query, language));

/** A query that a person writes in the language beside it. */
const inDashboards = {
  query: z.string().min(1).max(TEXT_MAX_CHARS),
  language: z.enum(['kuery', 'lucene']).default('kuery'),
};

const checkLanguage = (
  { query, language }: { query: string; language: 'kuery' | 'lucene' },
  context: z.RefinementCtx,
): void => {
  for (const message of queryProblems(query, language)) context.addIssue({ code: 'custom', message, path: ['query'] });
};

/** A template of a link, which becomes a URL with the values and the time range of an incident. */
export const LinkTemplate = z.discriminatedUnion('kind', [
  /** Any page: values are encoded for a URL. */
  Common.extend({ kind: z.literal('url'), url: textWithout(urlProblems) }),
  /** Grafana Explore with a LogQL query. `datasource` is the UID of the data source. */
  Common.extend({
    kind: z.literal('grafana-loki'),
    url: ToolAddress,
    datasource: z.string().min(1),
    query: Query('logql'),
    orgId: z.number().int().min(1).optional(),
  }),
  /** Grafana Explore with a TraceQL query. */
  Common.extend({
    kind: z.literal('grafana-tempo'),
    url: ToolAddress,
    datasource: z.string().min(1),
    query: Query('traceql'),
    orgId: z.number().int().min(1).optional(),
  }),
  /** The search of Jaeger's UI. */
  Common.extend({
    kind: z.literal('jaeger'),
    url: ToolAddress,
    service: TextTemplate.default('${{ service }}'),
    operation: TextTemplate.optional(),
    tags: z.record(z.string().min(1), TextTemplate).optional(),
    limit: z.number().int().min(1).max(1500).default(20),
  }),
  /** Discover in Kibana. `dataView` is the ID of the data view. */
  Common.extend({
    kind: z.literal('kibana'),
    url: ToolAddress,
    dataView: z.string().min(1),
    columns: z.array(z.string().min(1)).max(20).default([]),
    ...inDashboards,
  }).superRefine(checkLanguage),
  /** Discover in OpenSearch Dashboards 2.10 or newer, also at Logit.io. */
  Common.extend({
    kind: z.literal('opensearch-dashboards'),
    url: ToolAddress,
    indexPattern: z.string().min(1),
    columns: z.array(z.string().min(1)).max(20).default([]),
    ...inDashboards,
  }).superRefine(checkLanguage),
]);
export type LinkTemplate = z.infer<typeof LinkTemplate>;

export const LinkTemplates = z.array(LinkTemplate).max(LINKS_MAX).default([]);

/** `config/links.yaml`: links to logs, traces, and dashboards for incidents of all services. */
export const LinksFile = z.strictObject({ links: LinkTemplates });
export type LinksFile = z.infer<typeof LinksFile>;
