import { firstOnsetOf, type HealthRead, readHealth } from '../../../core/actions/incidents/health-read.ts';
import { loaded } from '../../../core/domain/ports/extensions.ts';
import { withinGroup } from '../decisions/member.ts';
import { firstSampleOf, readHealthBetween } from '../../../core/actions/incidents/live-health.ts';
import { healthOf, type HealthQuery } from '../../../core/domain/catalogue/health.ts';
import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { filledWith, type HealthSeries, NO_SAMPLES } from '../../../core/domain/incidents/health-series.ts';
import { decisionsOf, type Problem, problemsOf } from '../../../core/domain/incidents/problems.ts';
import { isProbable } from '../../../core/domain/correlation/words.ts';
import { byStart } from '../../../core/domain/changes/versions.ts';
import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import { evidencePath } from '../../../core/domain/incidents/console-link.ts';
import { numberOf } from '../../../core/domain/rollback/question-names.ts';
import type { Deps } from '../ports.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { ErrorBudgets, SpentBudget } from '../../../core/domain/ports/error-budgets.ts';
import type { Story, StoryEntry } from '../../../core/domain/messages/story.ts';
import type { DraftInput, MeasuredImpact, ProblemRecord } from '../decisions/record.ts';
import { sampledRequests, type SampledRequests, type Span } from '../decisions/requests.ts';
import { problemTimesOf, timesOf } from '../decisions/times.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { needOf } from '../decisions/need.ts';
import type { ImpactQuery } from '../schemas/policy.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { namer } from '../../../core/actions/people/names.ts';
import type { MetricQueries } from '../../../core/domain/ports/metrics.ts';

export type GatherDeps = Pick<
  Deps,
  | 'incidents'
  | 'incidentGroups'
  | 'decisions'
  | 'changes'
  | 'config'
  | 'extensions'
  | 'userCache'
  | 'evidencePacks'
  | 'healthSamples'
  | 'publicUrl'
  | 'clock'
  | 'log'
>;

/** What can be asked when a draft is made. */
type Monitoring = Pick<Deps, 'metrics' | 'metricQueries'>;

/** Entries of one incident that are read for a draft. */
const ENTRIES_MAX = 2000;

const SUSPECTS_READ = 3;

/** Incidents of a group, the first ones, whose entries and changes are read: a storm has hundreds. */
const MEMBERS_READ = 30;

/** Newest changes of a service that are read: more than are made during an incident. */
const CHANGES_READ = 100;

/** A draft does not wait for a slow Prometheus: what is missing becomes a question. */
const QUERY_TIMEOUT_MS = 5000;

/**
 * Reads everything that a draft is made from. Undefined: there is no such incident.
 *
 * @param monitoring runs the configured queries, and the health query. Null: the former stay questions, and the stored samples
 *   of the latter are used
 */
export async function gather(
  deps: GatherDeps,
  id: IncidentId,
  monitoring: Monitoring | null,
): Promise<{ record: DraftInput; end: Timestamp } | undefined> {
  const story = await deps.incidents.story(id, null);
  if (story === undefined) return undefined;
  const config = await deps.config.current();
  const { incident, decisions, effects, signals } = story;
  const end = incident.resolved_at ?? deps.clock.now();
  const [own, children, health, named, packs] = await Promise.all([
    wholeTimeline(deps, story),
    incident.group_reason === undefined ? [] : deps.incidentGroups.children(id),
    readHealth(deps, story),
    namer(deps),
    deps.evidencePacks.list(id),
  ]);
  const members = children
    .map((child) => withinGroup(child.incident, incident))
    .toSorted((a, b) => (a.opened_at < b.opened_at ? -1 : 1));
  const read = [incident, ...members.slice(0, MEMBERS_READ)];
  const [ofMembers, problems] = await Promise.all([
    Promise.all(read.slice(1).map((member) => entriesOf(deps, member))),
    problemsIn(deps, story, health),
  ]);
  const timeline = [...own, ...ofMembers.flat()];
  const causes = problems.flatMap(({ causes: [cause] }) =>
    cause !== undefined && isProbable(cause.suspect) ? cause : [],
  );
  const made = await changesOf(deps, read, [
    ...causes.flatMap(({ change }) => change ?? []),
    ...decisions.flatMap(({ target }) => target ?? []),
  ]);
  const series = health?.series ?? NO_SAMPLES;
  const first = firstSampleOf(incident, signals, firstOnsetOf(health, 'at'));
  const told = { incident, timeline, effects, signals, members, problems };
  const times = timesOf(told, end);
  // The problems of a group have no suspects of their own.
  const ofMembersProblems = members.flatMap(problemsOf).flatMap(({ suspects }) => suspects);
  const suspected = new Set(ofMembersProblems.filter(isProbable).map(({ change_id: change }) => change));
  const ofProblems = problems.map((problem) => problemTimesOf(told, problem));
  const spans = ofProblems.map(({ started_at: from, restored_at }, n): Span => {
    const until = restored_at ?? ofProblems[n + 1]?.started_at ?? end;
    return { from, until };
  });
  const { postmortems } = config;
  const people = new Map<string, string>();
  for (const [name, person] of Object.entries(config.people.people)) people.set(name, person.name ?? name);
  for (const { entry } of timeline)
    if (entry.actor.startsWith('slack:')) people.set(entry.actor, await named.actor(entry.actor));
  return {
    end,
    record: {
      incident,
      timeline,
      decisions,
      effects,
      signals,
      members,
      problems,
      changes: made.filter(
        ({ id: change, started_at: at, rolled_back_by: by }) =>
          (at >= times.started_at && at <= end) || suspected.has(change) || by === id,
      ),
      curve: series.curve.filter(([at]) => at >= first && at <= end),
      packs: packs.map(({ name, at, sha256 }) => ({
        name,
        at,
        sha256,
        url: deps.publicUrl === undefined ? null : `${deps.publicUrl}${evidencePath(id, name)}`,
      })),
      budgets: await spentBudgets(deps, config, incident, { from: times.started_at, until: times.restored_at ?? end }),
      requests: await requestsOf(deps, healthOf(config, incident), series, spans, monitoring),
      impact: await impactOf(
        deps,
        config,
        incident,
        { seconds: times.duration_seconds, end },
        monitoring?.metricQueries ?? null,
      ),
      team: serviceEntry(config.services, incident.service)?.team ?? null,
      people,
      names: postmortems.names,
      dueDays: postmortems.dueDays[incident.severity],
    },
  };
}

