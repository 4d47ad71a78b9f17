import type { Effect, IncidentRecord, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { type InboxPost, inboxPostOf } from '../incidents/inbox-post.ts';
import { mitigated } from '../incidents/new-onset.ts';
import type { IncidentChange } from '../ports/incidents.ts';
import type { BegunRunbook, SelectedRunbook, RunbookEnd, StartedRun } from '../ports/runbooks.ts';
import { nextManualRun, nextStepsText } from './manual-runs.ts';

/** Returns the timeline entry of a runbook that was selected for alerts. */
export function selectionEntry(
  { runbook }: SelectedRunbook,
  number: number,
  because: string,
  at: Timestamp,
): TimelineEntry {
  const { name, version, title } = runbook;
  return {
    at,
    actor: 'firebreak',
    kind: 'runbook.started',
    text: `Started the runbook "${title}" (${name}, version ${version.slice(0, 12)}): ${because}`,
    detail: { runbook: name, version, number },
  };
}

/** A run that a person starts. `before`: the newest run of this runbook, which has ended; null: none. */
export type RunPlan = { kind: 'starts'; number: number; before: number | null; post: InboxPost; entry: TimelineEntry };

/** Decides whether a person can start a run. A runbook has one run at a time within an incident. */
export function planRun(
  incident: IncidentRecord | undefined,
  begun: readonly BegunRunbook[],
  { runbook, by, continues: continued }: SelectedRunbook & { by: string },
  at: Timestamp,
): RunPlan | Exclude<StartedRun, { kind: 'started' }> {
  if (incident === undefined || incident.status === 'resolved') return { kind: 'closed' };
  const { name, version, title } = runbook;
  const runsOfRunbook = begun.filter((run) => run.name === name);
  const running = runsOfRunbook.find((run) => !run.done);
  if (running !== undefined) return { kind: 'running', number: running.number };
  const number = nextManualRun(begun.map((run) => run.number));
  if (number === null) return { kind: 'too_many' };
  const from = continued === undefined ? '' : ` again, from ${nextStepsText(runbook, continued.done)}`;
  const timeline = {
    actor: by,
    kind: 'runbook.started',
    text: `Started the runbook "${title}" (${name}, version ${version.slice(0, 12)})${from}`,
    detail: { runbook: name, version, number },
  };
  return {
    kind: 'starts',
    number,
    before: runsOfRunbook.at(-1)?.number ?? null,
    post: inboxPostOf(incident, { kind: 'runbook_run', number }, at, { timeline }),
    entry: { ...timeline, at },
  };
}

/** Returns what follows from the end of a run: a message, or only a timeline entry if the incident is resolved. */
export function planRunEnd(
  incident: IncidentRecord,
  effects: readonly Pick<Effect, 'resource' | 'state'>[],
  { number, outcome, text, acted, page }: RunbookEnd & { number: number },
  at: Timestamp,
): { kind: 'post'; post: InboxPost } | { kind: 'entry'; entry: TimelineEntry } {
  const timeline = { actor: 'firebreak', kind: `runbook.${outcome}`, text, detail: { number } };
  if (incident.status === 'resolved') return { kind: 'entry', entry: { ...timeline, at } };
  const change = { ...statusAfterRun(incident, effects, number, acted, at), timeline };
  return { kind: 'post', post: inboxPostOf(incident, { kind: 'runbook', number, acted, page }, at, change) };
}

/** Returns the incident's status after a run has ended. */
function statusAfterRun(
  incident: IncidentRecord,
  effects: readonly Pick<Effect, 'resource' | 'state'>[],
  number: number,
  acted: boolean,
  at: Timestamp,
): IncidentChange {
  const { status, verification } = incident;
  if (acted) return mitigated(incident, { number: 0, runbook: number, at });
  // Another action of this incident may be changing production now.
  const isActing = effects.some(
    ({ resource, state }) => resource !== undefined && (state === 'intended' || state === 'accepted'),
  );
  if (status !== 'mitigating' || isActing) return {};
  // A failed runbook does not undo an earlier mitigation.
  return { status: verification === 'not_needed' || verification === 'failed' ? 'open' : 'mitigated' };
}
