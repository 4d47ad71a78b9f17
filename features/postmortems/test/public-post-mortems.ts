/**
 * Drafts post-mortems of public incidents beside what their authors published, and writes the page about it:
 *   node features/postmortems/test/public-post-mortems.ts
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { correlate, MIN_CONFIDENCE_TO_ASK } from '../../../core/domain/correlation/correlate.ts';
import { blankIncident } from '../../../core/domain/incidents/new-incident.ts';
import { problemsOf } from '../../../core/domain/incidents/problems.ts';
import type { StoryEntry } from '../../../core/domain/messages/story.ts';
import { draftOf } from '../decisions/draft.ts';
import { withProbableCauses } from '../decisions/drafting.ts';
import type { DraftInput } from '../decisions/record.ts';
import { type Published, published } from '../../../packages/lab/evaluation/published.ts';
import { replays } from '../../../packages/lab/evaluation/replays/index.ts';
import type { Replay } from '../../../packages/lab/evaluation/replays/replay.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import { InstantIn, plusSeconds, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';

const DOCUMENT = join(import.meta.dirname, '../../../docs/explanation/public-post-mortems.md');

/** Times agree if they differ by at most this, because the authors round to minutes. */
const AGREE_SECONDS = 60;

type Result = 'agrees' | 'differs' | 'not in the record' | 'not published';

/** A field of a draft beside the published one. */
type Row = { field: string; published: string | null; draft: string | null; result: Result };

export type ComparedPostMortem = {
  id: string;
  title: string;
  source: Replay['source'];
  draftTitle: string;
  rows: readonly Row[];
};

/** Drafts the post-mortems of all published incidents. The same data always gives the same result. */
export const comparedPostMortems = (): ComparedPostMortem[] =>
  published.map((one, index) => {
    const replay = replays.find(({ id }) => id === one.id);
    if (replay === undefined) throw new Error(`there is no replay ${one.id}`);
    return comparedOf(one, replay, IncidentId.parse(String(index + 1).padStart(26, '0')));
  });

