import { closedAsOf } from '../../../core/domain/incidents/closing.ts';
import { type DraftFacts, type Section, SEV } from '../schemas/postmortem.ts';
import { type ActionItem, ActionItem as ActionItemSchema } from '../../../schemas/action-items/action-item.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import { probability } from '../../../core/domain/correlation/words.ts';
import { onsetOf } from '../../../core/domain/correlation/onset.ts';
import { pointsOf } from '../../../core/domain/correlation/samples.ts';
import { serviceEnvironmentText } from '../../../core/domain/messages/story.ts';
import { withoutCredentials } from '../../../core/domain/redaction/credentials.ts';
import { ACTION_ITEMS, itemLine } from './action-items.ts';
import { namingOf } from './blameless.ts';
import { QUESTION } from './lint.ts';
import { escaped, markdownOf } from './markdown.ts';
import type { CitableEntry } from './proposed-wording.ts';
import type { DraftInput } from './record.ts';
import { References, type Row, rowsOf, sentenceCase } from './timeline.ts';
import { timesOf } from './times.ts';
import { clockTime, counted, durationWords, numberWords, percent, sparkline } from './words.ts';
import { MIN_CONFIDENCE_TO_ASK } from '../../../core/domain/correlation/weights.ts';

/** A draft: its text, and what it was made from. */
export type Draft = { markdown: string; facts: DraftFacts };

/** Returns the entries of the timeline as a draft that names roles would show them, with their references. */
export function citableEntriesOf(
  record: DraftInput,
  end: Timestamp,
  citations: DraftFacts['citations'],
): CitableEntry[] {
  const withCauses = { ...withoutCredentials(record), names: 'roles' as const, causes: probableCauses(record) };
  const { alerted_at: alerted, resolved_at } = timesOf(record, end);
  const refs = new Map(citations.map(({ id, ref }) => [id, ref]));
  return rowsOf(withCauses, namingOf(withCauses), { alerted, end: resolved_at }).flatMap(({ id, at, text }) => {
    const ref = refs.get(id);
    return ref === undefined ? [] : [{ ref, at, text }];
  });
}

/** A phase that takes longer than this went badly; otherwise it went well. Five minutes: a usual target for critical pages. */
const DETECTED_WITHIN_SECONDS = 5 * 60;
const ACKNOWLEDGED_WITHIN_SECONDS = 5 * 60;
const ANSWERED_WITHIN_SECONDS = 5 * 60;

const DAY_SECONDS = 86_400;

/** Samples that end less than this before the recovery cover it: they come every 30 seconds, and times are shown in minutes. */
const UNSAMPLED_SECONDS = 120;

/**
 * Drafts a post-mortem from the record of an incident. Every sentence points at its entries, and what the record does
 * not say is a question. The same record gives the same text, without credentials.
 *
 * @param end takes the place of the end of an incident that is not over
 */
export function draftOf(record: DraftInput, end: Timestamp): Draft {
  return new Drafting(withoutCredentials(record), end).draft();
}

class Drafting {
  readonly #record: DraftInput;
  readonly #times: DraftFacts['times'];
  readonly #rows: readonly Row[];
  readonly #references = new References();
  readonly #naming: ReturnType<typeof namingOf>;
  readonly #fields: boolean[] = [];

  constructor(record: DraftInput, end: Timestamp) {
    this.#record = { ...record, causes: probableCauses(record) };
    this.#times = timesOf(record, end);
    this.#naming = namingOf(record);
    this.#rows = rowsOf(this.#record, this.#naming, { alerted: this.#times.alerted_at, end: this.#times.resolved_at });
    for (const { id, at } of this.#rows) this.#references.refOf(id, at);
  }

  draft(): Draft {
    const { incident } = this.#record;
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
    const title = `${escaped(incident.unmatched || incident.service)} ${this.#failureType()} — ${this.#times.alerted_at.slice(0, 10)}`;
    const introduction = this.#introduction();
    const filled = { by_rule: this.#fields.filter(Boolean).length, of: this.#fields.length };
    return {
      markdown: markdownOf({
        title,
        introduction: `${introduction}\n\n${filled.by_rule} of ${filled.of} fields of this draft are filled from the record of the incident (${percent(filled.of === 0 ? 0 : filled.by_rule / filled.of)}). References such as [E1] point at the entries of the timeline.`,
        sections,
      }),
      facts: { citations: this.#references.all, times: this.#times, filled },
    };
  }

  /** Formats a sentence with its references. At least one is required. */
  #sentence(text: string, first: string, ...others: string[]): string {
    return `${sentenceCase(text)} [${[...new Set([first, ...others])].join(', ')}].`;
  }

  /** Counts a field, and returns its text, or the question if the record does not say it. */
  #field(text: string | null, question: string): string {
    this.#fields.push(text !== null);
    return text ?? `> ${QUESTION} ${question}`;
  }

  /** Returns the reference of the first or the last row of one of these kinds. */
  #refOfRow(which: 'first' | 'last', ...kinds: string[]): string | undefined {
    const isOfKind = ({ kind }: Row): boolean => kinds.includes(kind);
    const row = which === 'first' ? this.#rows.find(isOfKind) : this.#rows.findLast(isOfKind);
    return row && this.#references.refOf(row.id, row.at);
  }

