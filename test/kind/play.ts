import type { Fault, Never, Outcome, Scenario, Step } from './scenarios.ts';

/** An incident, as far as scenarios read it. */
export type Incident = {
  id: string;
  service: string;
  status: string;
  decisions: { kind: string; state: string; because: string; digest: string; from_version: string | null }[];
};

/** The systems that a scenario changes and observes. Methods return when the systems have accepted the change. */
export type World = {
  deploy(scenario: Scenario, step: Extract<Step, { deploy: string }>): Promise<void>;
  configure(scenario: Scenario, fault: Fault): Promise<void>;
  scale(service: string, replicas: number): Promise<void>;
  alert(scenario: Scenario, state: 'fires' | 'ends'): Promise<void>;
  approve(incident: Incident): Promise<void>;
  /** Returns the version that the target is set to. */
  running(scenario: Scenario): Promise<string>;
  /** Returns the incidents of all services, newest first. */
  incidents(): Promise<Incident[]>;
};

export type Clock = { now(): number; sleep(ms: number): Promise<void> };

/** What was seen at one time: the version, and the incidents since the scenario began. */
export type Observation = { at: number; running: string; incidents: readonly Incident[] };

export type Verdict = { title: string; passed: boolean; problems: readonly string[]; seconds: number };

const POLL_MS = 2000;
/** Longest time without an observation. After it, nothing is known about what must never happen. */
const BLIND_MAX_MS = 60_000;
/** Longest time for a call of a system. A deploy waits for its rollout. */
const CALL_MAX_MS = 240_000;

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Plays a scenario and watches all the time. Never throws: what goes wrong is a problem of the verdict. */
export async function play(scenario: Scenario, world: World, clock: Clock): Promise<Verdict> {
  const began = clock.now();
  const trace: Observation[] = [];
  const problems: string[] = [];
  try {
    const known = new Set((await world.incidents()).map(({ id }) => id));
    let seenAt = clock.now();
    const observe = async (): Promise<void> => {
      try {
        const [running, all] = await Promise.all([world.running(scenario), world.incidents()]);
        seenAt = clock.now();
        trace.push({ at: seenAt, running, incidents: all.filter(({ id }) => !known.has(id)) });
      } catch (error) {
        if (clock.now() - seenAt > BLIND_MAX_MS)
          throw new Error(`nothing observed for a minute: ${text(error)}`, { cause: error });
      }
    };
    /** Observes until `isOver`. Returns whether that was before the deadline. */
    const watch = async (limitMs: number, isOver: () => boolean): Promise<boolean> => {
      const deadline = clock.now() + limitMs;
      for (;;) {
        await observe();
        if (isOver()) return true;
        if (clock.now() >= deadline) return false;
        await clock.sleep(POLL_MS);
      }
    };
    for (const step of scenario.steps) {
      if ('waitMinutes' in step) await watch(step.waitMinutes * 60_000, () => false);
      else if ('expect' in step) {
        const isMet = () => isAsExpected(trace.at(-1), scenario.service, step);
        if (await watch(step.withinMinutes * 60_000, isMet)) continue;
        const wanted = `${step.expect.join(' or ')} with ${step.runs} within ${step.withinMinutes} minutes`;
        problems.push(`not seen: ${wanted}; last: ${shown(trace.at(-1), scenario.service)}`);
        break;
      } else {
        let state: 'pending' | 'done' | Error = 'pending';
        act(scenario, step, world, trace.at(-1)).then(
          () => (state = 'done'),
          (error: unknown) => (state = new Error(text(error), { cause: error })),
        );
        if (!(await watch(CALL_MAX_MS, () => state !== 'pending')))
          throw new Error(`no end of ${JSON.stringify(step)}`);
        if ((state as unknown) instanceof Error) throw state as unknown as Error;
      }
    }
  } catch (error) {
    problems.push(text(error));
  }
  problems.push(...scenario.never.flatMap((never) => violations(never, scenario, trace)));
  const seconds = Math.round((clock.now() - began) / 1000);
  return { title: scenario.title, passed: problems.length === 0, problems, seconds };
}

