import { closedAsOf } from '../../../core/domain/incidents/closing.ts';
import { type DraftFacts, type Section, SEV } from '../schemas/postmortem.ts';
import { type ActionItem, ActionItem as ActionItemSchema } from '../../../schemas/action-items/action-item.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import { clockText, minuteText, plusSeconds, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import { formatHealth, IMPROBABLE, isProbable, list, probability } from '../../../core/domain/correlation/words.ts';
import { pointsOf } from '../../../core/domain/correlation/samples.ts';
import { changeName, ofVersion, suspectName } from '../../../core/domain/changes/change-words.ts';
import { activeClearings, clearingsText } from '../../../core/domain/changes/cleared-suspects.ts';
import { deployedOver, fixForward, hasRunOn } from '../../../core/domain/changes/deployed-over.ts';
import { endOf } from '../../../core/domain/changes/versions.ts';
import { causeOf, causeWords } from '../../../core/domain/incidents/cause.ts';
import { ALERTS_ENDED } from '../../../core/domain/incidents/lifecycle.ts';
import { decisionsOf, isDuring, measuredOnset } from '../../../core/domain/incidents/problems.ts';
import { didNotHelp } from '../../../core/domain/rollback/verdict.ts';
import { placedTitle } from '../../../core/domain/messages/place-names.ts';
import { serviceEnvironmentText } from '../../../core/domain/messages/story.ts';
import { ACTION_ITEMS, itemLine } from './action-items.ts';
import { namingOf } from './blameless.ts';
import { QUESTION } from './lint.ts';
import { escaped, markdownOf } from './markdown.ts';
import type { SpentBudget } from '../../../core/domain/ports/error-budgets.ts';
import type { DraftInput, ProblemRecord } from './record.ts';
import { References, type Row, rowOfChange, rowsOf, sentenceCase } from './timeline.ts';
import { ACKNOWLEDGED, MITIGATED, problemTimesOf, type ProblemTimes, timesOf } from './times.ts';
import {
  clockSpan,
  clockTime,
  counted,
  durationWords,
  numberWords,
  percent,
  spanWords,
  sparkline,
  startWords,
} from './words.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

/** A phase that takes longer than this went badly; otherwise it went well. Five minutes: a usual target for critical pages. */
const DETECTED_WITHIN_SECONDS = 5 * 60;
const ACKNOWLEDGED_WITHIN_SECONDS = 5 * 60;
const ANSWERED_WITHIN_SECONDS = 5 * 60;

const DAY_SECONDS = 86_400;

/** Samples that end less than this before the recovery cover it: they come every 30 seconds, and times are shown in minutes. */
const UNSAMPLED_SECONDS = 120;

/** A draft: its text, and what it was made from. */
export type Draft = { markdown: string; facts: DraftFacts };

/** A problem with what the draft says about it. */
type ToldProblem = ProblemRecord & {
  times: ProblemTimes;
  cause: ProblemRecord['causes'][number] | undefined;
  /** Versions that were deployed over its cause while it was open, and are not the cause of another problem, without `fix`. */
  over: readonly Change[];
  /** The version over its cause after which it ended. Undefined: none, or it was mitigated. */
  fix: Change | undefined;
  /** It ended while its cause ran on, and nothing is known to have been done. */
  hasRunOn: boolean;
  /** Names it in an incident of several: `problem 2: `. Empty: it is the only one. */
  label: string;
};

/** Returns whether a problem had ended before its mitigation was known to be done: the deploying system can answer late. */
const endedBefore = ({ times: { mitigated_at, restored_at } }: ToldProblem): boolean =>
  mitigated_at !== null && restored_at !== null && restored_at < mitigated_at;

/** Drafts the post-mortem of an incident. What differs in that of a group can be overridden. */
export class Drafting {
  protected readonly record: DraftInput;
  /** End of the incident, or the time of the draft of an open one. */
  readonly #until: Timestamp;
  protected readonly times: DraftFacts['times'];
  protected readonly problems: readonly ToldProblem[];
  readonly #rows: readonly Row[];
  readonly #references = new References();
  protected readonly naming: ReturnType<typeof namingOf>;
  readonly #fields: boolean[] = [];