function comparedOf(stated: Published, replay: Replay, id: IncidentId): ComparedPostMortem {
  const day = replay.evidence.at.slice(0, 10);
  const at = (clock: string | null): Timestamp | null =>
    clock === null ? null : InstantIn.parse(`${day}T${clock}:00Z`);
  const [started, detected, restored] = [at(stated.started), at(stated.detected), at(stated.restored)];
  const mitigated = at(stated.mitigated?.at ?? null);
  const record = recordOf(replay, id, { undone: stated.mitigated?.undone === true ? mitigated : null, restored });
  const { markdown, facts } = draftOf(record, record.incident.resolved_at ?? replay.evidence.at);
  const { times } = facts;
  const draftTitle = markdown.split('\n', 1)[0]?.replace(/^# /, '') ?? '';
  const cause = withProbableCauses(record).problems[0]?.causes[0];
  const named = cause === undefined ? null : cause.suspect.change_id;
  const since = (to: Timestamp | null): number | null =>
    to === null || started === null ? null : secondsBetween(started, to);
  const sinceDraftStart = (to: Timestamp | null): number | null =>
    to === null ? null : secondsBetween(times.started_at, to);
  // The title is the service, what failed, of which other service, and the day.
  const draftType = / (failed [a-z ]+?|outage[a-z ]*)(?: of \S+)? — /.exec(draftTitle)?.[1] ?? null;
  const isCauseRecorded = replay.label.cause !== null;
  const causeRow: Row = {
    field: 'Cause',
    published: stated.cause,
    draft: cause === undefined ? null : `\`${cause.suspect.version}\` (confidence ${cause.suspect.confidence})`,
    result: causeResult(named, replay.label.cause, stated.type === 'outage'),
  };
  return {
    id: replay.id,
    title: replay.title,
    source: replay.source,
    draftTitle,
    rows: [
      {
        field: 'What failed',
        published: stated.type,
        draft: draftType,
        // A draft takes what failed from the cause, so it cannot know it if the replay does not record the cause.
        result: stated.type === draftType ? 'agrees' : isCauseRecorded ? 'differs' : 'not in the record',
      },
      clockRow('Start', started, times.started_at),
      // Each draft has times of detection and restoration, which are left out without a published one to compare.
      lengthRow('Time to detect', since(detected), detected === null ? null : sinceDraftStart(times.alerted_at)),
      // A draft has a time of mitigation only if a published one was put into the record.
      lengthRow('Time to mitigate', since(mitigated), sinceDraftStart(times.mitigated_at)),
      lengthRow('Time to restore', since(restored), restored === null ? null : sinceDraftStart(times.restored_at)),
      {
        field: 'Impact',
        published: stated.impact,
        draft: null,
        result: stated.impact === null ? 'not published' : 'not in the record',
      },
      causeRow,
    ],
  };
}

/**
 * Compares the first suspect with the change that the authors name.
 *
 * @param recorded that change. Null: the replay does not record it
 * @param isNoChange the authors name no change, so the published `type` is `outage`
 */
function causeResult(named: string | null, recorded: string | null, isNoChange: boolean): Result {
  if (recorded === null && !isNoChange) return named === null ? 'not in the record' : 'differs';
  if (named === null && recorded !== null) return 'not in the record';
  return named === recorded ? 'agrees' : 'differs';
}

/** Returns the record that Firebreak would have: the evidence of the replay, and the end as far as it is published. */
function recordOf(
  { evidence, title }: Replay,
  id: IncidentId,
  { undone, restored }: { undone: Timestamp | null; restored: Timestamp | null },
): DraftInput {
  const { suspects } = correlate(evidence);
  const ended = restored ?? undone ?? evidence.at;
  const resolved = plusSeconds(ended, 1); // an incident is resolved after the event that ends it
  const entries: [kind: string, at: Timestamp, text: string][] = [
    ['incident.opened', evidence.at, `Opened: ${title}`],
    ...(undone === null
      ? []
      : [['mitigation.succeeded', undone, 'The change was undone'] as [string, Timestamp, string]]),
    ...(restored === null ? [] : [['alerts.resolved', restored, 'All alerts resolved'] as [string, Timestamp, string]]),
    ['incident.resolved', resolved, 'Resolved'],
  ];
  const { alertStartedAt } = evidence.onset;
  const incident: DraftInput['incident'] = {
    ...blankIncident,
    id,
    service: evidence.service as DraftInput['incident']['service'],
    environment: evidence.environment as DraftInput['incident']['environment'],
    title,
    severity: 'critical',
    status: 'resolved',
    opened_at: alertStartedAt,
    resolved_at: resolved,
    trace: '',
  };
  return {
    incident,
    timeline: entries.map(([kind, at, text], n): StoryEntry => ({
      position: String(n),
      entry: { at, actor: 'firebreak', kind, text, detail: {} },
    })),
    decisions: [],
    effects: [],
    signals: [{ startsAt: alertStartedAt } as Signal],
    members: [],
    problems: problemsOf(incident).map((problem) => ({
      ...problem,
      causes: suspects.map(({ change, change_id, version, confidence, reasons }) => ({
        suspect: { change_id, version, confidence, reasons },
        change,
      })),
      evidence,
      failing: [],
    })),
    changes: [],
    curve: evidence.health?.curve ?? [],
    packs: [],
    budgets: [],
    requests: null,
    impact: [],
    team: null,
    people: new Map(),
    names: 'roles',
    dueDays: 14,
  };
}

const clockText = (at: Timestamp): string => `${at.slice(11, 19)} UTC`;

function clockRow(field: string, stated: Timestamp | null, draft: Timestamp): Row {
  const result = stated === null ? 'not published' : resultOf(0, secondsBetween(stated, draft));
  return { field, published: stated && clockText(stated), draft: clockText(draft), result };
}

const resultOf = (stated: number, draft: number): Result =>
  Math.abs(stated - draft) <= AGREE_SECONDS ? 'agrees' : 'differs';

const minutes = (seconds: number): string => `${Number((seconds / 60).toFixed(1))} min`;

const lengthRow = (field: string, stated: number | null, draft: number | null): Row => ({
  field,
  published: stated === null ? null : minutes(stated),
  draft: draft === null ? null : minutes(draft),
  result: stated === null ? 'not published' : draft === null ? 'not in the record' : resultOf(stated, draft),
});

/** Results that the page counts for each incident. */
const SHOWN: readonly Result[] = ['agrees', 'differs', 'not in the record'];

/** Returns the page. */
export function postMortemsDocument(): string {
  const all = comparedPostMortems();
  const count = (rows: readonly Row[], result: Result): number => rows.filter((row) => row.result === result).length;
  const rows = all.flatMap((one) => one.rows);
  const [agreeing, comparable] = [
    count(rows, 'agrees'),
    count(rows, 'agrees') + count(rows, 'differs') + count(rows, 'not in the record'),
  ];
  return `${[
    '# Public post-mortems beside drafts',
    '<!-- Written by features/postmortems/test/public-post-mortems.ts from packages/lab/evaluation/published.ts and packages/lab/evaluation/replays/. Do not edit. -->',
    `Firebreak [drafts](../reference/postmortems.md) the post-mortem of an incident from its record. This page shows such drafts for ten of
the [replayed public incidents](evaluation.md#public-incidents) beside what the authors published. Of ${comparable} published fields,
**${agreeing} agree**, ${count(rows, 'differs')} differ, and ${count(rows, 'not in the record')} are not in the record.`,
    `The record of a replay has the changes, the alert, and the course of the errors, partly assumed: the files in
\`packages/lab/evaluation/replays/\` name each fact and each assumption. Times of resolution, and of a mitigation that undid the recorded
change, are the published ones. Any other mitigation, and the impact, are not in the record. A draft names the first suspect from a
confidence of ${MIN_CONFIDENCE_TO_ASK}; below, it says outage. Times agree if they differ by at most ${AGREE_SECONDS} seconds.`,
    [
      `| incident | cause in the draft | ${SHOWN.join(' | ')} |`,
      `| --- | --- |${SHOWN.map(() => ' --: |').join('')}`,
      ...all.map(({ title, source, rows: ofIncident }) => {
        const cause = ofIncident.find(({ field }) => field === 'Cause')?.draft ?? '–';
        return `| [${title}](${source.url}) | ${cause} | ${SHOWN.map((result) => count(ofIncident, result)).join(' | ')} |`;
      }),
    ].join('\n'),
    'What differs:',
    all
      .flatMap(({ title, rows: ofIncident }) =>
        ofIncident
          .filter(({ result }) => result === 'differs')
          .map(
            ({ field, published: stated, draft }) => `- ${title}: ${field}: published "${stated}", draft "${draft}".`,
          ),
      )
      .join('\n'),
    'To see each field, call `comparedPostMortems()` in `features/postmortems/test/public-post-mortems.ts`.',
  ].join('\n\n')}\n`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(DOCUMENT, postMortemsDocument());