type Act = Exclude<Step, { waitMinutes: number } | { expect: readonly Outcome[] }>;

async function act(scenario: Scenario, step: Act, world: World, last: Observation | undefined): Promise<void> {
  if ('deploy' in step) await world.deploy(scenario, step);
  else if ('configure' in step) await world.configure(scenario, step.configure);
  else if ('scale' in step) await world.scale(step.scale, step.replicas);
  else if ('alert' in step) await world.alert(scenario, step.alert);
  else {
    const [incident] = incidentsOf(last, scenario.service);
    if (incident === undefined) throw new Error('there is no incident to approve a rollback in');
    await world.approve(incident);
  }
}

const incidentsOf = (seen: Observation | undefined, service: string): Incident[] =>
  seen?.incidents.filter((incident) => incident.service === service) ?? [];

/** Returns the outcome of an incident so far; undefined if it is not known yet. */
export function outcomeOf({ status, decisions }: Incident): Outcome | undefined {
  const decision = decisions.at(-1);
  if (decision === undefined || decision.kind === 'wait') return undefined;
  if (decision.kind === 'approve' && decision.state === 'waiting') return 'asks';
  if (decision.kind === 'roll_back' || decision.state === 'approved')
    return status === 'mitigated' || status === 'resolved' ? 'rolls-back' : undefined;
  return decision.kind === 'none' || decision.kind === 'suggest' ? 'reports' : undefined;
}

function isAsExpected(seen: Observation | undefined, service: string, step: Extract<Step, { runs: string }>): boolean {
  const [newest] = incidentsOf(seen, service);
  const outcome = newest && outcomeOf(newest);
  return seen?.running === step.runs && outcome !== undefined && step.expect.includes(outcome);
}

/** Returns how a trace breaks a rule; empty if it does not. */
export function violations(never: Never, { service, steps }: Scenario, trace: readonly Observation[]): string[] {
  switch (never) {
    case 'rollback':
    case 'rollback-elsewhere': {
      const isOwn = never === 'rollback';
      const incidents = trace.at(-1)?.incidents.filter((one) => (one.service === service) === isOwn) ?? [];
      const rolledBack = incidents.filter(({ decisions }) => decisions.some(({ kind }) => kind === 'roll_back'));
      return rolledBack.map((one) => `never: it rolled back ${one.service} by itself (${one.id})`);
    }
    case 'second-incident': {
      const { length } = incidentsOf(trace.at(-1), service);
      return length > 1 ? [`never: ${length} incidents of ${service}`] : [];
    }
    case 'bad-version-again': {
      const bad = new Set(steps.flatMap((step) => ('deploy' in step && step.fault ? [step.deploy] : [])));
      const changes = trace.map(({ running }) => running).filter((version, n, all) => version !== all[n - 1]);
      const again = changes.filter((version, n) => bad.has(version) && changes.indexOf(version) < n);
      return [...new Set(again)].map((version) => `never: ${version} runs again (${changes.join(', ')})`);
    }
  }
}

function shown(seen: Observation | undefined, service: string): string {
  const [newest] = incidentsOf(seen, service);
  const decision = newest?.decisions.at(-1);
  const what = decision ? `${decision.kind} (${decision.because}, ${decision.state})` : 'no decision';
  return `${seen?.running ?? 'no version'}, ${newest ? `incident ${newest.status}` : 'no incident'}, ${what}`;
}

/** Returns a table in Markdown, and as its last line the counts. */
export function report(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(
    ({ title, passed, problems, seconds }) =>
      `| ${passed ? 'passed' : 'FAILED'} | ${title} | ${seconds} | ${problems.join('; ').replaceAll('|', String.raw`\|`)} |`,
  );
  const passed = verdicts.filter((verdict) => verdict.passed).length;
  const table = ['| Result | Scenario | Seconds | Problems |', '|---|---|---|---|', ...rows];
  return `${table.join('\n')}\n\n${passed} passed, ${verdicts.length - passed} failed`;
}