  constructor(record: DraftInput, end: Timestamp) {
    this.record = withProbableCauses(record);
    this.#until = end;
    this.times = timesOf(record, end);
    const { problems } = this.record;
    this.problems = problems.map((problem) => {
      const times = problemTimesOf(record, problem);
      const [cause] = problem.causes;
      const ended = { ...problem, ended_at: times.restored_at };
      const over = versionsOver(this.record, ended);
      const fix = times.mitigated_at === null ? fixForward(over, ended) : undefined;
      return {
        ...problem,
        times,
        cause,
        over: over.filter((change) => change !== fix),
        hasRunOn: cause?.change != null && hasRunOn(record.changes, cause.change, ended),
        fix,
        label: problems.length === 1 ? '' : `problem ${problem.number}: `,
      };
    });
    this.naming = namingOf(record);
    this.#rows = rowsOf(this.record, this.naming, { alerted: this.times.alerted_at, end });
    for (const { id, at } of this.#rows) this.#references.refOf(id, at);
  }

  draft(): Draft {
    const sections: Section[] = [
      { heading: 'Summary', text: this.#summary() },
      { heading: 'Impact', text: this.#impact() },
      { heading: 'Timeline', text: this.#timeline() },
      { heading: 'Response times', text: this.#phases() },
      { heading: 'Suspect and evidence', text: this.#suspect() },
      { heading: 'Root cause', text: this.#rootCause() },
      { heading: 'Contributing factors', text: this.#factors() },
      { heading: 'What went well', text: this.#well() },
      { heading: 'What went badly', text: this.#badly() },
      { heading: 'Where we got lucky', text: this.#luck() },
      { heading: ACTION_ITEMS, text: this.#items() },
    ];
    const title = `${this.failure} — ${this.times.alerted_at.slice(0, 10)}`;
    const introduction = this.#introduction();
    const filled = { by_rule: this.#fields.filter(Boolean).length, of: this.#fields.length };
    return {
      markdown: markdownOf({
        title,
        introduction: `${introduction}\n\n${filled.by_rule} of ${filled.of} fields of this draft are filled from the record of the incident (${percent(filled.of === 0 ? 0 : filled.by_rule / filled.of)}). References such as [E1] point at the entries of the timeline.`,
        sections,
      }),
      facts: { citations: this.#references.all, times: this.times, filled },
    };
  }

  /** Formats a sentence with its references. At least one is required. */
  protected sentence(text: string, first: string, ...others: string[]): string {
    return `${sentenceCase(text)} [${[...new Set([first, ...others])].join(', ')}].`;
  }

  /** Counts a field, and returns its text, or the question if the record does not say it. */
  protected field(text: string | null, question: string): string {
    this.#fields.push(text !== null);
    return text ?? `> ${QUESTION} ${question}`;
  }

  /** Returns the reference of the first or the last row of one of these kinds. */
  protected refOfRow(which: 'first' | 'last', ...kinds: readonly string[]): string | undefined {
    return this.refOf(which, ({ kind }) => kinds.includes(kind));
  }

  /** Returns the reference of the first row of these kinds that was written during a problem. */
  #refDuring(problem: ToldProblem, ...kinds: readonly string[]): string | undefined {
    return this.refOf('first', (row) => kinds.includes(row.kind) && isDuring(problem, row.at));
  }

  /** Returns the reference of the newest mitigation of a problem. Undefined: nothing was done, or it did not help. */
  #mitigationRef(problem: ToldProblem): string | undefined {
    return problem.times.mitigated_at === null ? undefined : this.#refOfMitigation(problem);
  }

  #refOfMitigation(problem: ToldProblem): string | undefined {
    return this.refOf('last', (row) => MITIGATED.includes(row.kind) && isDuring(problem, row.at));
  }

  /** Returns the reference of the last row of this kind that is about the newest problem. */
  #refOfLast(...kinds: readonly string[]): string | undefined {
    const newest = this.problems.at(-1);
    return this.refOf('last', (row) => kinds.includes(row.kind) && (newest === undefined || isDuring(newest, row.at)));
  }

  protected refOf(which: 'first' | 'last', matches: (row: Row) => boolean): string | undefined {
    const row = which === 'first' ? this.#rows.find(matches) : this.#rows.findLast(matches);
    return row && this.#references.refOf(row.id, row.at);
  }

  /** The entry with which the incident began. It always exists, also if the timeline has lost it. */
  protected get opening(): string {
    return (
      this.refOfRow('first', 'incident.opened', 'incident.declared') ??
      this.#references.refOf(`incident:${this.record.incident.id}`, this.times.alerted_at)
    );
  }

  /** The entry of the first person who began to work on the incident. */
  get #acknowledgement(): string | undefined {
    const { acknowledged_at: at } = this.times;
    return this.refOf('first', (row) => ACKNOWLEDGED.includes(row.kind) && row.at === at);
  }

  /** The entry with which a problem began. */
  #beginning(problem: ToldProblem): string {
    if (problem.number === 1) return this.opening;
    return this.#refDuring(problem, 'incident.failing_again', 'incident.reopened') ?? this.opening;
  }

  /** The change that is the cause of a problem, if it is a row. */
  #changeRef({ cause }: ToldProblem): string | undefined {
    const { change = null } = cause ?? {};
    return change === null ? undefined : this.#changeRowRef(change);
  }

  #changeRowRef(change: Change): string | undefined {
    return this.refOf('first', ({ id }) => id === rowOfChange(change));
  }

  protected get end(): string {
    return this.refOfRow('last', 'incident.resolved') ?? this.opening;
  }

  /** Names what failed and how, for the title. */
  protected get failure(): string {
    const { incident } = this.record;
    return `${escaped(incident.unmatched || incident.service)} ${this.#failureType()}`;
  }

  /** Names where it failed. */
  protected get place(): string {
    return `**Service:** ${escaped(serviceEnvironmentText(this.record.incident))}`;
  }

  #failureType(): string {
    const cause = this.problems.find((problem) => problem.cause !== undefined)?.cause;
    const { service } = this.record.incident;
    const changed = cause?.change?.service;
    return changed === undefined || changed === service
      ? this.#failedChange(cause)
      : `${this.#failedChange(cause)} of ${escaped(changed)}`;
  }

  #failedChange(cause: ToldProblem['cause']): string {
    if (cause === undefined) return 'outage';
    const { change } = cause;
    switch (change?.kind) {
      case 'migration':
        return 'failed migration';
      case 'flag':
        return 'failed flag change';
      case 'config':
        return 'failed configuration change';
      case 'infrastructure':
        return 'failed infrastructure change';
      case 'experiment':
        return 'failed experiment';
      case 'deploy':
      case 'hotfix':
      case 'rollback':
      case undefined:
        return change?.has_migration === true ? 'failed deployment with a migration' : 'failed deployment';
    }
  }

  #introduction(): string {
    const { incident } = this.record;
    const { alerted_at, resolved_at, duration_seconds, to_restore_seconds } = this.times;
    this.#fields.push(true, true);
    return [
      `- **Severity:** ${SEV[incident.severity]} (${incident.severity})`,
      `- ${this.place}`,
      ...(to_restore_seconds === null ? [] : [`- **Time to restore:** ${durationWords(to_restore_seconds)}`]),
      resolved_at !== null
        ? `- **Open:** ${spanWords(alerted_at, resolved_at)}`
        : `- **Open:** ${durationWords(duration_seconds)} so far, since ${minuteText(alerted_at)}`,
      `- **Incident:** ${incidentName(incident)}`,
    ].join('\n');
  }

  #summary(): string {
    const { duration_seconds, resolved_at, to_restore_seconds } = this.times;
    const opening = this.sentence(this.began, this.opening);
    const end = this.sentence(
      resolved_at === null
        ? `the incident is still open, ${durationWords(duration_seconds)} after ${startWords(this.record.incident, this.times)}`
        : to_restore_seconds !== null
          ? `the time to restore was ${durationWords(to_restore_seconds)}, and the incident was resolved at ${clockText(resolved_at)}`
          : `${this.#closedWords(`at ${clockText(resolved_at)}`)}, and nothing has shown that the service recovered`,
      this.opening,
      this.end,
    );
    return this.field(this.told(opening, end), '');
  }

  /** Says what began, and when. */
  protected get began(): string {
    const { incident } = this.record;
    const failure = this.problems[0]?.title ?? incident.title;
    const failed = escaped(this.naming.text(placedTitle(incident, failure)));
    return incident.opened_by === undefined
      ? `at ${clockText(this.times.alerted_at)} an alert fired for ${failed}`
      : `at ${clockText(incident.opened_at)} ${escaped(this.naming.actor(incident.opened_by))} declared an incident of ${failed}`;
  }

  /** Tells what happened between the sentences about the beginning and the end. */
  protected told(opening: string, end: string): string {
    const [first, ...others] = this.problems;
    if (first === undefined || others.length === 0)
      return [opening, ...(first === undefined ? [] : this.#problemSentences(first)), end].join(' ');
    const [refOfFirst, ...refsOfOthers] = this.problems.map((problem) => this.#beginning(problem));
    const count = this.sentence(
      `the incident had ${counted(this.problems.length, 'problem')}, told here one by one`,
      refOfFirst ?? this.opening,
      ...refsOfOthers,
    );
    const told = this.problems.map((problem) => `- ${this.#problemSentences(problem).join(' ')}`);
    return [`${opening} ${count}`, told.join('\n'), end].join('\n\n');
  }

  get #isOver(): boolean {
    return this.times.resolved_at !== null;
  }

  /** Says how an incident closed whose recovery is not known. */
  #closedWords(when: string): string {
    const { incident } = this.record;
    return closedAsOf(incident) === 'person'
      ? `a person resolved the incident ${when}, while ${incident.firing > 0 ? 'an alert fired' : 'its health was above its limit'}`
      : `the incident was closed ${when}`;
  }

  /** Tells a problem: its beginning and its end in an incident of several, its cause, and what was done about it. */
  #problemSentences(problem: ToldProblem): string[] {
    const { number, cause, label, times, after_change: change } = problem;
    const { mitigated_at, restored_at } = times;
    const isLast = problem.until === null;
    const isOneOfSeveral = label !== '';
    const mitigation = this.#mitigationRef(problem);
    const restored = restored_at === null ? null : clockTime(restored_at);
    const refsOfEnd = this.#refsOfEnd(problem);
    const sentences = [
      ...(isOneOfSeveral
        ? [
            this.sentence(
              `problem ${number} began at ${clockText(times.started_at)}${change === undefined ? '' : `, after ${escaped(change)}`}`,
              this.#beginning(problem),
            ),
          ]
        : []),
      ...(cause === undefined
        ? []
        : [this.sentence(`the probable cause is ${this.#causeWords(cause)}`, ...this.#causeRefs(problem))]),
      ...this.#overSentences(problem),
      ...(cause === undefined && isOneOfSeveral && decisionsOf(problem, this.record.decisions).length > 0
        ? [this.sentence('no change is its probable cause', this.#judgementRef(problem) ?? this.#beginning(problem))]
        : []),
      ...this.#dependencySentence(problem),
      ...this.#questionSentence(problem),
      ...this.#inVainSentence(problem),
      ...this.excludedSentences(problem),
      ...this.wordsSentence(problem),
    ];
    if (mitigation !== undefined && mitigated_at !== null)
      return [
        ...sentences,
        this.sentence(
          restored !== null && endedBefore(problem)
            ? `service was restored at ${restored}, before its mitigation${this.#howUndone(problem)} was known to be done, at ${clockTime(mitigated_at)}`
            : `it was mitigated at ${clockTime(mitigated_at)}${this.#howUndone(problem)}${restored === null ? '' : `, and service was restored at ${restored}`}`,
          mitigation,
          ...refsOfEnd,
        ),
      ];
    if (problem.fix !== undefined && restored !== null)
      return [
        ...sentences,
        this.sentence(
          `it ended at ${restored}, after ${escaped(problem.fix.version)} was deployed over it at ${clockTime(endOf(problem.fix))}`,
          this.#changeRowRef(problem.fix) ?? this.#beginning(problem),
          ...refsOfEnd,
        ),
      ];
    if (problem.hasRunOn && cause !== undefined && restored !== null)
      return [
        ...sentences,
        this.sentence(
          `it ended at ${restored} while ${escaped(cause.suspect.version)} ran on, and the record has nothing that was done: another cause is possible`,
          this.#beginning(problem),
          ...refsOfEnd,
        ),
      ];
    if (!isOneOfSeveral) return sentences;
    const ended =
      restored !== null
        ? `it ended at ${restored}, and the record has no mitigation of it`
        : isLast
          ? problem.recovered_at === undefined
            ? this.#isOver
              ? 'the record does not show its end'
              : 'it has not ended'
            : `it is over since ${clockTime(problem.recovered_at)}${this.#isOver ? '' : ', and the incident is still open'}`
          : 'it had not ended when the next problem began';
    return [...sentences, this.sentence(ended, this.#beginning(problem), ...refsOfEnd)];
  }

  /** Says that the newest mitigation of a problem did not help. Empty: it did, or there is none. */
  #inVainSentence(problem: ToldProblem): string[] {
    const ref = this.#refOfMitigation(problem);
    const at = problem.mitigation?.at;
    if (!didNotHelp(problem) || ref === undefined) return [];
    const failed = this.refOf('last', (row) => row.kind === 'verification.failed' && isDuring(problem, row.at));
    const undone = this.#undoneInVain(problem);
    const suspected =
      undone === undefined
        ? ''
        : `: ${this.#changeWords(undone)} had been suspected, and the problem went on after it was undone`;
    const text = `a mitigation${at === undefined ? '' : ` at ${clockTime(at)}`} did not help${suspected}`;
    const refs = [undone && this.#changeRowRef(undone), failed].filter((one) => one !== undefined);
    return [this.sentence(text, ref, ...refs)];
  }

  /** Says what was suspected of a problem, and why it is not the cause. A mitigation that did not help has a sentence of its own. */
  protected excludedSentences(problem: ToldProblem): string[] {
    const kinds = ['decision.rejected', 'suspect.cleared', 'resolve.requested'];
    return activeClearings(this.record.incident.cleared)
      .filter(({ at, because }) => because !== 'did_not_help' && isDuring(problem, at))
      .map((one) => {
        const ref = this.refOf('last', ({ kind, at }) => kinds.includes(kind) && at === one.at);
        return this.sentence(escaped(this.naming.text(clearingsText([one]))), ref ?? this.#beginning(problem));
      });
  }

  /** Says what a person wrote as the cause of a problem. Empty: nobody did, or it is a change. */
  protected wordsSentence(problem: ToldProblem): string[] {
    const words = causeWords(causeOf(this.record.incident, problem));
    if (words === null) return [];
    return [
      this.sentence(
        escaped(this.naming.text(`the cause is, ${words}`)),
        this.#refOfLast('resolve.requested') ?? this.end,
      ),
    ];
  }

  /** Returns the change that was undone for a problem, which did not help: the newest one until then. */
  #undoneInVain({ mitigation }: ToldProblem): Change | undefined {
    const { changes, incident } = this.record;
    const at = mitigation?.runbook === undefined ? mitigation?.at : undefined;
    return changes.findLast(
      ({ rolled_back_by: by, started_at }) => by === incident.id && at !== undefined && started_at < at,
    );
  }

  /** Says how a problem was mitigated. Empty: otherwise than by undoing the change. */
  #howUndone(problem: ToldProblem): string {
    if (!this.#isUndone(problem)) return '';
    return this.#refDuring(problem, 'mitigation.by_hand') === undefined
      ? ' by undoing the change'
      : ' by deploying the earlier version again, outside Firebreak';
  }

  /** Returns whether a problem was mitigated by undoing the change that is its probable cause. */
  #isUndone(problem: ToldProblem): boolean {
    if (this.#refDuring(problem, 'mitigation.by_hand') !== undefined) return true;
    const done = this.record.effects.filter(
      ({ state, at, flag }) => state === 'succeeded' && flag?.by === undefined && isDuring(problem, at),
    );
    const isOther = done.some(({ kind }) => kind === 'scale' || kind === 'restart' || kind === 'reroute');
    return (
      this.#changeRef(problem) !== undefined &&
      (!isOther || done.some(({ kind }) => kind === 'roll-back' || kind === 'flag'))
    );
  }

  #causeWords({ suspect: { version, confidence }, change }: ProblemRecord['causes'][number]): string {
    const what = this.#changeWords(change === null ? { ...this.record.incident, version } : { ...change, version });
    return `${what}${change?.has_migration === true ? ', which contains a migration' : ''} (${probability(confidence)})`;
  }

  #changeWords(change: Pick<Change, 'service' | 'environment' | 'version'> & Partial<Pick<Change, 'kind'>>): string {
    const { kind = 'deploy' } = change;
    const version = escaped(change.version);
    const what =
      kind === 'deploy' ? `the deployment of ${version} to` : `the ${kind} ${ofVersion({ kind, version })} in`;
    return `${what} ${escaped(change.service)} ${escaped(change.environment)}`;
  }

  /** Names the versions that were deployed over the probable cause, which did not help. */
  #overSentences(problem: ToldProblem): string[] {
    const undone = this.#mitigationRef(problem);
    const isUndone = undone !== undefined && this.#isUndone(problem);
    return problem.over.map((change) => {
      const text = `${escaped(change.version)} was deployed over it at ${clockTime(change.started_at)}${isUndone ? ', and was undone with it' : ''}`;
      return this.sentence(text, this.#changeRowRef(change) ?? this.#beginning(problem), ...(isUndone ? [undone] : []));
    });
  }

  /** The change if it is a row, and the first decision that named it; else the beginning of the problem. */
  #causeRefs(problem: ToldProblem): [string, ...string[]] {
    const version = problem.cause?.suspect.version;
    const named = decisionsOf(problem, this.record.decisions).find(
      ({ from_version, offers = [] }) =>
        from_version === version || offers.some((offer) => offer.from_version === version),
    );
    const decision = named === undefined ? this.#judgementRef(problem) : this.#decisionRef(named.id);
    const [first, ...others] = [this.#changeRef(problem), decision].filter((ref) => ref !== undefined);
    return first === undefined ? [this.#beginning(problem)] : [first, ...others];
  }

  /** The row of the newest decision about a problem. */
  #judgementRef(problem: ToldProblem): string | undefined {
    return this.refOf('last', ({ kind, at }) => kind === 'decision' && isDuring(problem, at));
  }

  protected get restoredRef(): string {
    const newest = this.problems.at(-1);
    return (
      (newest && this.#recoveredRef(newest)) ??
      this.#refOfLast(...ALERTS_ENDED) ??
      this.#refOfLast('verification.passed') ??
      this.end
    );
  }

  /** The entry that says since when a problem is over. Undefined: none does, or it is not over. */
  #recoveredRef(problem: ToldProblem): string | undefined {
    const { recovered_at: over } = problem;
    if (over === undefined) return undefined;
    const saying = (...kinds: readonly string[]): string | undefined =>
      this.refOf('first', ({ kind, at }) => kinds.includes(kind) && at >= over && isDuring(problem, at));
    return saying('incident.recovered') ?? saying(...ALERTS_ENDED, 'verification.passed');
  }

  /** The entry with which a problem ended. Empty: another problem began after it, and none says so. */
  #refsOfEnd(problem: ToldProblem): string[] {
    const ref = problem.until === null ? this.restoredRef : this.#recoveredRef(problem);
    return ref === undefined ? [] : [ref];
  }

  /** Returns the sentence that people were asked for approval, and why. Empty: they were not, or Firebreak acted without an answer. */
  #questionSentence(problem: ToldProblem): string[] {
    const decisions = decisionsOf(problem, this.record.decisions);
    const newest = decisions.at(-1)?.id;
    // A question that was withdrawn to judge again was not there to answer.
    const approval = decisions.find(
      ({ id, kind, approvals, state, withdrawn }) =>
        kind === 'approve' &&
        (state !== 'final' || approvals.given.length > 0) &&
        (withdrawn?.done !== false || id === newest),
    );
    const ref = approval && this.#decisionRef(approval.id);
    if (approval === undefined || ref === undefined) return [];
    const isAnswered =
      approval.state === 'approved' || approval.state === 'rejected' || approval.approvals.given.length > 0;
    if (!isAnswered && decisions.some(({ kind }) => kind === 'roll_back')) return [];
    const migration = approval.reasons.find(({ code }) => code === 'migration_in_deploy');
    const why = migration ?? approval.reasons.find(({ code }) => code === approval.because);
    const answers = ['decision.approved', 'decision.rejected', 'decision.expired', 'decision.withdrawn'];
    const answer = this.refOf('first', ({ kind, at }) => answers.includes(kind) && isDuring(problem, at));
    const text =
      migration === undefined
        ? `Firebreak asked for approval instead of acting on its own${why === undefined ? '' : `: ${escaped(this.naming.text(why.text))}`}`
        : 'because of the migration, Firebreak asked for approval instead of rolling back on its own';
    return [this.sentence(text, ref, ...(answer === undefined ? [] : [answer]))];
  }

  /** Returns the reference of a decision, or of the first one if that has no row. Null: the first one. */
  #decisionRef(id: string | null): string | undefined {
    const row =
      this.#rows.find(({ kind, decision }) => kind === 'decision' && decision === id) ??
      this.#rows.find(({ kind }) => kind === 'decision');
    return row && this.#references.refOf(row.id, row.at);
  }

  #impact(): string {
    const { budgets, impact } = this.record;
    const countedIn = ({ from, until }: SpentBudget): string => clockSpan(from, until);
    const countedBudgets = budgets.filter(({ events }) => events > 0);
    const ref = ({ id }: { id: string }): string => this.#references.refOf(`slo:${id}`, null);
    const failed = countedBudgets.map(
      (budget) =>
        `- ${this.sentence(`about ${numberWords(budget.errors)} of ${numberWords(budget.events)} ${budget.unit} ${budget.unit === 'requests' ? 'failed' : 'were bad'} ${countedIn(budget)}, by the objective ${escaped(budget.title)}`, ref(budget), this.opening)}`,
    );
    const shares = countedBudgets.flatMap((budget) =>
      budget.share === null
        ? []
        : [
            `- ${this.sentence(`${percent(budget.share)} of the error budget of ${escaped(budget.title)} was spent ${countedIn(budget)}`, ref(budget), this.opening)}`,
          ],
    );
    const areCounted = countedBudgets.some(({ unit }) => unit === 'requests');
    return [
      ...(areCounted || failed.length === 0 ? [] : [this.field(failed.join('\n'), '')]),
      // Samples are closer in time than what objectives have counted.
      this.field(
        this.#failedRequests() ?? (areCounted ? failed.join('\n') : null),
        `How many requests failed? Unknown. ${this.whyNotCounted}`,
      ),
      this.field(shares.length === 0 ? null : shares.join('\n'), 'Which share of the error budget was spent?'),
      ...(impact.length === 0
        ? [this.field(null, 'How many users were affected, and what did it cost? No query is configured.')]
        : impact.map(({ title, unit, value, problem }, n) =>
            this.field(
              value === null
                ? null
                : `- ${this.sentence(`${escaped(title)}: ${numberWords(value)}${unit === null ? '' : ` ${escaped(unit)}`}`, this.#references.refOf(`impact:${n + 1}`, this.#until), this.opening)}`,
              `${escaped(title)}? The query gave no value: ${escaped(problem ?? 'no result')}.`,
            ),
          )),
    ].join('\n\n');
  }

  /** Says how many requests failed by the samples of the health query. Null: they do not tell. */
  #failedRequests(): string | null {
    const { requests } = this.record;
    if (requests === null || requests.counts === null) return null;
    const { query, from, until, counts } = requests;
    const share = counts.all > 0 ? ` (${percent(counts.failed / counts.all)})` : '';
    const { restored_at } = this.times;
    const isWhole = restored_at === null || secondsBetween(until, restored_at) < UNSAMPLED_SECONDS;
    return `- ${this.sentence(
      `about ${numberWords(Math.round(counts.failed))} of ${numberWords(Math.round(counts.all))} requests failed${share} ${clockSpan(from, until)}${this.#withoutCalm}, by samples of ${escaped(query)}${isWhole ? '' : `; how many failed after that is unknown, because there are no samples until ${clockTime(restored_at)}`}`,
      this.#references.refOf(`health:${this.record.incident.service}`, until),
      this.opening,
    )}`;
  }

  /** Says that the requests between two problems are not counted. */
  get #withoutCalm(): string {
    return this.problems.length > 1 ? ', without the time between the problems' : '';
  }

  /** Says why it is unknown how many requests failed. */
  protected get whyNotCounted(): string {
    const { requests } = this.record;
    return requests === null
      ? 'No objective has counts for this time, and no samples tell the share of failed requests.'
      : `No query counts the requests. ${sentenceCase(clockSpan(requests.from, requests.until))}${this.#withoutCalm}, ${percent(requests.share)} of them failed on average, by samples of ${escaped(requests.query)}.`;
  }

  /** Says why no graph can be described. */
  protected get whyNoGraph(): string {
    return 'No health query was read.';
  }

  /** Says what is known of the beginning of a problem that was noticed only by its alert. */
  protected whyNotDetected(alerted: Timestamp): string {
    return `Nothing shows that it began before ${clockTime(alerted)}.`;
  }

  #timeline(): string {
    const days = new Set(this.#rows.map(({ at }) => at.slice(0, 10)));
    const rows = this.#rows.map(
      ({ id, at, text }) =>
        `- **${this.#references.refOf(id, at)}** ${days.size > 1 ? `${at.slice(0, 10)} ` : ''}${clockTime(at)} — ${text}`,
    );
    return this.field(`All times are UTC.\n\n${rows.join('\n')}`, '');
  }

  #phases(): string {
    const { to_acknowledge_seconds, to_restore_seconds } = this.times;
    const line = (name: string, seconds: number, ...refs: string[]): string =>
      `- ${this.sentence(`${name}: ${durationWords(seconds)}`, this.opening, ...refs)}`;
    const [ofProblems, isOne] = [this.problems, this.problems.length === 1];
    return [
      ...ofProblems.map((problem) => this.#timeToDetect(problem)),
      this.field(
        to_acknowledge_seconds === null
          ? null
          : isOne
            ? line('time to acknowledge', to_acknowledge_seconds, this.#acknowledgement ?? this.opening)
            : ofProblems.flatMap((problem) => this.#timeToAcknowledge(problem)).join('\n'),
        'When did someone begin to work on it? No one acknowledged the incident.',
      ),
      ...ofProblems.map((problem) => this.timeToMitigate(problem)),
      ...(isOne ? [] : ofProblems.flatMap((problem) => this.#timeToRestore(problem))),
      this.field(
        to_restore_seconds === null
          ? null
          : line(`time to restore${isOne ? '' : ', all problems together'}`, to_restore_seconds, this.restoredRef),
        `When was the service restored? ${this.#whyNotRestored}`,
      ),
    ].join('\n');
  }

  get #whyNotRestored(): string {
    const { resolved_at: at } = this.times;
    if (at === null) return 'The incident is still open.';
    return `${sentenceCase(this.#closedWords(`at ${clockTime(at)}`))}, and nothing has shown that the service recovered.`;
  }

  #timeToDetect(problem: ToldProblem): string {
    const { label, number, times } = problem;
    const { to_detect_seconds: seconds, started_at, alerted_at } = times;
    return this.field(
      seconds === null
        ? null
        : `- ${this.sentence(`${label}time to detect: ${durationWords(seconds)}, from ${clockTime(started_at)}`, this.#beginning(problem))}`,
      `When did ${label === '' ? 'the problem' : `problem ${number}`} begin? ${this.whyNotDetected(alerted_at)}`,
    );
  }

  /** Empty: no one acknowledged this problem, which can have ended before, or begun after someone worked on the incident. */
  #timeToAcknowledge(problem: ToldProblem): string[] {
    const { to_acknowledge_seconds: seconds } = problem.times;
    if (seconds === null) return [];
    const { acknowledged_at: at } = problem.times;
    const acknowledgement = this.refOf('first', (row) => ACKNOWLEDGED.includes(row.kind) && row.at === at);
    const text = `${problem.label}time to acknowledge: ${durationWords(seconds)}`;
    return [`- ${this.sentence(text, this.#beginning(problem), ...(acknowledgement ? [acknowledgement] : []))}`];
  }

  /** Empty: the problem had not ended when the next one began, or nothing has shown its end. */
  #timeToRestore(problem: ToldProblem): string[] {
    const { to_restore_seconds: seconds } = problem.times;
    if (seconds === null) return [];
    const text = `${problem.label}time to restore: ${durationWords(seconds)}`;
    return [`- ${this.sentence(text, this.#beginning(problem), ...this.#refsOfEnd(problem))}`];
  }

  protected timeToMitigate(problem: ToldProblem): string {
    const { label, number, times, fix } = problem;
    const { to_mitigate_seconds: seconds } = times;
    const mitigation = this.#mitigationRef(problem) ?? this.end;
    return this.field(
      seconds === null
        ? null
        : `- ${this.sentence(`${label}time to mitigate: ${durationWords(seconds)}`, this.#beginning(problem), mitigation)}`,
      `What ended the impact${label === '' ? '' : ` of problem ${number}`}, and when? The record has no mitigation${label === '' ? '' : ' of it'}${fix === undefined ? '' : `, but it ended after ${escaped(fix.version)} was deployed`}.`,
    );
  }

  /** Returns whether a mitigation is known, so that no runbook is missing. */
  protected get isMitigated(): boolean {
    return this.problems.every(({ times }) => times.mitigated_at !== null);
  }

  #suspect(): string {
    const { curve } = this.record;
    const health = this.problems.flatMap((problem) => this.#peakSentence(problem) ?? []);
    const [first, last] = [curve[0]?.[0], curve.at(-1)?.[0]];
    const graph =
      first === undefined || last === undefined || health.length === 0
        ? null
        : [
            ...health,
            `Health from ${clockTime(first)} to ${clockTime(last)}: \`${sparkline(pointsOf(curve, last))}\``,
          ].join('\n\n');
    return [
      ...this.problems.map((problem) => this.causeField(problem)),
      this.field(graph, `What do the graphs show? ${this.whyNoGraph}`),
      ...this.#evidencePacks(),
    ].join('\n\n');
  }

  protected causeField(problem: ToldProblem): string {
    const { cause, label, number } = problem;
    const question = `Which change or event was the cause${label === '' ? '' : ` of problem ${number}`}? Firebreak found no suspect.`;
    const [words] = this.wordsSentence(problem);
    if (cause === undefined)
      return [
        ...this.excludedSentences(problem),
        ...this.#dependencySentence(problem, label),
        this.field(words ?? null, question),
      ].join('\n\n');
    const refs = this.#causeRefs(problem);
    const judged = decisionsOf(problem, this.record.decisions).findLast((one) => one.question === undefined);
    const reasons = cause.suspect.reasons.map(
      (reason) => `- ${this.sentence(escaped(this.naming.text(reason)), ...refs)}`,
    );
    const named = [
      this.sentence(`${label}the probable cause is ${this.#causeWords(cause)}`, ...refs),
      ...this.#overSentences(problem),
      ...(judged === undefined || reasons.length === 0
        ? []
        : [this.sentence(`at ${clockTime(judged.at)}, this was known of it`, this.#decisionRef(judged.id) ?? refs[0])]),
    ].join(' ');
    return this.field([named, ...(reasons.length === 0 ? [] : [reasons.join('\n')])].join('\n\n'), question);
  }

  /** Names the dependencies that failed at the same time. Empty: none is known to, or a change is the probable cause. */
  #dependencySentence(problem: ToldProblem, label = ''): string[] {
    const { failing, cause } = problem;
    const ref = this.#judgementRef(problem);
    if (cause !== undefined || ref === undefined || failing.length === 0) return [];
    const its = `its ${failing.length === 1 ? 'dependency' : 'dependencies'}`;
    return [this.sentence(`${label}${its} ${list(failing.map(escaped))} failed at the same time`, ref)];
  }

  /** Points at the stored evidence of actions. */
  #evidencePacks(): string[] {
    return this.record.packs.map(({ name, at, sha256, url }) => {
      const document = url === null ? `\`${name}\`` : `[${name}](${url})`;
      return this.sentence(
        `what Firebreak knew when it acted at ${clockTime(at)} is stored in the evidence ${document}, SHA-256 \`${sha256}\``,
        this.#actionRef(at),
      );
    });
  }

  /** The row of the action that began at this time; else the opening. */
  #actionRef(at: Timestamp): string {
    const row = this.#rows.find((candidate) => candidate.at === at && candidate.kind.endsWith('.started'));
    return row === undefined ? this.opening : this.#references.refOf(row.id, row.at);
  }

  /** Says when a problem began, and how bad health was until the next one. Null: its judgements have read no samples. */
  #peakSentence(problem: ToldProblem): string | null {
    const { evidence, label } = problem;
    const health = evidence?.health ?? null;
    const { curve } = this.record;
    const last = curve.at(-1)?.[0];
    if (evidence === null || health === null || last === undefined) return null;
    const began = problem.times.started_at;
    // The samples that show the onset of the next problem are those of that one, also if its alert came later.
    const next = this.problems[problem.number];
    const own = curve.filter(
      ([at]) =>
        at >= began &&
        (problem.recovered_at === undefined || at <= problem.recovered_at) &&
        (next === undefined || at < next.times.started_at),
    );
    if (own.length === 0) return null;
    const peak = pointsOf(own, last).reduce((greatest, { value }) => Math.max(greatest, value), 0);
    const limit = Number.isFinite(health.max) ? ` (healthy up to ${formatHealth(health.max, health.whole)})` : '';
    return this.sentence(
      `${label}${label === '' ? 'the problem ' : ''}began at ${clockTime(measuredOnset(problem, evidence).at)}, and the health query peaked at ${formatHealth(peak, health.whole)}${limit}`,
      (label === '' ? this.#decisionRef(null) : this.#judgementRef(problem)) ?? this.#beginning(problem),
    );
  }

  #rootCause(): string {
    return this.problems
      .flatMap(({ cause, over, fix, number, label }) => {
        const version = cause === undefined ? null : escaped(cause.suspect.version);
        return [
          ...(cause?.change?.has_migration === true
            ? [
                this.field(
                  null,
                  `Which statement of the migration in ${version} broke the service, and how can the schema be changed in steps that both versions accept?`,
                ),
              ]
            : []),
          this.field(
            null,
            version === null
              ? `What failed${label === '' ? '' : ` in problem ${number}`}, and why?`
              : `What in ${version} made the service fail, and why did it not show before production?`,
          ),
          ...(fix === undefined
            ? []
            : [this.field(null, `What did ${escaped(fix.version)} change that ended the failure?`)]),
          ...over.map((change) =>
            this.field(
              null,
              `Did ${escaped(change.version)}, which was deployed over ${version}, have a fault of its own?`,
            ),
          ),
        ];
      })
      .join('\n\n');
  }

