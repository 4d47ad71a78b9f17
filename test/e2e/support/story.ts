import { expect } from 'vitest';
import { minutesAgo } from '../../support/alerts.ts';
import { eventually, type Firebreak } from '../../support/firebreak.ts';
import { REOPEN_WITHIN_SECONDS } from '../../../core/domain/alerts/admission.ts';
import { TIME_SCALE } from './stage.ts';
import type { CdServer } from './cd-server.ts';
import type { ToyService } from './toy-service.ts';

/** An alert that Alertmanager repeats in this time is not taken for a new one. */
const CLOCK_MARGIN_MS = 1000;

/** Returns a catalogue in which this CD system may roll back these services automatically. */
export function catalogue(
  cd: CdServer,
  services: readonly ToyService[],
  more: object = {},
): Record<string, { environments: object }> {
  const deployer = { kind: 'http', url: `${cd.url}/api/v1/rollback`, auth: { bearer: 'CD_TOKEN' } };
  const production = { deployer, autoRollback: { mode: 'act', evidence: 'time' }, ...more };
  return Object.fromEntries(services.map(({ name }) => [name, { environments: { production } }]));
}

/** The error ratio that the example's rules record for a service. It is below 5 % in normal operation. */
export const errorRatioOf = ({ name }: ToyService): { promql: string; max: number } => ({
  promql: `service:requests:error_ratio{service="${name}"}`,
  max: 0.05,
});

/** Returns the same ratio by version, over the range of the rules. */
export const errorRatioByVersionOf = ({ name }: ToyService): string => {
  const rate = (more: string) => `sum by (version) (rate(requests_total{service="${name}"${more}}[4s]))`;
  return `${rate(',code=~"5.."')} / ${rate('')}`;
};

/** Returns the requests per second by version, which tell how many of them the ratio describes. */
export const trafficByVersionOf = ({ name }: ToyService): string =>
  `sum by (version) (rate(requests_total{service="${name}"}[4s]))`;

/** Records that version v1 has been running for hours. */
export async function haveHistory(firebreak: Firebreak, services: readonly ToyService[]): Promise<void> {
  for (const { name: service } of services) {
    await record(firebreak, {
      service,
      version: 'v1',
      has_migration: false,
      started_at: minutesAgo(240),
      finished_at: minutesAgo(235),
    });
  }
}

/** Expects one trigger and one resolve, regardless of their results. */
export async function expectOnePage(firebreak: Firebreak, incident: Incident): Promise<void> {
  await untilPagerKnows(firebreak, incident);
  expect(await pagesOf(firebreak, incident)).toEqual([
    { action: 'trigger', key: `${incident.id}.page.1` },
    { action: 'resolve', key: `${incident.id}.page.1` },
  ]);
}

/** Rolls out a failing version, and reports its start and end to Firebreak, like a pipeline. */
export async function deployBroken(firebreak: Firebreak, service: ToyService, version: string): Promise<void> {
  const begun = await record(firebreak, { service: service.name, version, status: 'started', has_migration: false });
  service.broken.add(version);
  service.version = version;
  const ended = await firebreak.request('PATCH', `/v1/deployments/${begun.id}`, { status: 'succeeded' });
  expect(ended.status).toBe(200);
}

/** Records a change in production. */
export async function record(firebreak: Firebreak, change: object): Promise<{ id: string }> {
  const { status, body } = await firebreak.post('/v1/deployments', { environment: 'production', ...change });
  expect({ status, body }).toMatchObject({ status: 201 });
  return body;
}

type Decision = {
  kind: string;
  because: string;
  from_version: string | null;
  to_version: string | null;
  reasons: { code: string; text: string }[];
};

export type Incident = {
  id: string;
  parent_id: string | null;
  status: string;
  severity: string;
  signal_count: number;
  decisions: Decision[];
  effects: { key: string; kind: string; state: string }[];
};

export type Entry = { at: string; actor: string; kind: string; text: string };

/** Returns all incidents of a service, oldest first. */
export async function incidentsOf(firebreak: Firebreak, { name }: Pick<ToyService, 'name'>): Promise<Incident[]> {
  return (await firebreak.get(`/v1/incidents?service=${name}&limit=100`)).body.items.toReversed();
}