  /** The entry with which the incident began. It always exists, also if the timeline has lost it. */
  get #opening(): string {
    return (
      this.#refOfRow('first', 'incident.opened', 'incident.declared') ??
      this.#references.refOf(`incident:${this.#record.incident.id}`, this.#times.alerted_at)
    );
  }

  get #end(): string {
    return this.#refOfRow('last', 'incident.resolved') ?? this.#opening;
  }

  #failureType(): string {
    const [cause] = this.#record.causes;
    if (cause === undefined)
      return this.#record.incident.group_reason === undefined ? 'outage' : 'outage of several services';
    const { change } = cause;
    if (change?.has_migration === true) return 'failed migration';
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
        return 'failed deployment';
    }
  }

  #introduction(): string {
    const { incident } = this.#record;
    const { alerted_at, resolved_at, duration_seconds } = this.#times;
    const until =
      resolved_at.slice(0, 10) === alerted_at.slice(0, 10)
        ? clockTime(resolved_at)
        : `${resolved_at.slice(0, 10)} ${clockTime(resolved_at)}`;
    this.#fields.push(true, true);
    return [
      `- **Severity:** ${SEV[incident.severity]} (${incident.severity})`,
      `- **Service:** ${escaped(serviceEnvironmentText(incident))}`,
      `- **Duration:** ${durationWords(duration_seconds)}, from ${alerted_at.slice(0, 10)} ${clockTime(alerted_at)} to ${until} UTC`,
      `- **Incident:** ${incidentName(incident)}`,
    ].join('\n');
  }

  #summary(): string {
    const { incident, causes } = this.#record;
    const { alerted_at, mitigated_at, duration_seconds, restored_at } = this.#times;
    const what = `${serviceEnvironmentText(incident)}: ${incident.title}`;
    const isVerified = closedAsOf(incident) !== 'unverified';
    const [cause] = causes;
    const began = this.#refOfRow('first', 'change');
    const mitigation = this.#refOfRow('first', 'mitigation.succeeded');
    const sentences = [
      this.#sentence(
        `at ${clockTime(alerted_at)} UTC an alert fired for ${escaped(this.#naming.text(what))}`,
        this.#opening,
      ),
      ...(cause === undefined
        ? []
        : [this.#sentence(`the probable cause is ${this.#causeWords(cause)}`, ...this.#causeRefs())]),
      ...this.#questionSentence(),
      ...(mitigation === undefined || mitigated_at === null
        ? []
        : [
            this.#sentence(
              `it was mitigated at ${clockTime(mitigated_at)}${began === undefined ? '' : ' by undoing the change'}${isVerified ? `, and service was restored at ${clockTime(restored_at)}` : ''}`,
              mitigation,
              this.#restoredRef,
            ),
          ]),
      this.#sentence(
        isVerified
          ? `the incident was resolved after ${durationWords(duration_seconds)}`
          : `the incident was closed after ${durationWords(duration_seconds)}, and nothing has shown that the service recovered`,
        this.#opening,
        this.#end,
      ),
    ];
    return this.#field(sentences.join(' '), '');
  }

  #causeWords({ suspect, change }: DraftInput['causes'][number]): string {
    const what = change === null || change.kind === 'deploy' ? 'the deployment' : `the ${change.kind}`;
    const where = change === null ? this.#record.incident : change;
    return `${what} of ${escaped(suspect.version)} to ${escaped(where.service)} ${escaped(where.environment)}${change?.has_migration === true ? ', which contains a migration' : ''} (${probability(suspect.confidence)})`;
  }

  /** The change if it is a row, and the first decision that named it; else the opening. */
  #causeRefs(): [string, ...string[]] {
    const version = this.#record.causes[0]?.suspect.version;
    const named = this.#record.decisions.find(
      ({ from_version, offers = [] }) =>
        from_version === version || offers.some((offer) => offer.from_version === version),
    );
    const decision = named === undefined ? this.#refOfRow('last', 'decision') : this.#decisionRef(named.id);
    const [first, ...others] = [this.#refOfRow('first', 'change'), decision].filter((ref) => ref !== undefined);
    return first === undefined ? [this.#opening] : [first, ...others];
  }

  get #restoredRef(): string {
    return this.#refOfRow('last', 'alerts.resolved') ?? this.#refOfRow('last', 'verification.passed') ?? this.#end;
  }

  /** Returns the sentence that people were asked for approval, and why. Empty: they were not. */
  #questionSentence(): string[] {
    const approval = this.#record.decisions.find(
      ({ kind, approvals, state }) => kind === 'approve' && (state !== 'final' || approvals.given.length > 0),
    );
    const ref = approval && this.#decisionRef(approval.id);
    if (approval === undefined || ref === undefined) return [];
    const migration = approval.reasons.find(({ code }) => code === 'migration_in_deploy');
    const why = migration ?? approval.reasons.find(({ code }) => code === approval.because);
    const answer = this.#refOfRow(
      'first',
      'decision.approved',
      'decision.rejected',
      'decision.expired',
      'decision.withdrawn',
    );
    const text =
      migration === undefined
        ? `Firebreak asked for approval instead of acting on its own${why === undefined ? '' : `: ${escaped(this.#naming.text(why.text))}`}`
        : 'because of the migration, Firebreak asked for approval instead of rolling back on its own';
    return [this.#sentence(text, ref, ...(answer === undefined ? [] : [answer]))];
  }

  /** Returns the reference of a decision, or of the first one if that has no row. Null: the first one. */
  #decisionRef(id: string | null): string | undefined {
    const row =
      this.#rows.find(({ kind, decision }) => kind === 'decision' && decision === id) ??
      this.#rows.find(({ kind }) => kind === 'decision');
    return row && this.#references.refOf(row.id, row.at);
  }

  #impact(): string {
    const { budgets, impact } = this.#record;
    const { started_at, restored_at } = this.#times;
    const countedBudgets = budgets.filter(({ events }) => events > 0);
    const ref = ({ id }: { id: string }): string => this.#references.refOf(`slo:${id}`, null);
    const failed = countedBudgets.map(
      (budget) =>
        `- ${this.#sentence(`${numberWords(budget.errors)} of ${numberWords(budget.events)} ${budget.unit} ${budget.unit === 'requests' ? 'failed' : 'were bad'} from ${clockTime(started_at)} to ${clockTime(restored_at)}, by the objective ${escaped(budget.title)}`, ref(budget), this.#opening)}`,
    );
    const shares = countedBudgets.flatMap((budget) =>
      budget.share === null
        ? []
        : [
            `- ${this.#sentence(`this spent ${percent(budget.share)} of its error budget (${escaped(budget.title)})`, ref(budget), this.#opening)}`,
          ],
    );
    const areCounted = countedBudgets.some(({ unit }) => unit === 'requests');
    return [
      ...(areCounted || failed.length === 0 ? [] : [this.#field(failed.join('\n'), '')]),
      this.#field(areCounted ? failed.join('\n') : this.#failedRequests(), this.#whyNotCounted()),
      this.#field(shares.length === 0 ? null : shares.join('\n'), 'Which share of the error budget was spent?'),
      ...(impact.length === 0
        ? [this.#field(null, 'How many users were affected, and what did it cost? No query is configured.')]
        : impact.map(({ title, unit, value, problem }, n) =>
            this.#field(
              value === null
                ? null
                : `- ${this.#sentence(`${escaped(title)}: ${numberWords(value)}${unit === null ? '' : ` ${escaped(unit)}`}`, this.#references.refOf(`impact:${n + 1}`, this.#times.resolved_at), this.#opening)}`,
              `${escaped(title)}? The query gave no value: ${escaped(problem ?? 'no result')}.`,
            ),
          )),
    ].join('\n\n');
  }

  /** Says how many requests failed by the samples of the health query. Null: they do not tell. */
  #failedRequests(): string | null {
    const { requests } = this.#record;
    if (requests === null || requests.counts === null) return null;
    const { query, from, until, counts } = requests;
    const share = counts.all > 0 ? ` (${percent(counts.failed / counts.all)})` : '';
    const isWhole = secondsBetween(until, this.#times.restored_at) < UNSAMPLED_SECONDS;
    return `- ${this.#sentence(
      `about ${numberWords(Math.round(counts.failed))} of ${numberWords(Math.round(counts.all))} requests failed${share} from ${clockTime(from)} to ${clockTime(until)}, by samples of ${escaped(query)}${isWhole ? '' : `; how many failed after that is unknown, because there are no samples until ${clockTime(this.#times.restored_at)}`}`,
      this.#references.refOf(`health:${this.#record.incident.service}`, until),
      this.#opening,
    )}`;
  }

  /** Asks how many requests failed, and says why that is unknown. */
  #whyNotCounted(): string {
    const { requests } = this.#record;
    const why =
      requests === null
        ? 'No objective has counts for this time, and no samples tell the share of failed requests.'
        : `No query counts the requests. From ${clockTime(requests.from)} to ${clockTime(requests.until)}, ${percent(requests.share)} of them failed on average, by samples of ${escaped(requests.query)}.`;
    return `How many requests failed? Unknown. ${why}`;
  }

  #timeline(): string {
    const days = new Set(this.#rows.map(({ at }) => at.slice(0, 10)));
    const rows = this.#rows.map(
      ({ id, at, text }) =>
        `- **${this.#references.refOf(id, at)}** ${days.size > 1 ? `${at.slice(0, 10)} ` : ''}${clockTime(at)} — ${text}`,
    );
    return this.#field(`All times are UTC.\n\n${rows.join('\n')}`, '');
  }

  #phases(): string {
    const { to_detect_seconds, to_acknowledge_seconds, to_mitigate_seconds, to_restore_seconds, started_at } =
      this.#times;
    const acknowledgement =
      this.#refOfRow('first', 'incident.acknowledged', 'page.acknowledged', 'role.taken') ?? this.#opening;
    const detected = `- ${this.#sentence(`time to detect: ${durationWords(to_detect_seconds)}, from ${clockTime(started_at)}`, this.#opening)}`;
    const line = (name: string, seconds: number, ...refs: string[]): string =>
      `- ${this.#sentence(`${name}: ${durationWords(seconds)}`, this.#opening, ...refs)}`;
    return [
      this.#field(detected, ''),
      this.#field(
        to_acknowledge_seconds === null ? null : line('time to acknowledge', to_acknowledge_seconds, acknowledgement),
        'When did someone begin to work on it? No one acknowledged the incident.',
      ),
      this.#field(
        to_mitigate_seconds === null
          ? null
          : line('time to mitigate', to_mitigate_seconds, this.#refOfRow('first', 'mitigation.succeeded') ?? this.#end),
        'What ended the impact, and when? The record has no mitigation.',
      ),
      this.#field(line('time to restore', to_restore_seconds, this.#restoredRef), ''),
    ].join('\n');
  }

  #suspect(): string {
    const { causes, evidence } = this.#record;
    const [cause] = causes;
    const reasons =
      cause?.suspect.reasons.map(
        (reason) => `- ${this.#sentence(escaped(this.#naming.text(reason)), ...this.#causeRefs())}`,
      ) ?? [];
    const shown =
      cause === undefined
        ? null
        : [
            this.#sentence(`the probable cause is ${this.#causeWords(cause)}`, ...this.#causeRefs()),
            ...(reasons.length === 0 ? [] : [reasons.join('\n')]),
          ].join('\n\n');
    return [
      this.#field(shown, 'Which change or event was the cause? Firebreak found no suspect.'),
      this.#field(
        evidence === null ? null : this.#health(evidence),
        'What do the graphs show? No health query was read.',
      ),
      ...this.#evidencePacks(),
    ].join('\n\n');
  }

  /** Points at the stored evidence of actions. */
  #evidencePacks(): string[] {
    return this.#record.packs.map(({ name, at, sha256, url }) => {
      const document = url === null ? `\`${name}\`` : `[${name}](${url})`;
      return this.#sentence(
        `what Firebreak knew when it acted at ${clockTime(at)} is stored in the evidence ${document}, SHA-256 \`${sha256}\``,
        this.#actionRef(at),
      );
    });
  }

  /** The row of the action that began at this time; else the opening. */
  #actionRef(at: Timestamp): string {
    const row = this.#rows.find((candidate) => candidate.at === at && candidate.kind.endsWith('.started'));
    return row === undefined ? this.#opening : this.#references.refOf(row.id, row.at);
  }

  #health(evidence: NonNullable<DraftInput['evidence']>): string | null {
    const { health } = evidence;
    const { curve } = this.#record;
    const [first, last] = [curve[0]?.[0], curve.at(-1)?.[0]];
    if (health === null || first === undefined || last === undefined) return null;
    const points = pointsOf(curve, last);
    const peak = points.reduce((greatest, { value }) => Math.max(greatest, value), 0);
    const onset = onsetOf(evidence);
    const limit = Number.isFinite(health.max) ? ` (healthy up to ${numberWords(health.max)})` : '';
    return [
      this.#sentence(
        `the problem began at ${clockTime(onset.at)}, and the health query peaked at ${numberWords(peak)}${limit}`,
        this.#decisionRef(null) ?? this.#opening,
      ),
      `Health from ${clockTime(first)} to ${clockTime(last)}: \`${sparkline(points)}\``,
    ].join('\n\n');
  }

  #rootCause(): string {
    const [cause] = this.#record.causes;
    const version = cause === undefined ? null : escaped(cause.suspect.version);
    return [
      ...(cause?.change?.has_migration === true
        ? [
            this.#field(
              null,
              `Which statement of the migration in ${version} broke the service, and how can the schema be changed in steps that both versions accept?`,
            ),
          ]
        : []),
      this.#field(
        null,
        version === null
          ? 'What failed, and why?'
          : `What in ${version} made the service fail, and why did it not show before production?`,
      ),
    ].join('\n\n');
  }

  #factors(): string {
    const { to_detect_seconds } = this.#times;
    return [
      this.#field(null, 'Which conditions made the failure possible, or made it worse?'),
      ...(to_detect_seconds > DETECTED_WITHIN_SECONDS
        ? [this.#field(null, `What made the detection take ${durationWords(to_detect_seconds)}?`)]
        : []),
    ].join('\n\n');
  }

  #well(): string {
    const { decisions, causes } = this.#record;
    const { to_detect_seconds, to_acknowledge_seconds, to_mitigate_seconds } = this.#times;
    const mitigation = this.#refOfRow('first', 'mitigation.succeeded');
    const verified = this.#refOfRow('last', 'verification.passed');
    const acknowledgement = this.#refOfRow('first', 'incident.acknowledged', 'page.acknowledged', 'role.taken');
    const automatic = decisions.find(({ kind }) => kind === 'roll_back');
    const decided = automatic && this.#decisionRef(automatic.id);
    return this.#list(
      [
        ...(to_detect_seconds <= DETECTED_WITHIN_SECONDS && this.#record.evidence !== null
          ? [this.#sentence(`the alert fired within ${durationWords(to_detect_seconds)} of the onset`, this.#opening)]
          : []),
        ...(decided !== undefined && mitigation !== undefined && to_mitigate_seconds !== null
          ? [
              this.#sentence(
                `Firebreak mitigated on its own, ${durationWords(to_mitigate_seconds)} after the alert`,
                decided,
                mitigation,
              ),
            ]
          : []),
        ...this.#questionSentence(),
        ...(to_acknowledge_seconds !== null &&
        to_acknowledge_seconds <= ACKNOWLEDGED_WITHIN_SECONDS &&
        acknowledgement !== undefined
          ? [
              this.#sentence(
                `a person acknowledged the incident within ${durationWords(to_acknowledge_seconds)}`,
                acknowledgement,
              ),
            ]
          : []),
        ...(verified === undefined
          ? []
          : [this.#sentence('the recovery was verified before the incident was resolved', verified, this.#end)]),
        ...(causes.length > 0 &&
        mitigation !== undefined &&
        verified !== undefined &&
        this.#refOfRow('first', 'change') !== undefined
          ? [
              this.#sentence(
                'undoing the suspected change restored the service, which supports the suspicion',
                ...this.#causeRefs(),
                mitigation,
              ),
            ]
          : []),
      ],
      'What helped to find and to end the problem?',
    );
  }

  #badly(): string {
    const { incident, decisions } = this.#record;
    const { to_detect_seconds, to_acknowledge_seconds } = this.#times;
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
    const waiting = decisions.flatMap(({ id, kind }) => {
      const ref = this.#decisionRef(id);
      const question = this.#rows.find((row) => row.kind === 'decision' && row.decision === id);
      const answer = this.#rows.find(
        (row) => row.kind === 'decision.approved' && question !== undefined && row.at >= question.at,
      );
      if (kind !== 'approve' || question === undefined || answer === undefined || ref === undefined) return [];
      const seconds = secondsBetween(question.at, answer.at);
      return seconds <= ANSWERED_WITHIN_SECONDS
        ? []
        : [
            this.#sentence(
              `the approval took ${durationWords(seconds)}`,
              ref,
              this.#references.refOf(answer.id, answer.at),
            ),
          ];
    });
    const escalations = incident.escalated?.length ?? 0;
    return this.#list(
      [
        ...(to_detect_seconds > DETECTED_WITHIN_SECONDS
          ? [this.#sentence(`the alert fired only ${durationWords(to_detect_seconds)} after the onset`, this.#opening)]
          : []),
        ...(to_acknowledge_seconds !== null && to_acknowledge_seconds > ACKNOWLEDGED_WITHIN_SECONDS
          ? [
              this.#sentence(
                `it took ${durationWords(to_acknowledge_seconds)} until a person acknowledged`,
                this.#refOfRow('first', 'incident.acknowledged', 'page.acknowledged', 'role.taken') ?? this.#opening,
              ),
            ]
          : []),
        ...(escalations > 0
          ? [
              this.#sentence(
                `the page was repeated ${counted(escalations, 'time')}, because no one acknowledged it`,
                this.#opening,
              ),
            ]
          : []),
        ...waiting,
        ...failed
          .slice(0, 5)
          .map(({ id, at, text }) =>
            this.#sentence(`this did not work: ${text.replace(/\.$/, '')}`, this.#references.refOf(id, at)),
          ),
      ],
      'What slowed down the detection or the response?',
    );
  }

  #luck(): string {
    return this.#list([], 'What could have made it worse, but did not?');
  }

  #list(sentences: readonly string[], question: string): string {
    return this.#field(sentences.length === 0 ? null : sentences.map((text) => `- ${text}`).join('\n'), question);
  }

  #items(): string {
    const { causes, team, dueDays } = this.#record;
    const { to_detect_seconds, mitigated_at, resolved_at } = this.#times;
    const [cause] = causes;
    const owner = ActionItemSchema.shape.owner.safeParse(team).data ?? null;
    const due = plusSeconds(resolved_at, dueDays * DAY_SECONDS).slice(0, 10);
    const item = (title: string, priority: 'P1' | 'P2'): ActionItem => ({
      title: title.slice(0, 400).trim(),
      done: false,
      owner,
      due,
      priority,
    });
    const version = cause === undefined ? '' : escaped(cause.suspect.version);
    const items = [
      ...(cause?.change?.has_migration === true
        ? [item(`Split the migration in ${version} into steps that the version before also accepts`, 'P1')]
        : []),
      ...(cause === undefined
        ? []
        : [item(`Add a check that stops a failure such as that of ${version} before production`, 'P1')]),
      ...(to_detect_seconds > DETECTED_WITHIN_SECONDS
        ? [item(`Detect this failure sooner: it began ${durationWords(to_detect_seconds)} before the alert`, 'P2')]
        : []),
      ...(mitigated_at === null
        ? [item('Describe or automate the mitigation of this failure in a runbook', 'P2')]
        : []),
    ];
    return this.#field(
      items.length === 0 ? null : items.map(itemLine).join('\n'),
      'What prevents this failure, or makes it shorter?',
    );
  }
}

/**
 * Returns the suspects that a draft calls probable: those that are probable enough for a question, and the change that
 * was rolled back in the incident. Other suspects are only candidates that nothing excludes.
 */
export const probableCauses = ({ incident, causes }: Pick<DraftInput, 'incident' | 'causes'>): DraftInput['causes'] =>
  causes.filter(
    ({ suspect, change }) => suspect.confidence >= MIN_CONFIDENCE_TO_ASK || change?.rolled_back_by === incident.id,
  );
