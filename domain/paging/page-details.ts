import type { DecisionView } from '../../schemas/incidents/incident.ts';
import {
  decisionWords,
  effectWords,
  nextStep,
  rollbackOf,
  statusWords,
  suspectsToShow,
} from '../messages/incident-card.ts';
import {
  answerable,
  withoutSuspectReasons,
  candidateTexts,
  subjectOf,
  approvalReason,
} from '../messages/incident-buttons.ts';
import { answerNames, questionName } from '../rollback/question-names.ts';
import { NO_APPROVAL_URLS, type ApprovalUrls } from '../incidents/approval-link.ts';
import { type Link, linksOf, minuteOf, type Overview } from '../messages/story.ts';

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
  const question = questionOf(story);
  const answerUrl = urls.get(openQuestion(story)?.id ?? '');
  const isJudged = story.decisions.length > 0;
  const shortLinks = links.filter(({ url }) => url.length <= URL_MAX_CHARS);
  return {
    ...withTruncatedTexts({
      ...(reason !== null && { page_reason: reason }),
      problem: problemOf(story),
      since: minuteOf(sinceOf(story)),
      status: statusWords(incident),
      ...(incident.group_reason === undefined && { suspects: suspectsOf(story) }),
      automation: automationOf(story),
      ...(question !== null && { question }),
      ...(isJudged && question === null && { next_step: nextStep(story) }),
      ...(incident.channel !== undefined && { channel: incident.channel }),
    }),
    ...(answerUrl !== undefined && { approve_or_reject: answerUrl }),
    ...Object.fromEntries(shortLinks.map(({ title, url }) => [title.toLowerCase(), url])),
    api: `GET /v1/incidents/${incident.id}`,
  };
}

/** Returns the firing alerts with their descriptions; for a parent incident, its children. */
function problemOf({ incident, signals, children, childCount }: Overview): string[] {
  if (incident.group_reason !== undefined) {
    const rest = childCount - Math.min(children.length, CHILDREN_SHOWN_MAX);
    return [
      incident.group_reason.text,
      ...children
        .slice(0, CHILDREN_SHOWN_MAX)
        .map(({ service, environment, title, status }) => `${service} ${environment}: ${title} (${status})`),
      ...(rest > 0 ? [`and ${rest} more`] : []),
    ];
  }
  const firing = signals.filter(({ status }) => status === 'firing');
  const words = firing.map(alertWords);
  const distinct = [...new Set(words)];
  if (distinct.length === 0) return [incident.title];
  const named = distinct.slice(0, ALERTS_SHOWN_MAX);
  const more = Math.max(incident.firing - firing.length, 0) + distinct.length - named.length;
  return [...named, ...(more > 0 ? [`and ${more} more ${more === 1 ? 'alert' : 'alerts'}`] : [])];
}

function alertWords({ title, labels, annotations }: Overview['signals'][number]): string {
  const name = labels.find(([label]) => label === 'alertname')?.[1];
  const shown = DESCRIPTIONS.map((annotationName) => annotations.find(([line]) => line === annotationName)?.[1]).find(
    Boolean,
  );
  return [...new Set([name, title, shown].filter((text) => text !== undefined))].join(': ');
}

/** Returns the start of the first alert that still fires. Alerts can claim a start in the future. */
function sinceOf({ incident, signals }: Overview): Overview['incident']['opened_at'] {
  const starts = signals.flatMap(({ status, startsAt }) => (status === 'firing' ? [startsAt] : []));
  return [...starts, incident.opened_at].toSorted()[0] ?? incident.opened_at;
}

/** Returns the suspects with confidence; unknown before the first judgement. */
export function suspectsOf({ incident, decisions }: Pick<Overview, 'incident' | 'decisions'>): string | string[] {
  if (incident.suspects.length > 0)
    return suspectsToShow(incident.suspects)
      .slice(0, SUSPECTS_SHOWN_MAX)
      .map(({ version, confidence, reasons }) =>
        [`${version}, ${Math.round(confidence * 100)} %`, ...reasons.slice(0, 1)].join(': '),
      );
  return decisions.length === 0 ? 'not known yet' : 'no known change could have caused this';
}

/** Returns the newest decision and its result. */
export function automationOf(story: Pick<Overview, 'incident' | 'decisions' | 'effects'>): string {
  if (story.incident.automation_paused) return 'paused for this incident';
  const last = story.decisions.at(-1);
  if (last === undefined) return 'no decision yet';
  const done = rollbackOf(last, story);
  return [decisionWords(withoutSuspectReasons(last)), ...(done === undefined ? [] : [effectWords(done)])].join('. ');
}

/** Returns the newest decision that can be answered now. */
export const openQuestion = (story: Pick<Overview, 'incident' | 'decisions'>): DecisionView | undefined =>
  answerable(story).at(-1);

/** Returns the newest waiting decision, with its short name and how to answer it. Null: none. */
export function questionOf(story: Pick<Overview, 'incident' | 'decisions'>): string | null {
  const { incident } = story;
  const waiting = openQuestion(story);
  if (waiting === undefined) return null;
  const names = answerNames(waiting).map(({ name }) => name);
  const candidates = candidateTexts(waiting).map((text) => ` ${text}.`);
  return `Question ${questionName(waiting.id)}: ${subjectOf(waiting)}?${approvalReasonText(waiting)}${candidates.join('')} Answer: firebreak incident approve ${incident.id} ${names.join(' or ')}, or the buttons in Slack`;
}

function approvalReasonText(decision: DecisionView): string {
  const because = approvalReason(decision);
  return because === '' ? '' : ` Approval is needed because: ${because}.`;
}

function withTruncatedTexts(details: PageDetails): PageDetails {
  return Object.fromEntries(
    Object.entries(details).map(([name, value]) => [
      name,
      typeof value === 'string' ? truncated(value) : value.map((line) => truncated(line)),
    ]),
  );
}

export const truncated = (text: string, max = TEXT_MAX_CHARS): string =>
  text.length <= max ? text : `${text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
