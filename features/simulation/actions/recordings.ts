import { recordedSignal } from '../../../core/domain/alerts/recorded-signal.ts';
import type { Page, ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { Story } from '../../../core/domain/messages/story.ts';
import { isLeftToParent } from '../../../core/domain/paging/pages.ts';
import { withoutCredentials } from '../../../core/domain/redaction/credentials.ts';
import { numberOf } from '../../../core/domain/rollback/question-names.ts';
import { isManualRun } from '../../../core/domain/runbooks/manual-runs.ts';
import { askedOf } from '../decisions/policy-inputs.ts';
import type { RecordedSignal } from '../../../schemas/alerts/recorded-signal.ts';
import { type IncidentId, Severity } from '../../../schemas/config/names.ts';
import type { Effect, IncidentView } from '../../../schemas/incidents/incident.ts';
import { type RecordedAlert, type RecordedDecision, type RecordedIncident, RECORDING_FORMAT } from '../recording.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { oneAtATime } from '../../../core/domain/concurrency.ts';
import { inTurns } from '../../../core/stores/fair-turns.ts';
import type { ComputeOf } from '../../manifest.ts';
import type { RECORDINGS } from '../reports.ts';
import { bytesOf, inRecordingBytes, RECORDING_MAX_BYTES } from './recording-bytes.ts';

type RecordingDeps = Pick<Deps, 'incidents' | 'decisions' | 'runbooks' | 'config'>;

/** Alerts of one incident in a recording. A flood of more is recorded as truncated. */
const SIGNALS_MAX = 2000;

const inLine = oneAtATime();

/** Returns the recorded inputs of the decisions about an incident, without credentials. @throws Refusal 404 */
export const recordingOf = (deps: RecordingDeps, id: IncidentId): Promise<RecordedIncident> =>
  inLine(() => recorded(deps, id));

async function recorded(deps: RecordingDeps, id: IncidentId): Promise<RecordedIncident> {
  const story = await deps.incidents.story(id, null);
  if (story === undefined) throw new Refusal(404, 'unknown-incident', `there is no incident ${id}`);
  const [{ signals, truncated, messages }, decisions, runbooks, config] = await Promise.all([
    deps.incidents.inputs(id, SIGNALS_MAX, RECORDING_MAX_BYTES),
    recordedDecisions(deps, story),
    recordedRuns(deps, id),
    deps.config.current(),
  ]);
  const { incident, effects } = story;
  const { service, environment, unmatched, title, opened_at, resolved_at } = incident;
  const paged = effects.filter(({ kind }) => kind === 'page');
  const pageNumber = ({ key }: Effect): number => Number(key.split('.').at(-1));
  const pages = paged.flatMap((page): RecordedIncident['pages'] => {
    if (page.state === 'withheld' && page.followed === undefined) return [];
    const number = pageNumber(page);
    const recipients =
      incident.handling?.paged?.find((one) => one.page === number)?.people ?? page.followed?.assigned_to ?? [];
    return [{ number, at: page.at, ...(recipients.length > 0 && { recipients: [...recipients] }) }];
  });
  return redactedInTurns({
    format: RECORDING_FORMAT,
    id,
    service,
    environment,
    unmatched,
    title,
    severity: severityAtOpening(story),
    opened_at,
    resolved_at,
    opened_by: incident.group_reason !== undefined ? 'group' : incident.opened_by !== undefined ? 'person' : 'alerts',
    parent: incident.parent_id ?? null,
    pages_by_parent: paged.filter(isLeftToParent).map(pageNumber),
    asked: askedOf(config, incident),
    responder: incident.handling?.acknowledged?.by ?? incident.roles?.commander?.name ?? null,
    signals: signals.map(recordedSignal),
    truncated,
    messages,
    decisions,
    runbooks,
    pages: pages.toSorted((a, b) => a.number - b.number),
  });
}

/** Returns a recording within its size without credentials. The search blocks the thread for one item at a time. */
async function redactedInTurns(incident: RecordedIncident): Promise<RecordedIncident> {
  const { signals, messages, decisions, ...rest } = inRecordingBytes(incident);
  return {
    ...withoutCredentials(rest),
    signals: await inTurns(signals, withoutCredentials<RecordedSignal>),
    messages: await inTurns(messages, withoutCredentials<RecordedIncident['messages'][number]>),
    decisions: await inTurns(decisions, withoutCredentials<RecordedDecision>),
  };
}

/** The first entry of the timeline names the severity, which people may have changed since. */
function severityAtOpening({ incident, timeline }: Story): Severity {
  const detail = timeline.find(({ entry }) => entry.kind === 'incident.opened')?.entry.detail;
  const named = typeof detail === 'object' && detail !== null && 'severity' in detail ? detail.severity : null;
  return Severity.safeParse(named).data ?? incident.severity;
}

const recordedDecisions = ({ decisions }: RecordingDeps, story: Story): Promise<RecordedDecision[]> =>
  Promise.all(
    story.decisions.map(async ({ id, at, kind, state, from_version, to_version }): Promise<RecordedDecision> => {
      const number = Number(numberOf(id));
      const inputs = await decisions.inputs(story.incident.id, number);
      return {
        number,
        at,
        kind,
        state,
        from: from_version,
        to: to_version,
        inputs: inputs ?? null,
      };
    }),
  );

async function recordedRuns({ runbooks }: RecordingDeps, id: IncidentId): Promise<RecordedIncident['runbooks']> {
  const begun = await runbooks.of(id);
  const runs = await Promise.all(begun.map(({ number }) => runbooks.run(id, number)));
  return runs.flatMap((run) =>
    run === undefined ? [] : [{ name: run.runbook.name, at: run.at, by_person: isManualRun(run.number) }],
  );
}

type Query = { limit: number; cursor?: string };

/** Maximum size of a page with recordings or recorded alerts, in bytes, of what is read before credentials are removed. */
const PAGE_MAX_BYTES = RECORDING_MAX_BYTES;

/** Reads a page, and if its items have more bytes than a page can have, again with those that fit, at least one. */
async function pageInBytes<T>(
  read: (limit: number) => Promise<Page<T>>,
  limit: number,
  bytesIn: (item: T) => number | Promise<number>,
): Promise<Page<T>> {
  const page = await read(limit);
  let bytes = 0;
  for (const [n, item] of page.items.entries()) {
    bytes += (await bytesIn(item)) + 1;
    if (n > 0 && bytes > PAGE_MAX_BYTES) return pageInBytes(read, n, bytesIn);
  }
  return page;
}

/** Returns incidents with their inputs, newest first. */
export const recordings: ComputeOf<typeof RECORDINGS> = async (deps, { seconds, limit, ...query }) => {
  const since = plusSeconds(deps.clock.now(), -seconds);
  const read = new Map<IncidentId, RecordedIncident>();
  const isWanted = ({ opened_at }: IncidentView): boolean => opened_at >= since;
  const recordedBytes = async (incident: IncidentView): Promise<number> => {
    if (!isWanted(incident)) return 0;
    const recording = read.get(incident.id) ?? (await recordingOf(deps, incident.id));
    read.set(incident.id, recording);
    return bytesOf(recording);
  };
  const { items, next_cursor } = await pageInBytes(
    (limited) => deps.incidents.list({ ...query, limit: limited }),
    limit,
    recordedBytes,
  );
  return {
    items: items.flatMap(({ id }) => read.get(id) ?? []),
    next_cursor: items.every(isWanted) ? next_cursor : null,
  };
};

/** Returns alerts without an incident, newest first. */
export async function recordedAlerts(
  { incidents }: Pick<Deps, 'incidents'>,
  { limit, ...query }: Query & { muted: boolean },
): Promise<Page<RecordedAlert & ServiceEnvironment>> {
  const read = (limited: number) => incidents.alertsWithoutIncident({ ...query, limit: limited });
  const { items, next_cursor } = await pageInBytes(read, limit, bytesOf);
  return {
    next_cursor,
    items: await inTurns(items, ({ signal, mute, firedAt }) => ({
      service: signal.service,
      environment: signal.environment,
      signal: withoutCredentials(recordedSignal({ ...signal, ...(mute !== null && { mute }) })),
      fired_at: [...firedAt],
    })),
  };
}
