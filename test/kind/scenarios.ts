/** What fails in a version, or in a configuration that its pods read while they run. */
export type Fault = {
  /** Share of the requests that fail, from 0 to 1. */
  errors?: number;
  /** Added to each response, in milliseconds. */
  delayMs?: number;
  /** The process exits this long after it was ready. */
  crashAfterSeconds?: number;
  /** An image that does not exist. */
  image?: string;
};

/**
 * `rolls-back`: a rollback, of its own or approved, has helped. `asks`: a question waits for a person. `reports`: it decided to do
 * nothing.
 */
export type Outcome = 'rolls-back' | 'asks' | 'reports';

/** What the runner does, in order. `runs`: the version that runs by then. */
export type Step =
  | { deploy: string; fault?: Fault; migration?: true }
  | { configure: Fault }
  | { scale: string; replicas: number }
  | { alert: 'fires' | 'ends' }
  | { approve: true }
  | { waitMinutes: number }
  | { expect: readonly Outcome[]; runs: string; withinMinutes: number };

/**
 * `rollback`: Firebreak rolls back by itself. `rollback-elsewhere`: it rolls back another service. `bad-version-again`: a version
 * with a fault runs again after it was replaced. `second-incident`: the service has more than one.
 */
export type Never = 'rollback' | 'rollback-elsewhere' | 'bad-version-again' | 'second-incident';

export type Scenario = {
  /** A sentence: the bad release, and what Firebreak must do. */
  title: string;
  /** Each scenario has a service of its own, so that nothing that an earlier one left counts. */
  service: string;
  target: 'kubernetes' | 'argo-rollouts' | 'flagger' | 'argo-cd';
  /** `autoRollback.evidence`: on what Firebreak may act without a person. */
  evidence: 'proved' | 'time';
  dependsOn?: string;
  /** Firebreak watches the rollouts; a pipeline records nothing. */
  recordRollouts?: true;
  steps: readonly Step[];
  never: readonly Never[];
};

/** The version that each service runs at first. */
export const GOOD = 'v1';

const MINUTES = 8; // scrape, rule, group_wait, settling, and the rollout of the old version take up to four
const rollsBack = { expect: ['rolls-back'], runs: GOOD, withinMinutes: MINUTES } as const;
const asks = (runs: string) => ({ expect: ['asks'], runs, withinMinutes: MINUTES }) as const;
const leavesIt = (runs: string) => ({ expect: ['asks', 'reports'], runs, withinMinutes: MINUTES }) as const;
const flap = [{ alert: 'fires' }, { waitMinutes: 1 }, { alert: 'ends' }, { waitMinutes: 1 }] as const;

/** A version that must be rolled back, and one that must not be. */
const bad = {
  target: 'kubernetes',
  evidence: 'time',
  never: ['rollback-elsewhere', 'bad-version-again', 'second-incident'],
} as const;
const good = {
  target: 'kubernetes',
  evidence: 'proved',
  never: ['rollback', 'rollback-elsewhere', 'second-incident'],
} as const;

export const SCENARIOS: readonly Scenario[] = [
  {
    title: 'An image that does not exist is reported, because the old pods still serve',
    service: 'bad-image',
    ...good,
    recordRollouts: true,
    steps: [{ deploy: 'v2', fault: { image: 'localhost/firebreak:missing' } }, leavesIt('v2')],
  },
  {
    title: 'A version that crashes after it was ready is rolled back, or a person is asked to',
    service: 'crash-loop',
    ...bad,
    // Requests that reach no pod name no version.
    steps: [
      { deploy: 'v2', fault: { crashAfterSeconds: 30 } },
      { ...rollsBack, expect: ['rolls-back', 'asks'] },
    ],
  },
  {
    title: 'A version that fails 20 % of all requests is rolled back',
    service: 'errors',
    ...bad,
    steps: [{ deploy: 'v2', fault: { errors: 0.2 } }, rollsBack],
  },
  {
    title: 'A slow version is rolled back',
    service: 'slow',
    ...bad,
    steps: [{ deploy: 'v2', fault: { delayMs: 800 } }, rollsBack],
  },
  {
    title: 'A canary of Argo Rollouts that fails beside the stable version is aborted',
    service: 'canary-step',
    ...bad,
    target: 'argo-rollouts',
    evidence: 'proved',
    steps: [{ deploy: 'v2', fault: { errors: 0.5 } }, rollsBack],
  },
  {
    title: 'A canary of Flagger that fails is rolled back through the gate',
    service: 'flagger-gate',
    ...bad,
    target: 'flagger',
    evidence: 'proved',
    steps: [{ deploy: 'v2', fault: { errors: 0.5 } }, rollsBack],
  },
  {
    title: 'A faulty ConfigMap after a good deploy is not rolled back',
    service: 'config-map',
    ...good,
    steps: [{ deploy: 'v2' }, { waitMinutes: 4 }, { configure: { errors: 0.5 } }, leavesIt('v2'), { waitMinutes: 3 }],
  },
  {
    title: 'A good deploy during an outage of a dependency is not rolled back',
    service: 'dependent',
    ...good,
    never: ['rollback', 'rollback-elsewhere'],
    dependsOn: 'payments',
    steps: [{ scale: 'payments', replicas: 0 }, { deploy: 'v2' }, leavesIt('v2'), { waitMinutes: 3 }],
  },
  {
    title: 'A flapping alert without a deploy is one incident',
    service: 'flapping',
    ...good,
    steps: [...flap, ...flap, ...flap, { alert: 'fires' }, leavesIt(GOOD), { alert: 'ends' }],
  },
  {
    title: 'A bad commit is rolled back at Argo CD with automated sync, and stays rolled back',
    service: 'gitops',
    ...bad,
    target: 'argo-cd',
    steps: [{ deploy: 'v2', fault: { errors: 0.2 } }, rollsBack, { waitMinutes: 4 }], // eight reconciliations
  },
  {
    title: 'A second bad deploy while the first rollback is verified asks a person, who approves',
    service: 'second-deploy',
    ...bad,
    never: ['rollback-elsewhere', 'bad-version-again'],
    steps: [
      { deploy: 'v2', fault: { errors: 0.2 } },
      rollsBack,
      { deploy: 'v3', fault: { errors: 0.2 } },
      asks('v3'),
      { approve: true },
      rollsBack,
    ],
  },
  {
    title: 'A bad deploy with a migration asks a person',
    service: 'migration',
    ...good,
    evidence: 'time',
    steps: [{ deploy: 'v2', fault: { errors: 0.2 }, migration: true }, asks('v2'), { waitMinutes: 2 }],
  },
];

/** @throws Error if no scenario has this service */
export function scenarioOf(service: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.service === service);
  if (found === undefined) throw new Error(`no scenario of ${service}`);
  return found;
}
