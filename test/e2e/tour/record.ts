/**
 * Records which functions of the product run, in each thread, while a file exists. Loaded into the product with
 * `--import`. Writes the files of functions that ran, in the order of their first run, when the file is gone.
 *
 * FIREBREAK_TOUR_DIR: folder of `on`, which starts a recording, of `thread-THREAD` for each thread, of
 * `on-N-THREAD`, which confirms the start, and of the results
 * `N-THREAD.json`.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { threadId } from 'node:worker_threads';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const DIR = process.env['FIREBREAK_TOUR_DIR'] ?? '';
const ON = join(DIR, 'on');

/** Milliseconds between looks at what ran: files that first ran between two looks are in alphabetical order. */
const EVERY_MS = 2;

type Coverage = { result: { url: string; functions: { functionName: string; ranges: { count: number }[] }[] }[] };

const session = new Session();
session.connect();
const post = (method: string, params: object = {}): unknown => {
  let answer: unknown;
  // A session in the thread that it inspects answers before the call returns.
  session.post(method, params, (error: Error | null, result: unknown) => {
    if (error !== null) throw error;
    answer = result;
  });
  return answer;
};
writeFileSync(join(DIR, `thread-${threadId}`), '');
post('Profiler.enable');
post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });

let seen: Map<string, Set<string>> | undefined;
let number = '';

/** Adds the functions that ran since the last look. The code of a file itself runs when it is loaded, and is none. */
function look(): void {
  const { result } = post('Profiler.takePreciseCoverage') as Coverage;
  for (const { url, functions } of result) {
    if (!url.startsWith('file://')) continue;
    const file = fileURLToPath(url);
    if (!file.startsWith(ROOT) || file.includes('node_modules')) continue;
    const ran = functions.filter(({ functionName, ranges }) => functionName !== '' && (ranges[0]?.count ?? 0) > 0);
    if (ran.length === 0) continue;
    const name = file.slice(ROOT.length);
    const known = seen?.get(name) ?? new Set();
    for (const { functionName } of ran) known.add(functionName);
    seen?.set(name, known);
  }
}

setInterval(() => {
  const isOn = existsSync(ON);
  if (isOn && seen === undefined) {
    number = readFileSync(ON, 'utf8');
    look(); // of before
    seen = new Map();
    writeFileSync(join(DIR, `on-${number}-${threadId}`), '');
  } else if (isOn) look();
  else if (seen !== undefined) {
    look();
    const files = [...seen].map(([file, functions]) => ({ file, functions: functions.size }));
    const unfinished = join(DIR, `unfinished-${number}-${threadId}`);
    writeFileSync(unfinished, JSON.stringify(files));
    renameSync(unfinished, join(DIR, `${number}-${threadId}.json`)); // the test reads it as soon as it is there
    seen = undefined;
  }
}, EVERY_MS).unref();