async function spentBudgets(
  { extensions }: Pick<Deps, 'extensions'>,
  ...[config, incident, period]: Parameters<ErrorBudgets['spent']>
): Promise<SpentBudget[]> {
  const sources = await loaded(extensions.errorBudgets);
  return (await Promise.all(sources.map((source) => source.spent(config, incident, period)))).flat();
}

/** Counts the requests by fresh samples of the health query, and by those that are stored where there are none. */
async function requestsOf(
  { log }: Pick<Deps, 'log'>,
  query: HealthQuery | undefined,
  stored: HealthSeries,
  spans: readonly Span[],
  monitoring: Monitoring | null,
): Promise<SampledRequests | null> {
  const [from, until] = [spans[0]?.from, spans.at(-1)?.until];
  if (query === undefined || from === undefined || until === undefined) return null;
  const fresh =
    monitoring &&
    (await readHealthBetween(monitoring, query, { from, until }, AbortSignal.timeout(QUERY_TIMEOUT_MS)).catch(
      (error: unknown) => {
        log.warn('the health query could not be read for a post-mortem', { error: String(error) });
        return null;
      },
    ));
  const { curve, traffic } = filledWith({ curve: fresh?.curve ?? [], traffic: fresh?.traffic ?? [] }, stored);
  return sampledRequests({ query, curve, traffic: traffic.length === 0 ? null : traffic }, spans);
}

/**
 * Returns the changes of the services of incidents, and of others, such as that of a cause, that Firebreak has not made for these incidents,
 * oldest first.
 */
async function changesOf(
  { changes }: Pick<Deps, 'changes'>,
  incidents: readonly Pick<IncidentRecord, 'id' | 'service' | 'environment'>[],
  others: readonly ServiceEnvironment[],
): Promise<Change[]> {
  const places = new Map([...incidents, ...others].map((one) => [`${one.service} ${one.environment}`, one]));
  const made = (await Promise.all([...places.values()].map((one) => changes.recent(one, CHANGES_READ)))).flat();
  const ids = new Set<string>(incidents.map(({ id }) => id));
  const ofOthers = made.filter(({ made_for: incident }) => incident === null || !ids.has(incident));
  return [...new Map(ofOthers.map((change) => [change.id, change])).values()].toSorted(byStart);
}

/** Kinds of entries of an incident that the post-mortem of its group has as well. */
const KINDS_OF_MEMBERS = /^(?:decision|mitigation|verification|runbook)(?:\.|$)|^incident\.(?:failing_again|resolved)$/;

/** Returns the entries of an incident that the post-mortem of its group has, with its name. */
async function entriesOf(deps: Pick<Deps, 'incidents'>, member: IncidentRecord): Promise<StoryEntry[]> {
  const story = await deps.incidents.story(member.id, null);
  if (story === undefined) return [];
  const name = `${incidentName(member)} ${member.unmatched || member.service}`;
  const [first] = problemsOf(member);
  const from = first?.at ?? member.opened_at;
  return (await wholeTimeline(deps, story))
    .filter(({ entry: { kind, at } }) => KINDS_OF_MEMBERS.test(kind) && at >= from)
    .map(({ position, entry }) => ({
      position: `${member.id}:${position}`,
      entry: { ...entry, kind: `member.${entry.kind}`, text: `${entry.text} (${name})` },
    }));
}

