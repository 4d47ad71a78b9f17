import { suspectName } from '../../../core/domain/changes/change-words.ts';
import { isProbable, list, probability } from '../../../core/domain/correlation/words.ts';
import { causeOf } from '../../../core/domain/incidents/cause.ts';
import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import { problemClauses } from '../../../core/domain/incidents/problem-words.ts';
import { endedProblemsOf, problemsOf } from '../../../core/domain/incidents/problems.ts';
import { didNotHelp } from '../../../core/domain/rollback/verdict.ts';
import { serviceEnvironmentText } from '../../../core/domain/messages/story.ts';
import { clockText, secondsBetween } from '../../../schemas/time/time.ts';
import { Drafting } from './drafting.ts';
import { escaped } from './markdown.ts';
import type { DraftInput } from './record.ts';
import { clockTime, durationWords } from './words.ts';

/** Why the post-mortem of a group does not tell health. */
const OF_MEMBERS = 'The samples of health belong to the incidents of the group.';

/** Services of a group that a title names. */
const SERVICES_NAMED = 3;

type Member = DraftInput['members'][number];

const nameOf = (member: Member): string => `${incidentName(member)} ${member.unmatched || member.service}`;

/** Drafts the post-mortem of a group, whose incidents have causes, mitigations, and samples of their own. */
export class GroupDrafting extends Drafting {
  /** The services of its incidents. */
  get #services(): string {
    const services = new Set(this.record.members.map((member) => member.unmatched || member.service));
    return escaped(services.size > SERVICES_NAMED ? `${services.size} services` : list([...services]));
  }

  protected override get failure(): string {
    return `Outage of ${this.#services}`;
  }

  protected override get place(): string {
    return `**Services:** ${this.#services} in ${escaped(this.record.incident.environment)}`;
  }

  protected override get began(): string {
    const { incident } = this.record;
    const failure = this.problems[0]?.title ?? incident.title;
    return `at ${clockText(incident.opened_at)} incidents of several services became a group: ${escaped(failure)}`;
  }

  protected override told(opening: string, end: string): string {
    const mitigated = this.record.members.flatMap((member) =>
      problemsOf(member).flatMap((problem) => {
        const { mitigation } = problem;
        return mitigation?.at === undefined || didNotHelp(problem) ? [] : [{ name: nameOf(member), at: mitigation.at }];
      }),
    );
    const lines = this.record.members.map((member) => {
      const ended = endedProblemsOf(member).map((problem) =>
        problem.ended_at === null ? problem : { ...problem, recovered_at: problem.ended_at },
      );
      const joined = this.refOf('first', ({ about }) => about === member.id) ?? this.opening;
      const clauses = problemClauses(ended, mitigated).map((text) => escaped(this.naming.text(text)));
      return `- ${this.sentence(`${incidentName(member)} ${escaped(serviceEnvironmentText(member))}: ${clauses.join('; then ')}`, joined)}`;
    });
    return [opening, lines.join('\n'), end].join('\n\n');
  }

  protected override get restoredRef(): string {
    return this.refOfRow('last', 'member.incident.resolved') ?? this.end;
  }

  protected override get whyNotCounted(): string {
    return OF_MEMBERS;
  }

  protected override get whyNoGraph(): string {
    return OF_MEMBERS;
  }

  protected override whyNotDetected(): string {
    return `The first alert of the group began at ${clockTime(this.times.alerted_at)}.`;
  }

  /** The times of its incidents, each with the entry of its mitigation. */
  protected override timeToMitigate(): string {
    const lines = this.record.members.flatMap((member) =>
      endedProblemsOf(member).flatMap(({ at, mitigation }) => {
        const done = mitigation?.at;
        if (done === undefined) return [];
        const row = this.refOf('first', (one) => one.kind === 'member.mitigation.succeeded' && one.at === done);
        const text = `${escaped(nameOf(member))}: time to mitigate: ${durationWords(secondsBetween(at, done))}`;
        return [`- ${this.sentence(text, row ?? this.opening)}`];
      }),
    );
    return this.field(
      lines.length === 0 ? null : lines.join('\n'),
      'What ended the impact, and when? The record has no mitigation of an incident of the group.',
    );
  }

  protected override get isMitigated(): boolean {
    return this.record.members.some((member) => problemsOf(member).some(({ mitigation }) => mitigation !== undefined));
  }

  /** Names the probable causes of its incidents. */
  protected override causeField(): string {
    const causes = this.record.members.flatMap((member) =>
      problemsOf(member).flatMap((problem) => {
        const cause = causeOf(member, problem);
        if (cause.kind !== 'change' || !isProbable(cause.suspect)) return [];
        const { suspect } = cause;
        const decided = this.refOf(
          'first',
          ({ id, kind }) => kind === 'member.decision' && id.startsWith(`${member.id}:`),
        );
        const text = `${nameOf(member)}: the probable cause is ${suspectName(suspect)} (${probability(suspect.confidence)})`;
        return [`- ${this.sentence(escaped(this.naming.text(text)), decided ?? this.opening)}`];
      }),
    );
    return this.field(
      causes.length === 0 ? null : causes.join('\n'),
      'Which change or event was the cause? Firebreak found no probable cause of an incident of the group.',
    );
  }
}
