import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { MIN_CONFIDENCE_TO_ASK } from '../../../../core/domain/correlation/correlate.ts';
import { DECIDE_VERSION } from '../../../../core/domain/rollback/guards.ts';
import { ADDED_CLASS_NAMES, CLASS_NAMES, CONFOUNDER_CLASS_NAMES } from '../../evaluation/monitored/labels.ts';
import {
  type MonitoredReport,
  monitoredReport,
  type Seen as MonitoredSeen,
} from '../../evaluation/monitored/report.ts';
import { type Report, reportOf, type Seen as FirstSeen } from '../../evaluation/report.ts';
import type { judgedSet } from './correlation.ts';
import type { Part } from './judgement-thread.ts';
import { type Judged, JUDGES } from './monitored.ts';
import type { PublishedResults } from './public.ts';

/**
 * What a set is for. `unseen`: nobody had looked at its cases when it was judged. `validation`: looked at while the engine
 * was improved. `training`: weights are fitted to it as well.
 */
export const USES = ['unseen', 'validation', 'training'] as const;
export type Use = (typeof USES)[number];

export type Judge = (typeof JUDGES)[number];

/** A report without its tables. */
export type Figures = Omit<
  MonitoredReport,
  'classes' | 'calibration' | 'calibration_by' | 'by_limit' | 'missed' | 'wrong'
> & { calibration_error: number };

/** Results of the sets of one use. `together`: of their cases in one report. `proved` has the tables of single sets. */
export type FirstResults = {
  decide_version: number;
  sets: { seed: number; proved: Omit<FirstReport, 'matrix'> }[];
  together: Record<Judge, FirstReport>;
  /** Each case has the same outcome with `version` as with `proved`. */
  is_version_as_proved: boolean;
};
export type FirstReport = Omit<Report, 'targets' | 'wrong'>;

export type MonitoredResults = {
  decide_version: number;
  /** Confidence from which the product asks. */
  asks_from: number;
  sets: { seed: number; share: number; proved: Figures }[];
  together: Record<Exclude<Judge, 'version'>, MonitoredReport> & { version: Figures };
  is_version_as_proved: boolean;
  /** Classes that were added later, with `proved`. */
  added: MonitoredReport;
};

/** Results of the classes with confounders, with `proved` and the rules for comparison. */
export type ConfounderResults = {
  decide_version: number;
  sets: readonly PartialSet[];
  proved: MonitoredReport;
  /** Absent: stored before the rules judged these classes. */
  rules?: Record<'nearest' | 'limit', Figures>;
};

/** Content of bench/judgement-results.json. */
export type Results = {
  first: Partial<Record<Use, FirstResults>>;
  monitored: Partial<Record<Use, MonitoredResults>>;
  confounders: Partial<Record<Use, ConfounderResults>>;
  /** The published cases. Absent: none were judged. */
  published?: PublishedResults;
};

/** A set of the monitored world, or a share of it. */
type PartialSet = { seed: number; share: number };

/** Sets that are judged together, because they have the same use. */
type Sets = {
  use: Use;
  first: readonly number[];
  monitored: readonly PartialSet[];
  confounders: readonly PartialSet[];
};

const USAGE =
  'usage: npm run judgement:results [-- pages | -- USE SET… [USE SET…]], with USE unseen, validation, or training, and SET first:SEED, monitored:SEED[:SHARE], or confounders:SEED[:SHARE]';

/** Parses the command line. @throws Error with the usage */
export function setsOf(args: readonly string[]): Sets[] {
  const all: { use: Use; first: number[]; monitored: PartialSet[]; confounders: PartialSet[] }[] = [];
  for (const arg of args) {
    const use = USES.find((each) => each === arg);
    if (use !== undefined) {
      all.push({ use, first: [], monitored: [], confounders: [] });
      continue;
    }
    const [, world, seed, share = '1'] = /^(first|monitored|confounders):(\d+)(?::([\d.]+))?$/.exec(arg) ?? [];
    const last = all.at(-1);
    const isShare = Number(share) > 0 && Number(share) <= 1 && (world !== 'first' || share === '1');
    if (world === undefined || last === undefined || !isShare)
      throw new Error(`${arg} is not a set of a use; ${USAGE}`);
    if (world === 'first') last.first.push(Number(seed));
    else last[world === 'monitored' ? 'monitored' : 'confounders'].push({ seed: Number(seed), share: Number(share) });
  }
  const empty = all.find((sets) => countOf(sets) === 0);
  if (empty !== undefined) throw new Error(`${empty.use} has no set; ${USAGE}`);
  return all;
}

const countOf = ({ first, monitored, confounders }: Sets): number =>
  first.length + monitored.length + confounders.length;

/** Returns the stored sets, except those that nobody had seen: judged again, they would no longer be that. */
export const storedSets = ({ first, monitored, confounders }: Results): Sets[] =>
  (['validation', 'training'] as const)
    .map((use) => ({
      use,
      first: first[use]?.sets.map(({ seed }) => seed) ?? [],
      monitored: monitored[use]?.sets.map(({ seed, share }) => ({ seed, share })) ?? [],
      confounders: confounders[use]?.sets ?? [],
    }))
    .filter((sets) => countOf(sets) > 0);

