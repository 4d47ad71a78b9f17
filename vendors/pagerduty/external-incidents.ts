import { createHash } from 'node:crypto';
import * as z from 'zod';
import type {
  ExternalFound,
  ExternalIncident,
  ExternalPager,
  ExternalQuery,
} from '../../core/domain/ports/external-pager.ts';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { truncate } from '../shared/text.ts';
import { AlertPage, IncidentPage, Notes, NoteCreated, OneIncident } from './incident.ts';
import { similarityOf } from './alert-similarity.ts';
import { NOTE_MAX_CHARS, PAGE_ITEMS } from './limits.ts';
import { openRest, type Rest, type RestOptions } from './rest.ts';

/** Maximum alert groups to search for; each takes a call. Incidents rarely have more. */
const GROUP_KEYS_MAX = 10;
/** Maximum pages of open incidents to search if no key matches. */
const PAGES_MAX = 3;
/** Maximum incidents whose alerts are read; each takes a call. */
const INCIDENTS_READ_MAX = 15;
/** Maximum alerts to read per incident, newest first. Each can have 512 KB of details. */
const ALERTS_MAX = 25;
/** Maximum merges to follow, if an incident was merged into an incident that was itself merged. */
const MERGES_MAX = 3;

/** @see https://developer.pagerduty.com/api-reference (List abilities; read 2026-11) */
const Abilities = z.object({ abilities: z.array(z.string()) });

const OPEN: [string, string][] = [
  ['statuses[]', 'triggered'],
  ['statuses[]', 'acknowledged'],
];

const NO_KEY = 'set PAGERDUTY_API_TOKEN to an API key of the account or of one of its users';
const WRONG_URL = 'PAGERDUTY_API_URL is probably not the address of the REST API, such as https://api.pagerduty.com';

/** The advice for responses that deny access. */
const ADVICE: Readonly<Partial<Record<string, string>>> = {
  unauthorized: NO_KEY,
  forbidden: NO_KEY,
  not_found: WRONG_URL,
  unreadable: WRONG_URL,
};

/** Creates a client for PagerDuty incidents that Alertmanager or Grafana open directly (`paging: external`). */
export function externalPagerDuty(options: RestOptions): ExternalPager {
  return {
    async paged(key) {
      const rest = openRest(options);
      const page = await rest.get(
        '/incidents',
        [
          ['incident_key', key],
          ['date_range', 'all'],
        ],
        IncidentPage,
      );
      if (page.kind !== 'done') return page;
      const found = newest(page.value.incidents);
      // A resolved incident may have been merged into another one that is still open.
      return found?.status === 'resolved' ? readMerged(rest, found.id) : { kind: 'done', value: found ?? null };
    },
    async find(query) {
      const rest = openRest(options);
      const byKey = await findByKey(rest, query.groupKeys);
      if (byKey.kind !== 'done' || byKey.value.incident !== null) return byKey;
      return findByAlerts(rest, query);
    },
    async annotate(id, text, key) {
      const rest = openRest(options);
      const path = `/incidents/${encodeURIComponent(id)}/notes`;
      const notes = await rest.get(path, [], Notes);
      if (notes.kind !== 'done') return notes;
      const marker = `firebreak:${key}`;
      if (notes.value.some((content) => content.split(/\r?\n/).includes(marker))) return { kind: 'done', value: null };
      const words = truncate(text, Math.max(1, NOTE_MAX_CHARS - marker.length - 2));
      return rest.post(path, { note: { content: `${words}\n\n${marker}` } }, NoteCreated);
    },
    async check() {
      // The account's abilities are the same for every key and contain no personal data.
      const response = await openRest(options).get('/abilities', [], Abilities);
      if (response.kind === 'done') return { kind: 'done', value: null };
      const advice = response.kind === 'refused' ? ADVICE[response.code] : undefined;
      return advice === undefined
        ? response
        : { ...response, code: 'not_set_right', detail: `${response.detail}: ${advice}` };
    },
    read: (id) => readMerged(openRest(options), id),
  };
}

/**
 * Returns the key that Alertmanager, and Grafana with the same code, send to PagerDuty for an alert group: the hash of
 * the group key, which their webhooks contain as text. The keys match only if the webhook and PagerDuty belong to the
 * same receiver, because each route has its own group keys. Verified with Alertmanager 0.25.0, and unchanged in the
 * source of 0.34.
 * @see https://github.com/prometheus/alertmanager/blob/main/notify/util.go (`Key.Hash`)
 */
export const dedupKeyOf = (groupKey: string): string => createHash('sha256').update(groupKey).digest('hex');

/**
 * Finds an open incident with the key of one of the alert groups. The newest of several incidents is most likely about
 * this episode.
 */