  #factors(): string {
    const { to_detect_seconds } = this.times;
    return [
      this.field(null, 'Which conditions made the failure possible, or made it worse?'),
      ...(to_detect_seconds !== null && to_detect_seconds > DETECTED_WITHIN_SECONDS
        ? [this.field(null, `What made the detection take ${durationWords(to_detect_seconds)}?`)]
        : []),
    ].join('\n\n');
  }

  #well(): string {
    const { to_detect_seconds, to_acknowledge_seconds } = this.times;
    const last = this.problems.at(-1);
    const verified = last?.verification === 'passed' ? this.#refOfLast('verification.passed') : undefined;
    const acknowledgement = this.#acknowledgement;
    return this.#list(
      [
        ...(to_detect_seconds !== null && to_detect_seconds <= DETECTED_WITHIN_SECONDS
          ? [this.sentence(`the alert fired within ${durationWords(to_detect_seconds)} of the onset`, this.opening)]
          : []),
        ...this.problems.flatMap((problem) => [
          ...this.#automaticSentence(problem),
          ...this.#questionSentence(problem),
        ]),
        ...(to_acknowledge_seconds !== null &&
        to_acknowledge_seconds <= ACKNOWLEDGED_WITHIN_SECONDS &&
        acknowledgement !== undefined
          ? [
              this.sentence(
                `a person acknowledged the incident within ${durationWords(to_acknowledge_seconds)}`,
                acknowledgement,
              ),
            ]
          : []),
        ...(verified === undefined
          ? []
          : [
              this.sentence(
                `the recovery was verified${this.#isOver ? ' before the incident was resolved' : ''}`,
                verified,
                this.end,
              ),
            ]),
        ...this.problems.flatMap((problem) => this.#undoneSentence(problem)),
      ],
      'What helped to find and to end the problem?',
    );
  }

  /** Says that Firebreak acted on its own. Empty: it did not. */
  #automaticSentence(problem: ToldProblem): string[] {
    const { to_mitigate_seconds: seconds } = problem.times;
    const mitigation = this.#mitigationRef(problem);
    const automatic = decisionsOf(problem, this.record.decisions).find(
      ({ kind, because }) => kind === 'roll_back' && because !== 'requested_by_person',
    );
    const decided = automatic && this.#decisionRef(automatic.id);
    if (decided === undefined || mitigation === undefined || seconds === null || endedBefore(problem)) return [];
    const text = `${problem.label}Firebreak mitigated on its own, ${durationWords(seconds)} after the alert`;
    return [this.sentence(text, decided, mitigation)];
  }

  /** Says that undoing the suspected change helped. Empty: it was not undone, or nothing has shown that. */
  #undoneSentence(problem: ToldProblem): string[] {
    const mitigation = this.#mitigationRef(problem);
    const { verification, until, recovered_at: end } = problem;
    const hasHelped = verification === 'passed' || (until !== null && end !== undefined);
    if (mitigation === undefined || !hasHelped || endedBefore(problem) || !this.#isUndone(problem)) return [];
    return [
      this.sentence(
        `${problem.label}undoing the suspected change restored the service, which supports the suspicion`,
        ...this.#causeRefs(problem),
        mitigation,
      ),
    ];
  }

  #badly(): string {
    const { incident, decisions } = this.record;
    const { to_detect_seconds, to_acknowledge_seconds } = this.times;
    const failed = this.#rows.filter(({ kind }) =>
      [
        'mitigation.failed',
        'mitigation.gave_up',
        'mitigation.refused',
        'verification.failed',
        'page.failed',
        'runbook.failed',
      ].includes(kind),
    );
    const waiting = decisions.flatMap(({ id, kind, state }) => {
      const ref = this.#decisionRef(id);
      const question = this.#rows.find((row) => row.kind === 'decision' && row.decision === id);
      const answer = this.#rows.find(
        (row) => row.kind === 'decision.approved' && question !== undefined && row.at >= question.at,
      );
      if (
        kind !== 'approve' ||
        state !== 'approved' ||
        question === undefined ||
        answer === undefined ||
        ref === undefined
      )
        return [];
      const seconds = secondsBetween(question.at, answer.at);
      return seconds <= ANSWERED_WITHIN_SECONDS
        ? []
        : [
            this.sentence(
              `the approval took ${durationWords(seconds)}`,
              ref,
              this.#references.refOf(answer.id, answer.at),
            ),
          ];
    });
    const escalations = incident.escalated?.length ?? 0;
    return this.#list(
      [
        ...(to_detect_seconds !== null && to_detect_seconds > DETECTED_WITHIN_SECONDS
          ? [this.sentence(`the alert fired only ${durationWords(to_detect_seconds)} after the onset`, this.opening)]
          : []),
        ...(to_acknowledge_seconds !== null && to_acknowledge_seconds > ACKNOWLEDGED_WITHIN_SECONDS
          ? [
              this.sentence(
                `it took ${durationWords(to_acknowledge_seconds)} until a person acknowledged`,
                this.#acknowledgement ?? this.opening,
              ),
            ]
          : []),
        ...(escalations > 0
          ? [
              this.sentence(
                `the page was repeated ${counted(escalations, 'time')}, because no one acknowledged it`,
                this.opening,
              ),
            ]
          : []),
        ...waiting,
        ...failed
          .slice(0, 5)
          .map(({ id, at, text }) =>
            this.sentence(`this did not work: ${text.replace(/\.$/, '')}`, this.#references.refOf(id, at)),
          ),
      ],
      'What slowed down the detection or the response?',
    );
  }

  #luck(): string {
    return this.#list([], 'What could have made it worse, but did not?');
  }

  #list(sentences: readonly string[], question: string): string {
    return this.field(sentences.length === 0 ? null : sentences.map((text) => `- ${text}`).join('\n'), question);
  }

  #items(): string {
    const { team, dueDays } = this.record;
    const { to_detect_seconds } = this.times;
    const owner = ActionItemSchema.shape.owner.safeParse(team).data ?? null;
    const due = plusSeconds(this.#until, dueDays * DAY_SECONDS).slice(0, 10);
    const item = (title: string, priority: 'P1' | 'P2', isOwn = true): ActionItem => ({
      title: truncated(title.trim(), 400),
      done: false,
      owner: isOwn ? owner : null,
      due,
      priority,
    });
    const items = [
      ...this.problems.flatMap(({ cause }) => {
        if (cause === undefined) return [];
        const version = escaped(suspectName(cause.suspect));
        const isOwn = cause.suspect.service === undefined;
        return [
          ...(cause.change?.has_migration === true
            ? [item(`Split the migration in ${version} into steps that the version before also accepts`, 'P1', isOwn)]
            : []),
          item(`Add a check that stops a failure such as that of ${version} before production`, 'P1', isOwn),
        ];
      }),
      ...(to_detect_seconds !== null && to_detect_seconds > DETECTED_WITHIN_SECONDS
        ? [item(`Detect this failure sooner: it began ${durationWords(to_detect_seconds)} before the alert`, 'P2')]
        : []),
      ...(this.isMitigated ? [] : [item('Describe or automate the mitigation of this failure in a runbook', 'P2')]),
    ];
    return this.field(
      items.length === 0 ? null : items.map(itemLine).join('\n'),
      'What prevents this failure, or makes it shorter?',
    );
  }
}

/** Returns the versions that were deployed over the probable cause of a problem, and are not the cause of the next one, oldest first. */
function versionsOver(
  { changes, problems }: DraftInput,
  problem: ProblemRecord & { ended_at: Timestamp | null },
): Change[] {
  const cause = problem.causes[0]?.change;
  const next = problems[problem.number];
  return cause == null
    ? []
    : deployedOver(changes, cause, problem).filter((one) => next?.after_change !== changeName(one, one.service));
}

/**
 * Returns the record with only those suspects of each problem that a draft calls probable: those that are probable enough for a
 * question, and the change before the problem that was rolled back for it, unless it is improbable. Other suspects are only candidates that nothing excludes.
 */
export const withProbableCauses = (record: DraftInput): DraftInput => ({
  ...record,
  problems: record.problems.map((problem) => ({
    ...problem,
    causes: problem.causes.filter(
      ({ suspect, change }) =>
        isProbable(suspect) ||
        (suspect.confidence >= IMPROBABLE &&
          change?.rolled_back_by === record.incident.id &&
          change.started_at <= problem.at),
    ),
  })),
});
