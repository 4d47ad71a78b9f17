import { serviceEntry } from '../../../../core/domain/catalogue/catalogue.ts';
import { attending, attentionOf, attentionOfMember } from '../../../../core/domain/incidents/attention.ts';
import { numberInAddress } from '../../../../core/domain/incidents/incident-number.ts';
import type { Deps } from '../../../../core/domain/ports/deps.ts';
import type { ComputeReport } from '../../../../features/manifest.ts';
import type { IncidentSummary } from '../../../../core/domain/ports/incidents.ts';
import { IncidentId } from '../../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { hasDetails, isInScope, isOfSummaries, type ListFilter } from './list-filter.ts';

const ROWS_MAX = 30;
const DAY_SECONDS = 24 * 3600;

/** `from`: where the page begins. Null: at the newest incident. */
export type ListQuery = { filter: ListFilter; from: string | null };

export type ListedIncidents = {
  incidents: readonly IncidentRecord[];
  /** Where older ones begin. Null: there are none. */
  older: string | null;
  /** How many match. Null: more than were read, so that it is not known. */
  total: number | null;
  /** How many are open. */
  open: number;
  /** Open incidents that wait for approval. */
  asking: readonly IncidentRecord['id'][];
  /** The group that the filter names. Null: it names none, or there is none with this name. */
  group: Pick<IncidentRecord, 'id' | 'number'> | null;
};

/** Reads one page. */
export const listed: ComputeReport<ListQuery, ListedIncidents> = async (deps, { filter, from }, may) => {
  const at = deps.clock.now();
  const { services } = await deps.config.current();
  const teamOf = (service: string): string | undefined => serviceEntry(services, service)?.team;
  const open = (await deps.incidents.openSummaries()).filter((incident) => may('incidents:read', incident));
  const rows = attending(open, at);
  const needs = new Map(
    rows.flatMap(({ incident, members, attention }) => {
      const itself = attentionOf(incident, at);
      return [
        [incident.id, attention] as const,
        ...members.map((member) => [member.id, attentionOfMember(member, itself, at)] as const),
      ];
    }),
  );
  const named = filter.group === null ? undefined : await groupNamed(deps, filter.group);
  const group = named !== undefined && may('incidents:read', named) ? named : null;
  const since = filter.days === null ? null : plusSeconds(at, -Number(filter.days) * DAY_SECONDS);
  const isShown = (incident: IncidentRecord | IncidentSummary): boolean =>
    isInScope(filter, incident, { teamOf, since }) &&
    (filter.attention === null || needs.get(incident.id) === filter.attention) &&
    (filter.group === null || (group !== null && incident.parent_id === group.id));
  const isMatch = (incident: IncidentRecord): boolean =>
    isShown(incident) && hasDetails(filter, incident) && may('incidents:read', incident);
  const { items, next_cursor: older } = await deps.incidents.search({
    limit: ROWS_MAX,
    ...(filter.state !== 'all' && { state: filter.state }),
    ...(since !== null && { since }),
    ...(from !== null && { cursor: from }),
    matches: isMatch,
  });
  const asking = open.filter(isAsking).map(({ id }) => id);
  const incidents = from === null ? await withNumbered(deps, items, filter.text, isMatch) : items;
  const isWhole = from === null && older === null;
  const isCounted = filter.state === 'open' && isOfSummaries(filter);
  const total = isWhole ? incidents.length : isCounted ? open.filter(isShown).length : null;
  return {
    incidents,
    older,
    total,
    open: open.length,
    asking,
    group: group && { id: group.id, ...(group.number !== undefined && { number: group.number }) },
  };
};

/** Puts the incident first whose number a text is, also if it is older, or not in the state that is listed. */
export async function withNumbered(
  { incidents }: Pick<Deps, 'incidents'>,
  items: readonly IncidentRecord[],
  text: string,
  isMatch: (incident: IncidentRecord) => boolean,
): Promise<readonly IncidentRecord[]> {
  const number = numberInAddress(text);
  const id = number === undefined ? undefined : await incidents.withNumber(number);
  const named = id === undefined ? undefined : await incidents.read(id);
  return named === undefined || !isMatch(named) ? items : [named, ...items.filter((one) => one.id !== named.id)];
}

/** While automation is paused, an answer would have no effect. */
const isAsking = ({ questions, automation_paused: isPaused }: IncidentSummary): boolean => questions > 0 && !isPaused;

/** Returns whether an open incident waits for approval. */
export const anyAsks: ComputeReport<null, boolean> = async ({ incidents }, _, may) =>
  (await incidents.openSummaries()).some((incident) => isAsking(incident) && may('incidents:read', incident));

/** Returns a group by its number or ID. */
async function groupNamed({ incidents }: Pick<Deps, 'incidents'>, name: string): Promise<IncidentRecord | undefined> {
  const number = numberInAddress(name);
  const id = number === undefined ? IncidentId.safeParse(name).data : await incidents.withNumber(number);
  const incident = id && (await incidents.read(id));
  return incident?.group_reason === undefined ? undefined : incident;
}
