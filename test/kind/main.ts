/*
 * Plays bad releases in a kind cluster with real controllers. .github/workflows/kind.yml prepares the cluster, and calls:
 *
 *   main.ts world                  prints the objects of the services
 *   main.ts values                 prints the values of Firebreak's chart
 *   main.ts argo-cd-token          prints a token of Argo CD for Firebreak
 *   main.ts connect TOKEN-FILE     connects the systems with Firebreak, whose admin token is in the file
 *   main.ts play TOKEN-FILE [SERVICE…]   plays the scenarios, and prints their verdicts
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { argoCdToken, KindCluster } from './cluster.ts';
import { chartValues, world } from './objects.ts';
import { play, report, type Verdict } from './play.ts';
import { scenarioOf, SCENARIOS } from './scenarios.ts';

/** Time for the metrics of the services to show that all are well. */
const CALM_MS = 180_000;

const [command, file = '', ...only] = process.argv.slice(2);
const print = (text: string): boolean => process.stdout.write(`${text}\n`);
const cluster = () => new KindCluster(readFileSync(file, 'utf8').trim());

if (command === 'world') print(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: world() }));
else if (command === 'values') print(JSON.stringify(chartValues()));
else if (command === 'argo-cd-token') print(await argoCdToken());
else if (command === 'connect') await cluster().connect();
else if (command === 'play') await playAll();
else throw new Error(`unknown command: ${command ?? 'none'}`);

async function playAll(): Promise<void> {
  const at = cluster();
  const verdicts: Verdict[] = [];
  for (const scenario of only.length === 0 ? SCENARIOS : only.map(scenarioOf)) {
    await sleep(CALM_MS);
    const verdict = await play(scenario, at, { now: Date.now, sleep: (ms) => sleep(ms) });
    verdicts.push(verdict);
    process.stderr.write(`${verdict.passed ? 'passed' : 'FAILED'}: ${verdict.title}: ${verdict.problems.join('; ')}\n`);
    await at.reset(scenario).catch((error: unknown) => process.stderr.write(`reset failed: ${String(error)}\n`));
  }
  print(report(verdicts));
  if (verdicts.length === 0 || verdicts.some(({ passed }) => !passed)) process.exitCode = 1;
}