async function wholeTimeline({ incidents }: Pick<Deps, 'incidents'>, story: Story): Promise<StoryEntry[]> {
  const { id } = story.incident;
  const all = [...story.timeline];
  for (let page = story.timeline; page.length > 0 && all.length < ENTRIES_MAX;) {
    page = (await incidents.story(id, page.at(-1)?.position ?? null))?.timeline ?? [];
    all.push(...page);
  }
  return all;
}

/** Returns the problems of an incident, with the causes and the evidence of each. */
async function problemsIn(
  deps: Pick<Deps, 'changes' | 'decisions' | 'log'>,
  { incident, decisions }: Story,
  health: HealthRead | null,
): Promise<ProblemRecord[]> {
  const read = health === null ? [] : [health, ...health.earlier];
  return Promise.all(
    problemsOf(incident).map(async (problem) => ({
      ...problem,
      causes: await causesOf(deps, problem, decisionsOf(problem, decisions)),
      failing: await failingAt(deps, incident.id, decisionsOf(problem, decisions)),
      evidence: read.find((one) => one.problem.number === problem.number)?.evidence ?? null,
    })),
  );
}

/** Returns the dependencies that failed at the newest of these judgements. Empty: none, or it can't be read. */
async function failingAt(
  { decisions, log }: Pick<Deps, 'decisions' | 'log'>,
  id: IncidentId,
  made: Story['decisions'],
): Promise<string[]> {
  const judged = made.findLast(({ question }) => question === undefined);
  if (judged === undefined) return [];
  const inputs = await decisions.inputs(id, Number(numberOf(judged.id))).catch((error: unknown) => {
    log.warn('the inputs of a decision could not be read for a post-mortem', { incident: id, error: String(error) });
  });
  const dependencies = (inputs?.evidence.failing ?? []).filter(({ relation }) => relation === 'dependency');
  return [...new Set(dependencies.map(({ service }) => service))];
}

/** Returns suspects with their changes, the most probable first. The one that was undone comes before all others. */
async function causesOf(
  { changes }: Pick<Deps, 'changes'>,
  problem: Problem,
  decisions: Story['decisions'],
): Promise<ProblemRecord['causes']> {
  const undone = decisions.findLast(({ kind, state }) => kind === 'roll_back' || state === 'approved')?.from_version;
  const suspects = problem.suspects
    .toSorted((a, b) => Number(b.version === undone) - Number(a.version === undone) || b.confidence - a.confidence)
    .slice(0, SUSPECTS_READ);
  return Promise.all(
    suspects.map(async (suspect) => ({ suspect, change: (await changes.get(suspect.change_id)) ?? null })),
  );
}

async function impactOf(
  { log }: Pick<Deps, 'log'>,
  { postmortems }: Config,
  incident: IncidentRecord,
  { seconds, end }: { seconds: number; end: Timestamp },
  metrics: MetricQueries | null,
): Promise<MeasuredImpact[]> {
  const { service, environment } = incident;
  const queries = postmortems.impact.filter(
    ({ services }) => services === undefined || services.some((one) => one === service),
  );
  const notRun =
    needOf(postmortems, incident) === 'required'
      ? 'it runs when the post-mortem is drafted'
      : 'it runs only if the post-mortem is required';
  return Promise.all(
    queries.map(async ({ title, promql, unit = null }): Promise<MeasuredImpact> => {
      if (metrics === null) return { title, unit, value: null, problem: notRun };
      const query = queryFor(promql, { service, environment, duration: seconds });
      const answer = await metrics.instant(query, end, QUERY_TIMEOUT_MS).catch((error: unknown) => {
        log.warn('a query for a post-mortem failed', { title, error: String(error) });
        return { kind: 'unreadable' as const, detail: 'Prometheus could not be queried' };
      });
      if (answer === null) return { title, unit, value: null, problem: 'no Prometheus is connected' };
      if (answer.kind === 'unreadable') return { title, unit, value: null, problem: answer.detail };
      const values = answer.series.flatMap(({ values: all }) => all.at(-1)?.[1] ?? []);
      const [value] = values;
      if (values.length !== 1 || value === undefined || !Number.isFinite(value))
        return {
          title,
          unit,
          value: null,
          problem: values.length > 1 ? `it gives ${values.length} values instead of one` : 'no result',
        };
      return { title, unit, value, problem: null };
    }),
  );
}

/** Replaces the placeholders. Names are part of strings in PromQL, so quotation marks and backslashes are escaped. */
function queryFor(
  promql: ImpactQuery['promql'],
  { service, environment, duration }: { service: string; environment: string; duration: number },
): string {
  const quoted = (text: string): string => text.replaceAll(/[\\"'`]/g, '\\$&').replaceAll('\n', ' ');
  const values: Record<string, string> = {
    service: quoted(service),
    environment: quoted(environment),
    duration: `${Math.max(1, Math.round(duration))}s`,
  };
  return promql.replaceAll(/\$(service|environment|duration)\b/g, (_, name: string) => values[name] ?? '');
}
