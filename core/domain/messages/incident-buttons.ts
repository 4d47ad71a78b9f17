import type { DecisionView } from '../../../schemas/incidents/incident.ts';
import { closedAsOf } from '../incidents/closing.ts';
import { whyNotReopenable } from '../incidents/reopening.ts';
import { suspectName } from '../changes/change-words.ts';
import { suspectsToShow } from '../correlation/words.ts';
import { activeClearings } from '../changes/cleared-suspects.ts';
import { failedRollback } from '../rollback/failed-rollback.ts';
import { isAcknowledged } from '../paging/acknowledgement.ts';
import type { ChatButton, ChatPart } from './chat-message.ts';
import { numberOf } from '../rollback/question-names.ts';
import { offerLabel, offerWords } from '../rollback/offers.ts';
import { capitalized, decisionLines, subjectOf } from './decision-lines.ts';
import type { Place } from './place-names.ts';
import { switchedFlags } from '../rollback/switched-flags.ts';
import { REMEDY_WORDS } from '../rollback/remedies.ts';
import type { Deciding, Overview } from './story.ts';

/** Buttons of the summary: `questions` at the top, for what needs a person; `more` at the bottom, for other actions. */
export type IncidentButtons = { questions: readonly ChatPart[]; more: readonly ChatPart[] };

/**
 * Returns the buttons for the actions that a person can currently take: decisions first, then acknowledgement and
 * command, then the rest. Actions without effect are omitted.
 */
export function buttonsOf(story: Overview): IncidentButtons {
  if (story.incident.status === 'resolved')
    return {
      questions: buttonRow(reopenButtons(story)),
      more: buttonRow([detailsButton(story), ...flagButtons(story)]),
    };
  return {
    questions: [
      ...questionButtons(story),
      ...buttonRow(retryButtons(story)),
      ...buttonRow(responsibilityButtons(story)),
    ],
    more: buttonRow(otherButtons(story)),
  };
}

const buttonRow = (buttons: readonly ChatButton[]): ChatPart[] =>
  buttons.length === 0 ? [] : [{ kind: 'buttons', buttons }];

/** Maximum number of decisions with buttons; further ones follow when these are answered. */
const QUESTIONS_MAX = 3;

/** Returns the decisions that can be answered now. While automation is paused, an approval would have no effect. */
export const answerable = ({
  incident,
  decisions,
}: Pick<Overview, 'incident' | 'decisions'>): readonly DecisionView[] =>
  incident.status === 'resolved' || incident.automation_paused
    ? []
    : decisions.filter(({ state }) => state === 'waiting').slice(-QUESTIONS_MAX);

/** Returns the incident whose decision is shown: this one if it asks a question itself, or is resolved. */
export const decidingFor = <T extends Pick<Overview, 'incident' | 'decisions'>>(
  story: T & Pick<Overview, 'deciding'>,
): T | Deciding =>
  story.deciding === undefined ||
  story.incident.status === 'resolved' ||
  story.decisions.some(({ state }) => state === 'waiting')
    ? story
    : story.deciding;

/** Returns the number that distinguishes several decisions, in text and on buttons. */
export const decisionSuffix = (decision: DecisionView, all: readonly DecisionView[]): string =>
  all.length > 1 ? ` (${numberOf(decision.id)})` : '';

/** Returns a row for each waiting decision: an answer names the decision for which the button was drawn. */
function questionButtons(story: Overview): ChatPart[] {
  const asking = decidingFor(story);
  const { id: incidentId } = asking.incident;
  const waiting = answerable(asking);
  return waiting.flatMap((decision, index): ChatPart[] => {
    const suffix = decisionSuffix(decision, waiting);
    const approve = (approvable: Approvable): ChatButton => ({
      button: { verb: 'approve', incident: incidentId, digest: approvable.digest },
      text: `${approvable.label}${suffix}`,
      ...(index === 0 && decision.offers === undefined && { style: 'primary' as const }),
      confirm: { title: 'Approve this action?', text: approvable.confirmation, yes: 'Approve', no: 'Cancel' },
    });
    const reject: ChatButton = {
      button: { verb: 'reject', incident: incidentId, digest: decision.digest },
      text: `${decision.offers === undefined ? 'Reject' : 'None of these'}${suffix}`,
    };
    const test: ChatButton[] = decision.testable
      ? [
          {
            button: { verb: 'test_versions', incident: incidentId, digest: decision.digest },
            text: `Test first${suffix}`,
          },
        ]
      : [];
    // A row for each act, because Slack requires different actions within a row.
    const acts = approvableOf(decision, asking.incident).map(approve);
    return acts.map((button, actIndex) => ({
      kind: 'buttons',
      buttons: actIndex === acts.length - 1 ? [button, ...test, reject] : [button],
    }));
  });
}

type Approvable = { digest: string; label: string; confirmation: string };

/** Returns the acts that an approval can refer to: none is more prominent if there are several. */
export function approvableOf(decision: DecisionView, place: Place): Approvable[] {
  const { digest, offers, to_version: target } = decision;
  const { hesitation } = decisionLines(decision, place);
  const confirmation = (act: string, to = target): string =>
    // What the question asks about is its own target: a rollback to another version can undo less.
    `${act}${/[.!?]$/.test(act) ? '' : '.'}${hesitation === null || to !== target ? '' : ` ${hesitation}`}`;
  if (offers === undefined)
    return [{ digest, label: approveLabel(decision), confirmation: confirmation(subjectOf(decision)) }];
  return offers.map((offer) => ({
    digest: offer.digest,
    label: offerLabel(offer),
    confirmation: confirmation(capitalized(offerWords(offer)), target === null ? null : offer.to_version),
  }));
}

