import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { alert, recordDeployments } from '../../packages/lab/bench/harness/incident.ts';
import { prepare, startIn } from '../../packages/lab/bench/harness/product.ts';
import { startVendors } from '../../packages/lab/bench/harness/vendors.ts';
import { eventually } from '../support/firebreak.ts';
import type { Event } from './rounds.ts';

/** The goals of docs/explanation/performance.md. */
const GOALS = { page: 4, rollback: 6 };

let rounds: Record<keyof typeof GOALS, string[][]>;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-commits-'));
  const [log, armed] = [join(dir, 'rounds'), join(dir, 'armed')];
  const vendors = await startVendors();
  await prepare(dir, { acting: ['checkout'], asking: [], paging: [] }, vendors);
  const product = await startIn(
    dir,
    {
      FIREBREAK_SANDBOX: 'off',
      PAGERDUTY_EVENTS_URL: vendors.pagerUrl,
      PAGERDUTY_ROUTING_KEY: 'bench'.padEnd(32, '0'),
      FIREBREAK_ROUNDS: log,
      FIREBREAK_ROUNDS_ARMED: armed,
    },
    ['--import', fileURLToPath(new URL('./rounds.ts', import.meta.url))],
  );
  try {
    await recordDeployments(product, ['checkout']);
    await eventually(async () => {
      const metrics = await fetch(`${product.url}/metrics`); // without a token from this machine
      return /^firebreak_background_heap_size_used_bytes [1-9]/m.test(await metrics.text());
    }, 'the background thread runs');
    await writeFile(armed, '');
    await alert(product, 'checkout');
    await Promise.all([vendors.page('checkout'), vendors.rollback('checkout')]);
    const lines = (await readFile(log, 'utf8')).trim().split('\n');
    rounds = roundsOf(lines.map((line) => JSON.parse(line) as Event));
  } finally {
    await product.stop();
    await vendors.close();
  }
});

afterAll(() => rm(dir, { recursive: true, force: true }));

/**
 * Returns the rounds from the one that stores the accepted alert until the calls, without it. After it, what the main thread
 * writes is awaited by no other thread.
 */
function roundsOf(events: readonly Event[]): typeof rounds {
  const accepted = events.findIndex((event) => 'round' in event && event.round.includes('Send urgent'));
  const until = (path: string): string[][] => {
    const end = events.findIndex((event) => 'call' in event && event.call === path);
    return events
      .slice(accepted + 1, end)
      .flatMap((event) => ('round' in event && !event.isMainThread ? [event.round] : []));
  };
  return { page: until('/pager/v2/enqueue'), rollback: until('/cd') };
}

const ADMISSION =
  'Write Put EP, Put INC/SIG, Put INC/META, Put OPEN, Put INCNUMBER, Put OPENINC, Put INCOF, Update PENDING, Put OPENINGS, Update DUE, Put INC/TL';

/**
 * What the path waits for: in each round, the commit without which the next round would not come. Others that share its
 * round wait for nothing, or nothing waits for them.
 */
const UNTIL_THE_BRANCHES = [ADMISSION, 'executions.start', 'Checkpoint SUCCEED begin'];

const PATHS: Record<keyof typeof GOALS, string[]> = {
  page: [...UNTIL_THE_BRANCHES, 'Write Put INC/EFF, Put UNFINISHED, Update INC/META'],
  rollback: [
    ...UNTIL_THE_BRANCHES,
    'Write Put INC/DEC, Update INC/META, Put INC/TL',
    'Checkpoint SUCCEED judge',
    'Write Put INC/EFF, Put LOCK, Update INC/META, Put ACT, Put AUTOACTION, Put INC/TL, Put LOGWAITING, Put UNFINISHED, Put EVIDENCEDUE, Put PACE',
  ],
};

/**
 * Checkpoints of other branches. The SDK sends one checkpoint at a time, so one of these can hold up one of the path; which
 * one comes first depends on the machine.
 */
const OF_OTHER_BRANCHES =
  /^Checkpoint \w+ (mark-started|inbox|read-inbox|confirm-alerts-1|choose-runbook|page-1|page|outdate-page)$/;

const isOfOthers = (round: readonly string[]): boolean => {
  const checkpoints = round.filter((name) => name.startsWith('Checkpoint '));
  return checkpoints.length > 0 && checkpoints.every((name) => OF_OTHER_BRANCHES.test(name));
};

test.each(['page', 'rollback'] as const)('the commits that follow one another until the %s are these', (call) => {
  const [path, all] = [PATHS[call], rounds[call]];
  console.log(`${path.length} commits until the ${call}; the goal is ${GOALS[call]}`);
  const names: unknown[] = [];
  for (const round of all) {
    const next = path[names.length];
    if (next !== undefined && round.includes(next)) names.push(next);
    else if (!isOfOthers(round)) names.push(round);
  }
  expect(names).toEqual(path);
});
