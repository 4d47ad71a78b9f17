import { setTimeout as sleep } from 'node:timers/promises';
import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import type { OnCallPerson } from '../../domain/people/on-call.ts';
import type { VendorResponse } from '../../domain/ports/vendor-response.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Assignee } from '../../domain/people/roles.ts';
import type { IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { giveCommandOfParent } from '../../../workflows/declaration.ts';

type LookupDeps = Pick<Deps, 'incidents' | 'inbound' | 'config' | 'clock' | 'log'>;

/** Queues the lookup of the on-call responder for a service's team, if people.yaml configures one. */
export async function queueOnCallLookup(
  deps: LookupDeps,
  id: IncidentId,
  { service, trace }: { service: ServiceName; trace: string },
): Promise<void> {
  const team = await teamOf(deps, service);
  if (team === undefined) return;
  const key = `on-call:${id}`;
  try {
    await deps.inbound.send({ from: 'firebreak', key, at: deps.clock.now(), trace, ask: 'on_call', incident: id }, key);
  } catch (error) {
    deps.log.error('the lookup of the on-call responder could not be queued', {
      incident: id,
      team,
      error: String(error),
    });
    await noteUnknown(deps, id, `The on-call responder of ${team} could not be looked up`);
  }
}

/** Returns the team of a service. Undefined: it has none, or the team has no `onCall` configuration. */
async function teamOf({ config }: Pick<Deps, 'config'>, service: ServiceName): Promise<string | undefined> {
  const { services, people } = await config.current();
  const team = serviceEntry(services, service)?.team;
  return team !== undefined && Object.hasOwn(people.onCall, team) ? team : undefined;
}

type OnCallDeps = Pick<Deps, 'incidents' | 'onCall' | 'config' | 'clock' | 'log'>;

/** Seconds between attempts. Together with their time-outs, all attempts fit into one invocation. */
const PAUSES_SECONDS = [1, 3];

/**
 * Assigns command of a declared incident to the on-call responder of the team. If no responder is found, the
 * timeline says so.
 */
export async function giveCommandToOnCall(
  deps: OnCallDeps,
  id: IncidentId,
  pause: (seconds: number) => Promise<unknown> = (seconds) => sleep(seconds * 1000),
): Promise<void> {
  const incident = await deps.incidents.read(id);
  if (incident === undefined || incident.status === 'resolved' || incident.roles?.commander !== undefined) return;
  const team = await teamOf(deps, incident.service);
  if (team === undefined) return;
  const response = await withRetries(() => deps.onCall.now(team), pause);
  if (response.kind !== 'done') {
    deps.log.warn('the on-call responder could not be looked up', { incident: id, team, detail: response.detail });
    return noteUnknown(deps, id, `The on-call responder of ${team} could not be looked up (${response.detail})`);
  }
  const [first] = response.value.toSorted((a, b) => a.level - b.level);
  if (first === undefined) return noteUnknown(deps, id, `No responder is on call for ${team}`);
  await giveCommand(deps, id, assigneeOnCall(first), team);
  await giveCommandOfParent(deps, id);
}

/** Retries temporary failures only. */
async function withRetries<T>(
  request: () => Promise<VendorResponse<T>>,
  pause: (seconds: number) => Promise<unknown>,
): Promise<VendorResponse<T>> {
  let response = await request();
  for (const seconds of PAUSES_SECONDS) {
    if (response.kind !== 'later' && response.kind !== 'unclear') break;
    await pause(seconds);
    response = await request();
  }
  return response;
}

const noteUnknown = ({ incidents, clock }: Pick<Deps, 'incidents' | 'clock'>, id: IncidentId, why: string) =>
  incidents.note(id, 'commander-on-call-unknown', {
    at: clock.now(),
    actor: 'firebreak',
    kind: 'commander.unknown',
    text: `${why}. The incident has no commander until a person takes command`,
    detail: { role: 'commander' },
  });

async function giveCommand(deps: OnCallDeps, id: IncidentId, assignee: Assignee, team: string): Promise<void> {
  const holder = { ...assignee, at: deps.clock.now() };
  const text = `Assigned command to ${holder.shown}, who is on call for ${team}`;
  await deps.incidents.amend(
    id,
    ({ roles }) =>
      roles?.commander === undefined
        ? {
            roles: { commander: holder },
            timeline: {
              actor: 'firebreak',
              kind: 'role.assigned',
              text,
              detail: { role: 'commander', to: holder.name },
            },
          }
        : undefined,
    'commander-on-call',
  );
}

const assigneeOnCall = ({ person, pagerduty, slack, name }: OnCallPerson): Assignee => ({
  name: person ?? (slack === null ? `pagerduty:${pagerduty}` : `slack:${slack}`),
  shown: name,
  slack,
});
