import type { IncidentId } from '../schemas/config/names.ts';
import type { Subject } from '../schemas/incidents/projection.ts';
import type { Changes, Pins } from '../domain/ports/changes.ts';
import type { Decisions, Effects } from '../domain/ports/decisions.ts';
import type { Freezes } from '../domain/ports/freeze.ts';
import type { IncidentGroups, Incidents } from '../domain/ports/incidents.ts';
import type { RunbookRuns } from '../domain/ports/runbooks.ts';
import { type Projections, pinsSubject } from '../domain/incidents/projections.ts';

/** Messages that change what other incidents of the group show. */
const OF_GROUP: ReadonlySet<string> = new Set(['verification', 'page_outdated']);

/**
 * Wraps the stores of incidents so that each write notifies the projectors. Callers cannot forget to notify them. Only
 * outcomes are reported, not intents, so that a page never waits for a Slack queue.
 */
export function notifyingIncidents(
  stores: {
    incidents: Incidents;
    incidentGroups: IncidentGroups;
    decisions: Decisions;
    effects: Effects;
    runbooks: RunbookRuns;
  },
  changed: Projections['changed'],
): typeof stores {
  const { incidents, incidentGroups, decisions, effects, runbooks } = stores;
  /** Also notifies of the incidents that show this one's decision and status: those of its group. */
  const changedInGroup = async (id: string): Promise<void> =>
    changed(...(await groupOf(stores, id as IncidentId)).map((one): Subject => `incident:${one}`));
  return {
    incidents: notifyAfter(
      incidents,
      ['note', 'amend', 'endEpisodes', 'endEvents', 'handOver', 'setMuted', 'setSimilar'],
      (id) => changed(`incident:${id}`),
      {
        async post(id, message, change, key) {
          const isPosted = await incidents.post(id, message, change, key);
          await (OF_GROUP.has(message.kind) ? changedInGroup(id) : changed(`incident:${id}`));
          return isPosted;
        },
        async resolve(id, ...how) {
          const result = await incidents.resolve(id, ...how);
          await changedInGroup(id);
          return result;
        },
      },
    ),
    incidentGroups: notifyAfter(incidentGroups, ['join', 'childEnded', 'detach'], (parent, child) =>
      changed(`incident:${parent}`, `incident:${String(child)}`),
    ),
    runbooks: notifyAfter(runbooks, ['choose', 'start', 'conclude'], (id) => changed(`incident:${id}`)),
    decisions: notifyAfter(decisions, ['ask', 'answer', 'withdraw', 'expire'], changedInGroup, {
      async keep(id, number, decision, ...more) {
        const kept = await decisions.keep(id, number, decision, ...more);
        // A rollback does not wait for it: the message that outdates the page follows, beside the rollback.
        if (decision.kind !== 'roll_back') await changedInGroup(id);
        return kept;
      },
    }),
    effects: notifyAfter(effects, ['conclude'], (id) => changed(`incident:${id}`), {
      async concludeRollback(id, end) {
        await effects.concludeRollback(id, end);
        await changedInGroup(id);
        if (end.versionChange !== null) await changed(pinsSubject(end.serviceEnvironment));
      },
    }),
  };
}

/** Returns an incident, its parent, and the other incidents of a dependency's group, which show one decision. */
async function groupOf(
  { incidents, incidentGroups }: { incidents: Incidents; incidentGroups: IncidentGroups },
  id: IncidentId,
): Promise<IncidentId[]> {
  try {
    const parent_id = (await incidents.read(id))?.parent_id;
    const parent = parent_id && (await incidents.read(parent_id));
    if (parent === undefined) return [id];
    const isShared = parent.group_reason?.because === 'shared_dependency';
    const others = isShared ? await incidentGroups.children(parent.id) : [];
    return [...new Set([id, parent.id, ...others.map(({ incident }) => incident.id)])];
  } catch {
    return [id]; // the sweeper notifies of open incidents, too
  }
}

/** Wraps the store of changes in the same way. */
export const notifyingChanges = (changes: Changes, changed: Projections['changed']): Changes =>
  notifyAfter(changes, [], async () => undefined, {
    async record(change, extra) {
      const recorded = await changes.record(change, extra);
      await changed(`change:${recorded.change.id}`);
      return recorded;
    },
    async patch(id, patch) {
      const patched = await changes.patch(id, patch);
      await changed(`change:${id}`);
      return patched;
    },
    async revise(id, revise) {
      const revised = await changes.revise(id, revise);
      await changed(`change:${id}`);
      return revised;
    },
  });

/** Wraps the store of pins in the same way. The end of Firebreak's own rollback writes pins, too. */
export const notifyingPins = (pins: Pins, changed: Projections['changed']): Pins =>
  notifyAfter(pins, [], async () => undefined, {
    async add(pin, rollback) {
      const added = await pins.add(pin, rollback);
      if (added !== undefined) await changed(pinsSubject(added));
      return added;
    },
    async lift(id, by) {
      const lifted = await pins.lift(id, by);
      if (lifted !== undefined) await changed(pinsSubject(lifted));
      return lifted;
    },
  });

/** Wraps the store of freezes in the same way. A freeze is shown from its start to its end; overrides are not shown. */
export const notifyingFreezes = (freezes: Freezes, changed: Projections['changed']): Freezes =>
  notifyAfter(freezes, ['end', 'revise'], (id) => changed(`freeze:${id}`), {
    async open(freeze) {
      const opened = await freezes.open(freeze);
      await changed(`freeze:${opened.freeze.id}`);
      return opened;
    },
  });

/** Returns `port` with calls to `methods` followed by `notify`, which gets the first arguments: IDs. */
function notifyAfter<T extends object>(
  port: T,
  methods: readonly (keyof T)[],
  notify: (...ids: [string, unknown?]) => Promise<void>,
  overrides: Partial<T> = {},
): T {
  return new Proxy(port, {
    get(target, key) {
      const own: unknown = Reflect.get(overrides, key);
      if (own !== undefined) return own;
      const method: unknown = Reflect.get(target, key);
      if (typeof method !== 'function') return method;
      if (!methods.includes(key as keyof T)) return method.bind(target) as unknown;
      return async (...args: [string, ...unknown[]]): Promise<unknown> => {
        const result: unknown = await Reflect.apply(method, target, args);
        await notify(args[0], args[1]);
        return result;
      };
    },
  });
}
