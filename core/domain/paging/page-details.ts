import { suspectName } from '../changes/change-words.ts';
import type { DecisionView } from '../../../schemas/incidents/incident.ts';
import { isMeasuredTitle } from '../alerts/incident-title.ts';
import { lastingTitle } from '../alerts/lasting-title.ts';
import { statusWords } from '../incidents/status-words.ts';
import { noSuspectText } from '../messages/incident-card.ts';
import { incidentLines, rollbackOf } from '../messages/incident-lines.ts';
import { incidentName } from '../incidents/incident-number.ts';
import { answerable, decidingFor } from '../messages/incident-buttons.ts';
import { mainReasons } from '../correlation/ranking.ts';
import { probability, suspectsToShow } from '../correlation/words.ts';
import { firingUnmuted } from './page-problem.ts';
import { answerNames, numberOf, questionName } from '../rollback/question-names.ts';
import { currentDecisions, laterProblemEnd, presentSince } from '../incidents/new-onset.ts';
import { NO_APPROVAL_URLS, type ApprovalUrls } from '../incidents/approval-link.ts';
import { type Link, linksOf, type Overview } from '../messages/story.ts';
import { minuteText } from '../../../schemas/time/time.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

const ALERTS_SHOWN_MAX = 5;
const CHILDREN_SHOWN_MAX = 10;
const SUSPECTS_SHOWN_MAX = 3;

/** Maximum length in UTF-16 code units. Texts of alerts and CD systems can be long; a page is read on a phone. */
const TEXT_MAX_CHARS = 500;

/** Maximum length of a URL in the details; longer ones are only in the page's links. */
const URL_MAX_CHARS = 2000;

/** Annotations with more detail than the title of an alert, in order of preference. */
const DESCRIPTIONS = ['description', 'message'];

/** Details of an incident at the time of a page, by name; strings or lists of strings. */
export type PageDetails = Readonly<Record<string, string | readonly string[]>>;

/**
 * @param reason reason for the page; null: the incident has opened
 * @param links for further investigation; absent: those of the alerts
 */
export function pageDetailsOf(
  story: Overview,
  reason: string | null,
  urls: ApprovalUrls = NO_APPROVAL_URLS,
  links: readonly Link[] = linksOf(story.signals),
): PageDetails {
  const { incident } = story;
  // Who reads this is notified, whichever pager has refused the page.
  const effects = story.effects.filter(({ kind, state }) => kind !== 'page' || state !== 'failed');
  const { action, evidence, hesitation, details } = incidentLines({ ...story, effects });
  const answer = answerText(story);
  const answerUrl = urls.get(openQuestion(story)?.id ?? '');
  const shortLinks = links.filter(({ url }) => url.length <= URL_MAX_CHARS);
  return {
    ...withTruncatedTexts({
      next_step: action,
      ...(evidence !== null && { evidence }),
      ...(hesitation !== null && { why_not_automatic: hesitation }),
      ...(answer !== null && { answer }),
      ...(reason !== null && { page_reason: reason }),
      problem: problemOf(story),
      since: minuteText(sinceOf(story)),
      status: statusWords(incident),
      ...(incident.group_reason === undefined && { suspects: suspectsOf(story) }),
      ...(incident.channel !== undefined && { channel: incident.channel }),
    }),
    ...(answerUrl !== undefined && { approve_or_reject: answerUrl }),
    ...Object.fromEntries(shortLinks.map(({ title, url }) => [title.toLowerCase(), url])),
    api: `GET /v1/incidents/${incident.id}`,
    ...(details.length > 0 && withTruncatedTexts({ details })),
  };
}

/** Returns the firing alerts with their descriptions; for a parent incident, its children. */
function problemOf({ incident, signals, children, childCount, group }: Overview): string[] {
  if (incident.group_reason !== undefined) {
    const rest = childCount - Math.min(children.length, CHILDREN_SHOWN_MAX);
    return [
      group?.words ?? incident.group_reason.text,
      ...children
        .slice(0, CHILDREN_SHOWN_MAX)
        .map((child) => `${child.service} ${child.environment}: ${child.title} (${statusWords(child)})`),
      ...(rest > 0 ? [`and ${rest} more`] : []),
    ];
  }
  const firing = firingUnmuted(signals);
  const words = firing.map(alertWords);
  const distinct = [...new Set(words)];
  if (distinct.length === 0) return [incident.title];
  const named = distinct.slice(0, ALERTS_SHOWN_MAX);
  const more = Math.max(incident.firing - firing.length, 0) + distinct.length - named.length;
  return [...named, ...(more > 0 ? [`and ${more} more ${more === 1 ? 'alert' : 'alerts'}`] : [])];
}

