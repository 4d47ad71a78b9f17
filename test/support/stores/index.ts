import type { Deps } from '../../../domain/ports/deps.ts';
import { FakeAutomation } from './automation.ts';
import { FakeChanges } from './changes.ts';
import { FakeCode } from './code.ts';
import { FakeDecisions } from './decisions.ts';
import { FakeEffects } from './effects.ts';
import { FakeEvidencePacks } from './evidence.ts';
import { FakeIncidentGroups } from './groups.ts';
import { FakeIncidents } from './incidents.ts';
import { FakePins } from './pins.ts';
import { FakeRollouts } from './rollouts.ts';
import { FakeRunbooks } from './runbooks.ts';
import { FakeActionItemIssues } from './action-item-issues.ts';
import { FakePostmortems } from './postmortems.ts';
import type { FakeStore } from './store.ts';

/** The stores that share one set of data in memory. */
export const storesIn = (store: FakeStore) =>
  ({
    incidents: new FakeIncidents(store),
    incidentGroups: new FakeIncidentGroups(store),
    decisions: new FakeDecisions(store),
    effects: new FakeEffects(store),
    changes: new FakeChanges(store),
    code: new FakeCode(store),
    rollouts: new FakeRollouts(store),
    pins: new FakePins(store),
    runbooks: new FakeRunbooks(store),
    automation: new FakeAutomation(store),
    postmortems: new FakePostmortems(store),
    actionItemIssues: new FakeActionItemIssues(store),
    evidencePacks: new FakeEvidencePacks(store),
  }) satisfies Partial<Deps>;