async function findByKey(rest: Rest, groupKeys: readonly string[]): Promise<VendorResponse<ExternalFound>> {
  const found: ExternalIncident[] = [];
  for (const key of [...new Set(groupKeys)].slice(0, GROUP_KEYS_MAX)) {
    const page = await rest.get('/incidents', [['incident_key', dedupKeyOf(key)], ...OPEN], IncidentPage);
    if (page.kind !== 'done') return page;
    found.push(...page.value.incidents);
  }
  const incident = newest(found);
  return done(
    incident
      ? { incident, by: 'group_key' }
      : { incident: null, because: 'no open incident at PagerDuty has the key of the alert group' },
  );
}

const newest = (incidents: readonly ExternalIncident[]): ExternalIncident | undefined =>
  incidents.toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1))[0];

const done = (value: ExternalFound): VendorResponse<ExternalFound> => ({ kind: 'done', value });

async function findByAlerts(rest: Rest, query: ExternalQuery): Promise<VendorResponse<ExternalFound>> {
  const open = await openSince(rest, query.since);
  if (open.kind !== 'done') return open;
  const matches: Matches = { same: [], named: [] };
  const searched = likelyFirst(open.value.incidents, query).slice(0, INCIDENTS_READ_MAX);
  for (const incident of searched) {
    const alerts = await rest.get(
      `/incidents/${encodeURIComponent(incident.id)}/alerts`,
      [
        ['statuses[]', 'triggered'],
        ['sort_by', 'created_at:desc'],
        ['limit', String(ALERTS_MAX)],
      ],
      AlertPage,
    );
    if (alerts.kind !== 'done') return alerts;
    const similarities = alerts.value.map((alert) => similarityOf(alert, query));
    if (similarities.includes('same')) matches.same.push(incident);
    else if (similarities.includes('named')) matches.named.push(incident);
  }
  const isAllSearched = open.value.isComplete && searched.length === open.value.incidents.length;
  return done(chooseMatch(matches, { searchedCount: searched.length, isAllSearched }));
}

/** Reads the open incidents since a time. `isComplete`: there are no further incidents. */
async function openSince(
  rest: Rest,
  since: Timestamp,
): Promise<VendorResponse<{ incidents: ExternalIncident[]; isComplete: boolean }>> {
  const incidents: ExternalIncident[] = [];
  let isComplete = false;
  for (let page = 0; page < PAGES_MAX && !isComplete; page += 1) {
    const query: [string, string][] = [
      ['since', since],
      ['sort_by', 'created_at:desc'],
      ['limit', String(PAGE_ITEMS)],
      ['offset', String(page * PAGE_ITEMS)],
    ];
    const read = await rest.get('/incidents', [...query, ...OPEN], IncidentPage);
    if (read.kind !== 'done') return read;
    incidents.push(...read.value.incidents);
    isComplete = !read.value.more;
  }
  return { kind: 'done', value: { incidents, isComplete } };
}

/**
 * Sorts incidents by the words in their titles that match the service and alerts, because an alert storm has more
 * incidents than can be read.
 */
function likelyFirst(incidents: readonly ExternalIncident[], { service, alerts }: ExternalQuery): ExternalIncident[] {
  const words = [service, ...alerts.flat().flatMap(([name, value]) => (name === 'alertname' ? [value] : []))];
  const score = ({ title }: ExternalIncident): number => words.filter((word) => title.includes(word)).length;
  return incidents.toSorted((a, b) => score(b) - score(a));
}

type Matches = { same: ExternalIncident[]; named: ExternalIncident[] };

/**
 * Chooses an incident. One with the same alert is a match. A match by name is weaker: it must be the only one, and all
 * open incidents must have been read.
 */
function chooseMatch(
  { same, named }: Matches,
  { searchedCount: searched, isAllSearched }: { searchedCount: number; isAllSearched: boolean },
): ExternalFound {
  const sameAlert = newest(same);
  if (sameAlert) return { incident: sameAlert, by: 'labels' };
  const [only, ...others] = named;
  if (only && others.length === 0 && isAllSearched) return { incident: only, by: 'names' };
  const because = only
    ? `${named.map(({ id }) => id).join(', ')} may match: the alert and the service are named there`
    : `none of ${searched} open incidents at PagerDuty matches the alerts`;
  return { incident: null, because: isAllSearched ? because : `${because}; there are more than were read` };
}

async function readMerged(rest: Rest, id: string, merges = 0): Promise<VendorResponse<ExternalIncident | null>> {
  const read = await rest.get(`/incidents/${encodeURIComponent(id)}`, [], OneIncident);
  if (read.kind === 'refused' && read.code === 'not_found') return { kind: 'done', value: null };
  if (read.kind !== 'done') return read;
  const { incident, mergedInto } = read.value;
  return mergedInto === null || merges === MERGES_MAX
    ? { kind: 'done', value: incident }
    : readMerged(rest, mergedInto, merges + 1);
}