/** Judges parts of sets in as many threads as there are cores. Returns what they give, in the order of the parts. */
async function judgedParts(parts: readonly Part[]): Promise<unknown[]> {
  const results: unknown[] = Array.from({ length: parts.length });
  let [next, done] = [0, 0];
  const work = async (): Promise<void> => {
    const thread = new Worker(new URL('judgement-thread.ts', import.meta.url));
    for (let index = next++; index < parts.length; index = next++) {
      const answer = once(thread, 'message'); // rejects on an error of the thread
      thread.postMessage(parts[index], []);
      [results[index]] = (await answer) as [unknown];
      done += 1;
      if (done % 50 === 0 || done === parts.length) console.error(`judged ${done} of ${parts.length} parts`);
    }
    await thread.terminate();
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), parts.length) }, work));
  return results;
}

/**
 * Judges sets, and yields the results with theirs in place of the stored ones of the same use and world: after each use and
 * world, so that a run that is stopped keeps what it has judged.
 */
export async function* renewed(stored: Results, all: readonly Sets[]): AsyncGenerator<Results> {
  const results: Results = {
    ...stored,
    first: { ...stored.first },
    monitored: { ...stored.monitored },
    confounders: { ...stored.confounders },
  };
  const names = [...CLASS_NAMES, ...ADDED_CLASS_NAMES];
  for (const { use, first, monitored, confounders } of all) {
    if (first.length > 0) {
      const judged = await judgedParts(first.map((seed): Part => ({ world: 'first', seed })));
      results.first[use] = firstResults(first, judged as Awaited<ReturnType<typeof judgedSet>>[]);
      yield results;
    }
    if (monitored.length > 0) {
      const parts = monitored.flatMap((set) =>
        names.map((name): Part => ({ world: 'monitored', ...set, names: [name] })),
      );
      const judged = (await judgedParts(parts)) as Judged[];
      const bySet = monitored.map((_, index) => judged.slice(index * names.length, (index + 1) * names.length));
      results.monitored[use] = monitoredResults(monitored, bySet);
      yield results;
    }
    if (confounders.length > 0) {
      const parts = confounders.flatMap((set) =>
        CONFOUNDER_CLASS_NAMES.map((name): Part => ({ world: 'monitored', ...set, names: [name] })),
      );
      const judged = (await judgedParts(parts)) as Judged[];
      const reportBy = (judge: Judge) => monitoredReport(judged.flatMap((one) => one[judge]));
      results.confounders[use] = {
        decide_version: DECIDE_VERSION,
        sets: confounders,
        proved: printed(reportBy('proved')),
        rules: { nearest: figuresOf(reportBy('nearest')), limit: figuresOf(reportBy('limit')) },
      };
      yield results;
    }
  }
}

function firstResults(seeds: readonly number[], judged: readonly Record<Judge, FirstSeen[]>[]): FirstResults {
  const of = (judge: Judge): FirstSeen[] => judged.flatMap((one) => one[judge]);
  return {
    decide_version: DECIDE_VERSION,
    sets: seeds.map((seed, index) => {
      const { matrix: _, ...proved } = firstReport(judged[index]?.proved ?? []);
      return { seed, proved };
    }),
    together: eachJudge((judge) => firstReport(of(judge))),
    is_version_as_proved: areAlike(of('version'), of('proved')),
  };
}

function firstReport(seen: readonly FirstSeen[]): FirstReport {
  const { targets: _targets, wrong: _wrong, ...report } = reportOf(seen);
  return report;
}

/** @param judged the classes of each set, first those that are counted, then those that were added later */
function monitoredResults(sets: Sets['monitored'], judged: readonly (readonly Judged[])[]): MonitoredResults {
  const counted = judged.map((classes) => classes.slice(0, CLASS_NAMES.length));
  const of = (judge: Judge): MonitoredSeen[] => counted.flat().flatMap((one) => one[judge]);
  return {
    decide_version: DECIDE_VERSION,
    asks_from: MIN_CONFIDENCE_TO_ASK,
    sets: sets.map(({ seed, share }, index) => ({
      seed,
      share,
      proved: figuresOf(monitoredReport((counted[index] ?? []).flatMap(({ proved }) => proved))),
    })),
    together: {
      proved: printed(monitoredReport(of('proved'))),
      version: figuresOf(monitoredReport(of('version'))),
      time: printed(monitoredReport(of('time'))),
      nearest: printed(monitoredReport(of('nearest'))),
      limit: printed(monitoredReport(of('limit'))),
    },
    is_version_as_proved: areAlike(of('version'), of('proved')),
    added: printed(
      monitoredReport(judged.flatMap((classes) => classes.slice(CLASS_NAMES.length)).flatMap(({ proved }) => proved)),
    ),
  };
}

function figuresOf(report: MonitoredReport): Figures {
  const {
    classes: _,
    calibration,
    calibration_by: _by,
    by_limit: _limits,
    missed: _missed,
    wrong: _wrong,
    ...figures
  } = report;
  return { ...figures, calibration_error: calibration.error };
}

/** Leaves out the calibration of single classes, which have too few cases. */
const printed = (report: MonitoredReport): MonitoredReport => ({
  ...report,
  calibration_by: Object.fromEntries(
    Object.entries(report.calibration_by).filter(([name]) => /^(traffic|evidence)/.test(name)),
  ),
});

const eachJudge = <T>(make: (judge: Judge) => T): Record<Judge, T> =>
  Object.fromEntries(JUDGES.map((judge) => [judge, make(judge)])) as Record<Judge, T>;

const areAlike = (some: readonly { outcome: string }[], others: readonly { outcome: string }[]): boolean =>
  some.every(({ outcome }, index) => outcome === others[index]?.outcome);