/** Returns the name and the texts of an alert, with their time if they contain a value. */
function alertWords({ title, labels, annotations, unmeasured, ...times }: Overview['signals'][number]): string {
  const name = labels.find(([label]) => label === 'alertname')?.[1];
  const shown = DESCRIPTIONS.map((annotationName) => annotations.find(([line]) => line === annotationName)?.[1]).find(
    Boolean,
  );
  const texts = [...new Set([name, title, shown].filter((text) => text !== undefined))].join(': ');
  const isOfMoment = lastingTitle(texts) !== texts;
  const words = isOfMoment ? `${texts} (at ${minuteText(times.rewordedAt ?? times.startsAt)})` : texts;
  return unmeasured === undefined ? words : `${words}. Not measured: ${unmeasured}`;
}

/** Returns the start of the newest problem, or its return, else of the first alert that still fires. Alerts can claim a start in the future. */
function sinceOf({ incident, signals }: Overview): Overview['incident']['opened_at'] {
  if (incident.new_onset !== undefined || incident.returned_at !== undefined) return presentSince(incident);
  const starts = signals.flatMap(({ status, startsAt }) => (status === 'firing' ? [startsAt] : []));
  return [...starts, incident.opened_at].toSorted()[0] ?? incident.opened_at;
}

/** Returns the suspects with confidence; unknown before the first judgement. */
function suspectsOf(story: Pick<Overview, 'incident' | 'decisions'>): string | string[] {
  const { incident } = story;
  const suspects = suspectsToShow(incident.suspects);
  if (suspects.length > 0)
    return suspects
      .slice(0, SUSPECTS_SHOWN_MAX)
      .map((suspect) =>
        [`${suspectName(suspect)}, ${probability(suspect.confidence)}`, mainReasons(suspect.reasons).join('; ')]
          .filter(Boolean)
          .join(': '),
      );
  return noSuspectText(currentDecisions(story), incident);
}

/**
 * Identifies what a page shows: the newest decision and what became of it, a mitigation by a runbook or a person, which members of a
 * group are resolved and still fail, that a later problem is over, and that no alert has reported it yet.
 */
export function decisionShown(
  story: Pick<Overview, 'incident' | 'decisions' | 'effects' | 'children' | 'childCount' | 'group'>,
): string {
  const last = story.decisions.at(-1);
  const { change, runbook } = story.incident.verifying ?? {};
  const mitigation = change ?? (runbook === undefined ? [] : `runbook-${runbook}`);
  const decision =
    last === undefined ? 'undecided' : [numberOf(last.id), last.state, rollbackOf(last, story)?.state ?? []];
  const resolved = story.children.filter(({ status }) => status === 'resolved').length;
  const left =
    story.group?.isOver === true ? `${story.group.isWell ? 'well' : 'failing'}-${keyOf(story.group.first)}` : [];
  const members = story.incident.group_reason === undefined ? [] : [`${resolved}-of-${story.childCount}`, left];
  const isOver = laterProblemEnd(story.incident) !== undefined;
  const isMeasuredOnly = isMeasuredTitle(story.incident.title, story.incident);
  return [decision, mitigation, members, isOver ? 'over' : [], isMeasuredOnly ? 'measured' : []].flat(2).join('-');
}

/** Maximum length of names in the key of an effect, in UTF-16 code units. */
const NAMES_CHARS = 200;

const keyOf = (names: string): string => names.replaceAll(/[^\w-]+/g, '-').slice(0, NAMES_CHARS);

/** Returns the newest decision that can be answered now. */
export const openQuestion = (story: Overview): DecisionView | undefined => answerable(decidingFor(story)).at(-1);

/** Says how to answer the newest waiting decision. Null: none waits. */
function answerText(story: Overview): string | null {
  const waiting = openQuestion(story);
  if (waiting === undefined) return null;
  const names = answerNames(waiting).map(({ name }) => name);
  return `Question ${questionName(waiting.id)}: firebreak incident approve ${incidentName(decidingFor(story).incident)} ${names.join(' or ')}, or the buttons in Slack`;
}

function withTruncatedTexts(details: PageDetails): PageDetails {
  return Object.fromEntries(
    Object.entries(details).map(([name, value]) => [
      name,
      typeof value === 'string'
        ? truncated(value, TEXT_MAX_CHARS)
        : value.map((line) => truncated(line, TEXT_MAX_CHARS)),
    ]),
  );
}
