import { expect } from 'vitest';
import type { StatusPage } from '../../types.ts';
import { componentStatus, publicStatus, withComponents, worst } from '../../decisions/public-texts.ts';
import { statuspageProjector } from '../../projectors/statuspage/statuspage.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import { type PublicStatus, PublicStatus as PublicStatuses } from '../../schemas/states.ts';
import type { Step } from '../../../../test/vendors/projectors/history.ts';
import { ALERT } from '../../../../test/vendors/projectors/memory-incidents.ts';
import { MemoryStatusPage, type PublicIncident } from './memory-status-page.ts';
import { configOf, type Trouble, World } from '../../../../test/vendors/projectors/world.ts';

/** Incidents of two services that share a component for payments. */
export const CHECKOUT = '01TEST00000000000000000001' as IncidentId;
export const SEARCH = '01TEST00000000000000000002' as IncidentId;
const COMPONENTS = { [CHECKOUT]: ['CHECKOUT', 'PAYMENTS'], [SEARCH]: ['PAYMENTS', 'SEARCH'] };

export type Scenario = { checkout: readonly Step[]; search: readonly Step[]; searchAfter: number; trouble: Trouble };

/** Plays both incidents until everything is projected. */
export async function played(
  { checkout, search, searchAfter, trouble }: Scenario,
  config = configOf(),
  also: (shown: { world: World; page: MemoryStatusPage }) => void = () => undefined,
) {
  const page = new MemoryStatusPage();
  const world = new World('statuspage', trouble, config, (seen) =>
    statuspageProjector({ ...seen, statusPage: seen.vendor<StatusPage>(page) }),
  );
  world.incidents.begin(CHECKOUT, {});
  world.tell(CHECKOUT, checkout);
  world.expect(searchAfter, () => {
    world.incidents.begin(SEARCH, { service: 'search' as ServiceName });
    world.tell(SEARCH, search);
  });
  also({ world, page });
  await world.run(30);
  return { world, page };
}

export type Played = Awaited<ReturnType<typeof played>>;

export function expectShown({ world, page }: Played): void {
  const shown = [CHECKOUT, SEARCH].filter((id) => page.incidents.some(({ key }) => key === id));
  for (const id of [CHECKOUT, SEARCH]) {
    const public_ = page.incidents.filter(({ key }) => key === id);
    const now = world.incidents.now(id);
    // An incident that ends before it was published is not published.
    const isPublic = now.status !== 'resolved' && now.severity === 'critical';
    expect(public_.length, 'each incident is published once').toBeLessThanOrEqual(1);
    if (isPublic) expect(public_).toHaveLength(1);
    for (const one of public_) expectUpdates(world, id, one);
  }
  const open = shown.map((id) => world.incidents.now(id)).filter(({ status }) => status !== 'resolved');
  for (const component of ['CHECKOUT', 'PAYMENTS', 'SEARCH']) {
    const about = open.filter(({ id }) => COMPONENTS[id]?.includes(component));
    const wanted = worst(about.map((one) => componentStatus(one, world.config.statusPage)));
    expect([component, page.states[component.toLowerCase()]]).toEqual([component, wanted]);
  }
  expect(world.calls.join(), 'no word of an alert').not.toContain(ALERT);
}

/** Asserts that updates are in order, without repetition, and with Firebreak's own texts. */
function expectUpdates(world: World, id: IncidentId, { name, updates }: PublicIncident): void {
  const names = COMPONENTS[id] ?? [];
  const { title, updates: templates } = world.config.statusPage;
  expect(name).toBe(withComponents(title, names));
  for (const { status, body } of updates)
    expect(body).toBe(withComponents(templates[PublicStatuses.parse(status)], names));
  const statuses = updates.map(({ status }) => status);
  const truth = statusesOf(world.incidents.of(id).records.map(({ record }) => record));
  expect(isWithin(statuses, truth), `${statuses.join()} within ${truth.join()}`).toBe(true);
  expect(statuses.at(-1)).toBe(truth.at(-1));
  expect(
    statuses.filter((status, n) => n > 0 && statuses[n - 1] === status),
    'mailed twice',
  ).toEqual([]);
}

const statusesOf = (records: readonly IncidentRecord[]): PublicStatus[] =>
  records.map((record) => publicStatus(record));

/** Returns whether one list is a subsequence of another. */
function isWithin(some: readonly string[], all: readonly string[]): boolean {
  let at = 0;
  return some.every((one) => {
    at = all.indexOf(one, at) + 1;
    return at > 0;
  });
}

/** Asserts that further marks cause no calls. */
export async function expectFixedPoint({ world }: Played): Promise<void> {
  expect(await world.callsWhenMarked(`incident:${SEARCH}`, `incident:${CHECKOUT}`)).toEqual([]);
}
