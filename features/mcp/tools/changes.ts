import * as z from 'zod';
import { nameWarnings, inConfiguredSpelling } from '../../../core/domain/catalogue/known-names.ts';
import { recordDeployment, refuseIf } from '../../../core/actions/changes/record-deployment.ts';
import { counted } from '../../../core/domain/reports/words.ts';
import { readable } from '../../../entrances/http/endpoint.ts';
import { Change, NewChange, whyImpossibleTimes } from '../../../schemas/changes/change.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { adds, nameIn, READS, tool, untrusted, UNTRUSTED_NOTE } from '../tool.ts';

const ShownChange = z.object({
  ...Change.pick({
    id: true,
    service: true,
    environment: true,
    version: true,
    kind: true,
    status: true,
    started_at: true,
    finished_at: true,
    has_migration: true,
    previous_version: true,
    rolled_back_by: true,
    made_for: true,
  }).shape,
  untrusted: untrusted({
    ...Change.pick({ commit: true, author: true, url: true }).shape,
    note: z.string().nullable(),
    tags: z.array(z.string()),
    warnings: z
      .array(z.string())
      .describe('Names that are not in the configuration, with suggestions for likely typos'),
  }),
});

const shown = (change: Change & { warnings: string[] }): z.input<typeof ShownChange> => {
  const { commit, author, url, note = null, tags = [], warnings } = change;
  return { ...change, untrusted: { commit, author, url, note, tags, warnings } };
};

/** @example 'the deploy of checkout v42 to production', 'the rollback to checkout v41 in production' */
const placed = ({ kind, service, environment, version }: Change): string =>
  kind === 'rollback'
    ? `the rollback to ${nameIn(service)} ${nameIn(version)} in ${nameIn(environment)}`
    : `the ${kind} of ${nameIn(service)} ${nameIn(version)} to ${nameIn(environment)}`;

export const recentChanges = tool({
  name: 'recent_changes',
  title: 'List recent changes to production',
  description: `Lists deployments, rollbacks, flags, and other changes of a service or environment, newest first: what runs now, and what has changed before a problem began. ${UNTRUSTED_NOTE}`,
  permission: 'deployments:read',
  annotations: READS,
  input: z.strictObject({
    service: ServiceName.optional().describe('Only changes of this service'),
    environment: EnvironmentName.optional().describe('Only changes in this environment'),
    limit: z.number().int().min(1).max(50).default(10).describe('Maximum number of changes'),
    cursor: z.string().max(2048).optional().describe('next_cursor of the previous page'),
  }),
  output: z.object({ items: z.array(ShownChange), next_cursor: z.string().nullable() }),
  async run(deps, { caller, may }, { limit, cursor, service, environment }) {
    const config = await deps.config.current();
    const named = { ...(service && { service }), ...(environment && { environment }) };
    const scope = inConfiguredSpelling(config, named);
    caller.allow('deployments:read', scope);
    const read = (from?: string) => deps.changes.list({ limit, ...(from && { cursor: from }), ...scope });
    const page = await readable({ may: (one) => may('deployments:read', one) }, read, cursor);
    const [newest] = page.items;
    const last =
      newest === undefined
        ? ''
        : ` The newest one is ${placed(newest)} (${newest.status}, started at ${newest.started_at}).`;
    return {
      text: `${counted(page.items.length, 'change')}.${last}`,
      result: {
        items: page.items.map((change) => shown({ ...change, warnings: nameWarnings(config, change) })),
        next_cursor: page.next_cursor,
      },
    };
  },
});

const { shape } = NewChange;

export const recordDeploy = tool({
  name: 'record_deploy',
  title: 'Record a deployment',
  description: `Records a deployment that you have started or made, so that Firebreak can find it if it causes an incident, and roll it back. Deploys nothing. Call it with status started and a started_at before the deployment, and again with the same started_at and how it ended. ${UNTRUSTED_NOTE}`,
  permission: 'deployments:write',
  annotations: adds(false), // without started_at, each call records another one
  input: z.strictObject({
    service: shape.service.describe('Name of the service in the catalogue'),
    environment: shape.environment.describe('Name of the environment, such as production'),
    version: shape.version.describe('Deployed version'),
    kind: shape.kind.describe('Kind of change'),
    status: shape.status.describe('started, or how it ended'),
    started_at: shape.started_at.describe('Start, RFC 3339. Absent: now'),
    finished_at: shape.finished_at.describe('End, RFC 3339. Absent: now, unless the status is started'),
    commit: shape.commit.describe('Deployed commit'),
    committed_at: shape.committed_at.describe('Time of the commit, RFC 3339'),
    commits: shape.commits.describe('Commits since the version before'),
    author: shape.author.describe('Author of the change'),
    url: shape.url.describe('Link to the change or the pipeline run, http or https'),
    has_migration: shape.has_migration.describe(
      'Whether it migrates a schema or data. If unknown, a rollback needs approval',
    ),
    rollback_safe_to: shape.rollback_safe_to.describe('Oldest version that a rollback can still go to'),
    previous_version: shape.previous_version.describe('Version that ran before'),
    canary_weight: shape.canary_weight.describe('For a canary: its share of the traffic, 0 to 1'),
  }),
  output: ShownChange.extend({ created: z.boolean().describe('False: it was recorded before, and completed now') }),
  async run(deps, { caller, request }, named) {
    const input = inConfiguredSpelling(await deps.config.current(), named);
    caller.allow('deployments:write', input);
    const { started_at: start, finished_at: end } = input;
    if (start != null) refuseIf(whyImpossibleTimes(start, end));
    const { change, created } = await recordDeployment(deps, input, request);
    const { status } = change;
    const what = placed(change);
    return {
      text: `${created ? 'Recorded' : 'Completed the record of'} ${what} (${status}).${change.warnings.length === 0 ? '' : ' A name is not in the configuration: see untrusted.warnings.'}`,
      result: { ...shown(change), created },
    };
  },
});
