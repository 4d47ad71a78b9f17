import { randomBytes } from 'node:crypto';
import { timestamp, type Timestamp } from '../../../schemas/time/time.ts';
import type { FaultInForce, Faults } from './faults.ts';
import type { Journal, RecordedCall } from './journal.ts';
import type { Play, PlayView } from '../play/bad-deploy.ts';
import type { StandIn, StandInDeps } from './stand-in.ts';

/** Maximum number of calls; `GET /sandbox/calls` has the others. */
const SHOWN_CALLS = 100;

/** A call without the fields that can be long. `GET /sandbox/calls` has its headers and body. */
export type CallShown = Omit<RecordedCall, 'headers' | 'body'>;

/** The state that the sandbox page shows. Omits parts that have not changed since the requested version. */
export type SandboxState = {
  /** The version to request later changes with. Valid for one start of the stand-ins. */
  version: string;
  at: Timestamp;
  time_scale: number;
  /** The base URL of each vendor's stand-in. */
  urls: Readonly<Record<string, string>>;
  /** The view of each vendor, by vendor. */
  views: Record<string, unknown>;
  /** Newest first. */
  calls?: CallShown[];
  faults?: FaultInForce[];
  /** The bad deploy that the page can play. */
  play?: PlayView;
};

export type StateParts = {
  journal: Journal;
  faults: Faults;
  deps: StandInDeps;
  standIns: readonly StandIn[];
  urls: Readonly<Record<string, string>>;
  play: Play;
};

export type SandboxStates = {
  /** @param version from an earlier response; `undefined`, or a version of another start, for the complete state */
  since(version: string | undefined): SandboxState;
};

/** A part of the state that is compared as a whole. */
type StatePart = { read(deps: StandInDeps): unknown; put(state: SandboxState, value: unknown): void };

/** The last reading of a part. */
type Reading = {
  value: unknown;
  json: string;
  /** The number of the version in which it changed last. */
  since: number;
  /** The number of written rows when it was read. */
  writes: number;
  /** Whether the reading did not use the time, so that it stays valid until the next write. */
  isTimeIndependent: boolean;
};

/**
 * Returns the states of the sandbox. Caches what was shown, so that polling every second costs little. Call it within a
 * transaction of the store.
 */
export function sandboxStates(parts: StateParts): SandboxStates {
  const { deps, urls } = parts;
  const stateParts = statePartsOf(parts);
  const readings = new Map<StatePart, Reading>();
  const writes = writeCounter(deps);
  const startId = randomBytes(6).toString('hex');
  let newest = 0;

  const refresh = (): void => {
    const writeCount = writes();
    const next = newest + 1;
    for (const statePart of stateParts) {
      const before = readings.get(statePart);
      if (before?.isTimeIndependent && before.writes === writeCount) continue;
      const { value, isTimeIndependent } = readTimed(statePart, deps);
      const json = JSON.stringify(value);
      const isSame = json === before?.json;
      if (!isSame) newest = next;
      readings.set(statePart, {
        value,
        json,
        since: isSame ? before.since : next,
        writes: writeCount,
        isTimeIndependent,
      });
    }
  };

  /** Returns the number of a version. Versions of another start, and invalid ones, count from the beginning. */
  const numberOf = (version: string | undefined): number => {
    const [startOfVersion, number] = version?.split('.') ?? [];
    return startOfVersion === startId && /^\d{1,15}$/.test(number ?? '') ? Number(number) : 0;
  };

  return {
    since(version) {
      refresh();
      const knownNumber = numberOf(version);
      const at = timestamp(deps.now());
      const state: SandboxState = { version: `${startId}.${newest}`, at, time_scale: deps.timeScale, urls, views: {} };
      for (const [statePart, { value, since }] of readings) if (since > knownNumber) statePart.put(state, value);
      return state;
    },
  };
}

function statePartsOf({ journal, faults, standIns, play }: StateParts): StatePart[] {
  const views = standIns.flatMap(({ vendor, view }) => {
    if (view === null) return [];
    return { read: view, put: ({ views: all }: SandboxState, value: unknown) => void (all[vendor] = value) };
  });
  return [
    ...views,
    {
      read: () => journal.page({ limit: SHOWN_CALLS }).items.map(shownCall),
      put: (state, value) => void Object.assign(state, { calls: value }),
    },
    {
      // It changes without a row being written, so it is read each time, as what uses the time is.
      read: ({ now }) => now() && structuredClone(play.view()),
      put: (state, value) => void Object.assign(state, { play: value }),
    },
    { read: () => faults.list(), put: (state, value) => void Object.assign(state, { faults: value }) },
  ];
}

const shownCall = ({ headers: _headers, body: _body, ...shown }: RecordedCall): CallShown => shown;

function readTimed(statePart: StatePart, deps: StandInDeps): { value: unknown; isTimeIndependent: boolean } {
  let isTimeIndependent = true;
  const now = (): number => {
    isTimeIndependent = false;
    return deps.now();
  };
  return { value: statePart.read({ ...deps, now }), isTimeIndependent };
}

/**
 * Returns a function that counts the rows written through this connection since it was opened. Only this process writes
 * to the file.
 */
function writeCounter({ db }: StandInDeps): () => number {
  const count = db.prepare('select total_changes() as number');
  return () => (count.get() as { number: number }).number;
}