/** Returns the timeline, oldest first. */
export async function timelineOf(firebreak: Firebreak, { id }: Incident): Promise<Entry[]> {
  return (await firebreak.get(`/v1/incidents/${id}/timeline?limit=200`)).body.items.toReversed();
}

/** Waits for the first judgement about the only incident of a service. */
export async function untilJudged(firebreak: Firebreak, service: ToyService): Promise<Incident> {
  const judged = async () => {
    const incidents = await incidentsOf(firebreak, service);
    return incidents.every(({ decisions }) => decisions.length > 0) && incidents[0];
  };
  return toldWhyNot(firebreak, service, () => eventually(judged, `${service.name} is judged`));
}

/**
 * Waits until a service has had this number of incidents, and all are resolved. Returns the newest. There must be no
 * more.
 */
export async function untilResolved(firebreak: Firebreak, service: ToyService, count = 1): Promise<Incident> {
  const over = async () => {
    const incidents = await incidentsOf(firebreak, service);
    return incidents.length >= count && incidents.every(({ status }) => status === 'resolved') && incidents;
  };
  return toldWhyNot(firebreak, service, async () => {
    const incidents = await eventually(over, `${count} incidents of ${service.name}, resolved`);
    expect(incidents).toHaveLength(count);
    return incidents[count - 1] as Incident;
  });
}

/** Waits until an alert that fires again opens another incident of a stage, and doesn't reopen this one. */
export async function untilNotReopened(firebreak: Firebreak, { id }: Incident): Promise<void> {
  const { body } = await firebreak.get(`/v1/incidents/${id}`);
  const end = Date.parse(body.resolved_at) + (REOPEN_WITHIN_SECONDS / TIME_SCALE) * 1000 + CLOCK_MARGIN_MS;
  await eventually(() => Promise.resolve(Date.now() > end), `${id} is not reopened any more`);
}

async function toldWhyNot<T>(firebreak: Firebreak, service: ToyService, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    throw new Error(`${String(error)}\n${await soFar(firebreak, service)}`, { cause: error });
  }
}

/** Returns a summary for the error message, to find out why a story did not end. */
async function soFar(firebreak: Firebreak, service: ToyService): Promise<string> {
  const incidents = await incidentsOf(firebreak, service).catch(() => []);
  const told = incidents.map(async (incident) => {
    const entries = await timelineOf(firebreak, incident);
    return [incident.id, incident.status, ...entries.map(({ at, text }) => `  ${at} ${text}`)].join('\n');
  });
  const stories = await Promise.all(told).catch(() => []);
  return [`${service.name} runs ${service.version}`, ...stories, firebreak.output.slice(-4000)].join('\n');
}

/** Returns the requests to the pager about an incident, oldest first. */
export async function pagesOf(firebreak: Firebreak, { id }: Incident): Promise<{ action: string; key: string }[]> {
  const calls = await firebreak.calls('pagerduty');
  return calls
    .map(({ body }) => ({ action: String(body.event_action), key: String(body.dedup_key) }))
    .filter(({ key }) => key.startsWith(id));
}

/** Waits until the pager knows that an incident has ended, which is the last notification. */
export const untilPagerKnows = (firebreak: Firebreak, incident: Incident): Promise<unknown> =>
  eventually(
    async () => (await pagesOf(firebreak, incident)).some(({ action }) => action === 'resolve'),
    `the page of ${incident.id} is resolved`,
  );

/** Expects one call each. Valid only if nothing was killed and no response was lost. */
export async function expectOneOfEach(
  firebreak: Firebreak,
  cd: CdServer,
  service: ToyService,
  incident: Incident,
  { from, to } = { from: 'v2', to: 'v1' },
): Promise<void> {
  const requests = cd.requestsOf(service.name).filter(({ incident_id }) => incident_id === incident.id);
  expect(requests).toMatchObject([{ service: service.name, from_version: from, to_version: to }]);
  expect(incident.effects.filter(({ kind }) => kind === 'roll-back')).toMatchObject([{ state: 'succeeded' }]);
  await expectOnePage(firebreak, incident);
}
