import type { DecisionView } from '../schemas/incident.ts';
import type { ChatButton, ChatPart } from './outlets.ts';
import type { Story } from './story.ts';

/**
 * What a person can do about an incident now, as buttons below its summary: a question first, then whose it is, then
 * what it is. Nothing that would do nothing.
 */
export function buttonsOf(story: Story): ChatPart[] {
  if (story.incident.status === 'resolved') return [];
  return [...questionsOf(story), { kind: 'buttons', buttons: [...mineOf(story), ...itsOf(story)] }];
}

/** At most so many questions have buttons; others are asked again when these are answered. */
const QUESTIONS_MAX = 3;

/** A row for each question that waits: an answer names the decision that it was drawn for. */
function questionsOf({ incident, decisions }: Story): ChatPart[] {
  if (incident.automation_paused) return [];
  const waiting = decisions.filter(({ state }) => state === 'waiting').slice(-QUESTIONS_MAX);
  return waiting.map((decision, index): ChatPart => {
    const { id: incidentId } = incident;
    const of = waiting.length > 1 ? ` (${numberOf(decision)})` : '';
    return {
      kind: 'buttons',
      buttons: [
        {
          button: { verb: 'approve', incident: incidentId, digest: decision.digest },
          text: `${actOf(decision)}${of}`,
          ...(index === 0 && { style: 'primary' as const }),
          confirm: { title: 'Do this?', text: subjectOf(decision), yes: 'Yes, do it', no: 'Not yet' },
        },
        { button: { verb: 'reject', incident: incidentId, digest: decision.digest }, text: `Don't${of}` },
      ],
    };
  });
}

const numberOf = ({ id }: DecisionView): string => id.slice(id.lastIndexOf('-') + 1);

const actOf = ({ question, to_version }: DecisionView): string =>
  question === undefined ? `Roll back${to_version === null ? '' : ` to ${to_version}`}` : 'Do it';

/** What is asked, as one sentence. */
export function subjectOf({ question, target, from_version, to_version }: DecisionView): string {
  if (question !== undefined) return question;
  const where = target === null ? '' : `${target.service} in ${target.environment} `;
  return `Roll ${where}back from ${from_version ?? 'what runs now'} to ${to_version ?? 'an earlier version'}`;
}

/** Who sees to it. */
function mineOf({ incident: { id, roles, care } }: Story): ChatButton[] {
  return [
    ...(care?.acknowledged === undefined
      ? [{ button: { verb: 'acknowledge', incident: id }, text: 'I see to it' } satisfies ChatButton]
      : []),
    ...(roles?.commander === undefined
      ? [{ button: { verb: 'take_command', incident: id }, text: 'Take command' } satisfies ChatButton]
      : []),
  ];
}

/** What it is, and what becomes of it. */
function itsOf({ incident, decisions, effects }: Story): ChatButton[] {
  const { id, automation_paused: paused } = incident;
  const [suspect] = incident.suspects;
  const acted = effects.some(
    ({ kind, state }) => kind === 'roll-back' && (state === 'succeeded' || state === 'accepted'),
  );
  const asked = decisions.some(({ state }) => state === 'waiting');
  return [
    { button: { verb: 'severity', incident: id }, text: 'Severity…' },
    { button: { verb: 'publish', incident: id }, text: 'Publish update…' },
    ...(suspect !== undefined && (acted || asked)
      ? [
          {
            button: { verb: 'not_the_deploy', incident: id, change: suspect.change_id },
            text: 'This was not the deploy',
            confirm: {
              title: 'Not the deploy?',
              text: acted
                ? `${suspect.version} was not the cause: the rollback was wrong, which counts against the automation of ${incident.service}`
                : `${suspect.version} is not the cause: the question is answered with no`,
              yes: 'It was not',
              no: 'Not sure',
            },
          } satisfies ChatButton,
        ]
      : []),
    paused
      ? { button: { verb: 'resume', incident: id }, text: 'Resume automation' }
      : { button: { verb: 'pause', incident: id }, text: 'Pause automation' },
    {
      button: { verb: 'resolve', incident: id },
      text: 'Resolve…',
      style: 'danger',
    },
  ];
}
