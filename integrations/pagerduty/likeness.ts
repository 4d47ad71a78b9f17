import type { ExternalQuery } from '../../domain/outlets.ts';
import { json } from '../http.ts';

/** An alert at PagerDuty: `details` is what its sender has put there. */
export type ShownAlert = { key: string; title: string; details: unknown };

/** `same`: one of its alerts is one of ours. `named`: it names the same things. `other`: neither. */
export type Likeness = 'same' | 'named' | 'other';

/** Of a page of ours: the incident's id and the page's number. */
const OUR_KEY = /^[0-9A-HJKMNP-TV-Z]{26}\.page\.\d/;

type Labels = ReadonlyMap<string, string>;

/**
 * How an alert at PagerDuty is like one of ours. Alertmanager and Grafana list the alerts of a group with their labels
 * in the details: there a label set is compared with ours, and a name counts only as a label's value. Where a template
 * has taken the lists away, the name, the service and the environment have to stand in the text, as words. What we have
 * paged ourselves is nobody else's.
 */
export function likeness(shown: ShownAlert, query: ExternalQuery): Likeness {
  if (OUR_KEY.test(shown.key)) return 'other';
  const ours = query.alerts.map((labels) => new Map(labels));
  const names = ours.flatMap((labels) => labels.get('alertname') ?? []);
  const listed = labelSets(shown.details);
  if (listed.some((labels) => ours.some((own) => sameLabels(labels, own)))) return 'same';
  if (listed.length > 0)
    return listed.some((labels) => names.includes(labels.get('alertname') ?? '') && ofPlace(labels, query))
      ? 'named'
      : 'other';
  const texts = [shown.title, ...textsIn(shown.details)];
  const said = (word: string): boolean => texts.some((text) => hasWord(text, word));
  return names.some(said) && said(query.service) && said(query.environment) ? 'named' : 'other';
}

const sameLabels = (one: Labels, other: Labels): boolean =>
  one.size > 0 && one.size === other.size && [...one].every(([name, value]) => other.get(name) === value);

/** Which label means the service is the catalogue's affair; its value is what counts. */
function ofPlace(labels: Labels, { service, environment }: ExternalQuery): boolean {
  const where = labels.get('environment') || labels.get('env');
  return [...labels.values()].includes(service) && (!where || where === environment);
}

/** A sender's details are flat; nothing nested deeper than this is one of its lists. */
const DEPTH_MAX = 6;

/** Of every alert that is listed as firing: as JSON since Alertmanager 0.30, as text by earlier ones and by Grafana. */
function labelSets(details: unknown, depth = 0): Labels[] {
  if (depth > DEPTH_MAX) return [];
  if (typeof details === 'string') {
    const parsed = /^\s*[[{]/.test(details) ? json(details) : undefined;
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
 * The lists that Alertmanager's default templates write: `Labels:`, then a line ` - name = value` for each.
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
      // A value of several lines ends the list early, and what was read of it is not the whole set.
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

/** `checkout` is neither in `checkout-api` nor in `checkout.internal`, but it is in `checkout: errors`. */
const BEFORE = /[\p{L}\p{N}_.:/@-]$/u;
const AFTER = /^(?:[\p{L}\p{N}_-]|[.:/@][\p{L}\p{N}])/u;

/** Whether `text` has `word` as a whole name. */
function hasWord(text: string, word: string): boolean {
  if (word === '') return false;
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const end = at + word.length;
    if (!BEFORE.test(text.slice(Math.max(0, at - 2), at)) && !AFTER.test(text.slice(end, end + 3))) return true;
  }
  return false;
}