/**
 * Returns a button that repeats a failed rollback. If another version was deployed in the meantime, it does nothing and
 * says so.
 */
function retryButtons(story: Overview): ChatButton[] {
  const failed = answerable(decidingFor(story)).length > 0 ? undefined : failedRollback(story);
  if (failed?.order == null) return [];
  const { service, environment, from, to } = failed.order;
  return [
    {
      button: { verb: 'rollback', service, environment, from, to, named: true },
      text: `Try again: roll back to ${to}`,
      confirm: {
        title: 'Roll back now?',
        text: `${service} in ${environment}: roll back from ${from} to ${to}. Last attempt: ${failed.detail}`,
        yes: 'Roll back',
        no: 'Cancel',
      },
    },
  ];
}

const approveLabel = ({ question, to_version }: DecisionView): string =>
  question === undefined ? `Roll back${to_version === null ? '' : ` to ${to_version}`}` : 'Approve';

/** Returns the buttons to acknowledge and to take command. */
function responsibilityButtons({ incident }: Overview): ChatButton[] {
  const { id, roles } = incident;
  return [
    ...(isAcknowledged(incident)
      ? []
      : [{ button: { verb: 'acknowledge', incident: id }, text: REMEDY_WORDS.acknowledge } satisfies ChatButton]),
    ...(roles?.commander === undefined
      ? [{ button: { verb: 'take_command', incident: id }, text: REMEDY_WORDS.take_command } satisfies ChatButton]
      : []),
  ];
}

/** Shows what the summary has no room for. */
const detailsButton = ({ incident: { id } }: Overview): ChatButton => ({
  button: { verb: 'details', incident: id },
  text: 'Details',
});

/** Returns the buttons for details, severity, updates, suspects, automation, and resolution. */
function otherButtons(story: Overview): ChatButton[] {
  const { id, automation_paused: paused } = story.incident;
  return [
    detailsButton(story),
    { button: { verb: 'severity', incident: id }, text: REMEDY_WORDS.severity },
    { button: { verb: 'publish', incident: id }, text: REMEDY_WORDS.publish },
    ...suspectButtons(story),
    ...flagButtons(story),
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

/** Offers to reopen an incident for which nothing has shown that the service recovered. */
const reopenButtons = ({ incident }: Overview): ChatButton[] =>
  closedAsOf(incident) === 'unverified' && whyNotReopenable(incident) === null
    ? [{ button: { verb: 'reopen', incident: incident.id }, text: 'Reopen' }]
    : [];

/** Returns the button for the flag that Firebreak turned off last. Slack requires different actions within a row. */
function flagButtons({ incident: { id }, effects }: Overview): ChatButton[] {
  const off = switchedFlags(effects).findLast(({ state }) => state === 'off');
  if (off === undefined) return [];
  const { service, environment } = off.effect.service_environment;
  return [
    {
      button: { verb: 'turn_flag_on', incident: id, flag: off.name },
      text: `Turn on flag ${off.name} again`,
      confirm: {
        title: 'Turn on this flag again?',
        text: `${service} in ${environment}: Firebreak turned off feature flag ${off.name} in this incident.`,
        yes: 'Turn on',
        no: 'Cancel',
      },
    },
  ];
}

/** Returns the buttons for the most probable suspect, and for the one that was cleared last. */
function suspectButtons(story: Overview): ChatButton[] {
  const { id, suspects, cleared } = story.incident;
  const [suspect] = suspectsToShow(suspects);
  const last = activeClearings(cleared).at(-1);
  return [
    ...(suspect === undefined
      ? []
      : [
          {
            button: { verb: 'not_the_deploy', incident: id, change: suspect.change_id },
            text: `Clear suspect ${suspectName(suspect)}`,
            confirm: {
              title: 'Clear this suspect?',
              text: clearingConsequence(story, suspect.version),
              yes: 'Clear suspect',
              no: 'Cancel',
            },
          } satisfies ChatButton,
        ]),
    ...(last === undefined
      ? []
      : [
          {
            button: { verb: 'suspect_again', incident: id, change: last.change_id },
            text: `Suspect ${last.version} again`,
          } satisfies ChatButton,
        ]),
  ];
}

/** Describes the consequences of clearing this version. */
function clearingConsequence({ incident, decisions, effects }: Overview, version: string): string {
  const judged = decisions.filter(({ question, from_version }) => question === undefined && from_version === version);
  const acted = effects.some(
    ({ kind, state, key }) =>
      kind === 'roll-back' &&
      (state === 'succeeded' || state === 'accepted') &&
      judged.some((decision) => key.endsWith(`.${numberOf(decision.id)}`)),
  );
  if (acted)
    return `If ${version} was not the cause, its rollback was wrong. This counts against the automation of ${incident.service}.`;
  const withdraws = judged.some(({ state }) => state === 'waiting') ? 'withdraws the question about it, and ' : '';
  return `If ${version} is not the cause, Firebreak ${withdraws}evaluates the other suspects.`;
}
