import type { ExternalQuery } from '../../core/domain/ports/external-pager.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** An alert at PagerDuty. `details` is free-form data of its sender. */
export type PagerDutyAlert = { key: string; title: string; details: unknown };

/** `same`: it contains an alert of this incident. `named`: it names the same things. `other`: neither. */
export type Similarity = 'same' | 'named' | 'other';

/** The key of a page by Firebreak: the incident ID and the page number. */
const OUR_KEY = /^[0-9A-HJKMNP-TV-Z]{26}\.page\.\d/;

type Labels = ReadonlyMap<string, string>;

/**
 * Compares an alert at PagerDuty with the alerts of this incident. Alertmanager and Grafana list a group's alerts with
 * their labels in the details; in such lists, label sets are compared, and a name counts only as a label value. If a
 * template has removed the lists, the alert name, the service, and the environment must all occur in the text as words.
 * Pages by Firebreak itself never match.
 */
export function similarityOf(alert: PagerDutyAlert, query: ExternalQuery): Similarity {
  if (OUR_KEY.test(alert.key)) return 'other';
  const incidentAlerts = query.alerts.map((labels) => new Map(labels));
  const names = incidentAlerts.flatMap((labels) => labels.get('alertname') ?? []);
  const listed = labelSets(alert.details);
  if (listed.some((labels) => incidentAlerts.some((incidentAlert) => sameLabels(labels, incidentAlert)))) return 'same';
  if (listed.length > 0)
    return listed.some((labels) => names.includes(labels.get('alertname') ?? '') && isAboutService(labels, query))
      ? 'named'
      : 'other';
  const texts = [alert.title, ...textsIn(alert.details)];
  const isInTexts = (word: string): boolean => texts.some((text) => hasWord(text, word));
  return names.some(isInTexts) && isInTexts(query.service) && isInTexts(query.environment) ? 'named' : 'other';
}

const sameLabels = (one: Labels, other: Labels): boolean =>
  one.size > 0 && one.size === other.size && [...one].every(([name, value]) => other.get(name) === value);

/**
 * Returns whether a label value names the service, and the environment doesn't contradict. Any label can hold the
 * service, because the catalog maps labels to services.
 */
function isAboutService(labels: Labels, { service, environment }: ExternalQuery): boolean {
  const labeledEnvironment = labels.get('environment') || labels.get('env');
  return [...labels.values()].includes(service) && (!labeledEnvironment || labeledEnvironment === environment);
}

/** Maximum nesting of details. Senders' lists are never nested deeper. */
const DEPTH_MAX = 6;

/**
 * Returns the labels of every alert that is listed as firing: JSON since Alertmanager 0.30, text from earlier versions
 * and from Grafana.
 */
function labelSets(details: unknown, depth = 0): Labels[] {
  if (depth > DEPTH_MAX) return [];
  if (typeof details === 'string') {
    const parsed = /^\s*[[{]/.test(details) ? parseJson(details) : undefined;
    return parsed === undefined ? labelLists(details) : labelSets(parsed, depth + 1);
  }
  if (Array.isArray(details)) return details.flatMap((item) => labelSets(item, depth + 1));
  if (!isObject(details)) return [];
  if (isObject(details['labels']))
    return details['status'] === 'resolved' ? [] : [new Map(stringsOf(details['labels']))];
  return Object.entries(details).flatMap(([name, value]) => (name === 'resolved' ? [] : labelSets(value, depth + 1)));
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const stringsOf = (labels: Readonly<Record<string, unknown>>): [string, string][] =>
  Object.entries(labels).filter((entry): entry is [string, string] => typeof entry[1] === 'string');

const LABEL = /^ *- ([^=]+?) = (.*)$/;

/**
 * Parses the lists of Alertmanager's default templates: `Labels:`, then a line ` - name = value` for each label.
 * @see https://github.com/prometheus/alertmanager/blob/main/template/default.tmpl (`__text_alert_list`)
 */
function labelLists(text: string): Labels[] {
  return text
    .split(/^Labels:$/m)
    .slice(1)
    .flatMap((part) => {
      const lines = part.split('\n').filter((line) => line.trim() !== '');
      const end = lines.findIndex((line) => !LABEL.test(line));
      const list = end < 0 ? lines : lines.slice(0, end);
      // A value with several lines ends the list early, so the parsed label set is incomplete.
      return end >= 0 && lines[end] !== 'Annotations:' ? [] : [new Map(list.flatMap(pairIn))];
    });
}

const pairIn = (line: string): [string, string][] => {
  const [, name, value] = LABEL.exec(line) ?? [];
  return name === undefined || value === undefined ? [] : [[name, value]];
};

function textsIn(details: unknown, depth = 0): string[] {
  if (typeof details === 'string') return [details];
  if (depth > DEPTH_MAX || typeof details !== 'object' || details === null) return [];
  return Object.values(details).flatMap((value) => textsIn(value, depth + 1));
}

/** Word boundaries. `checkout` doesn't match in `checkout-api` or `checkout.internal`, but in `checkout: errors`. */
const BEFORE = /[\p{L}\p{N}_.:/@-]$/u;
const AFTER = /^(?:[\p{L}\p{N}_-]|[.:/@][\p{L}\p{N}])/u;

/** Returns whether `text` contains `word` as a whole name. */
function hasWord(text: string, word: string): boolean {
  if (word === '') return false;
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const end = at + word.length;
    if (!BEFORE.test(text.slice(Math.max(0, at - 2), at)) && !AFTER.test(text.slice(end, end + 3))) return true;
  }
  return false;
}
