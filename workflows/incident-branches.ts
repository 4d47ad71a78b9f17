import type { Deps } from '../core/domain/ports/deps.ts';
import { awaitsVerdict } from '../core/domain/rollback/verdict.ts';
import type { JudgementRequest, Plan, Redeploy, ResponseState } from '../core/domain/incidents/response.ts';
import type { IncidentId } from '../schemas/config/names.ts';
import { type Activity, activityOf, untilRest } from './activity.ts';
import { type BranchLimits, limited, type RunLimits } from './branch-limits.ts';
import type { Run } from './run.ts';
import { followRunbook } from './runbook.ts';
import type { BegunRun } from './steps/begin-run.ts';
import { confirmAlerts, endGoneAlerts } from './steps/gone-alerts.ts';
import { judgeLateChanges } from './steps/late-changes.ts';
import { testVersions } from './steps/look/look.ts';
import { mitigate, verifyNow } from './steps/mitigate.ts';
import { page } from './steps/page.ts';
import { followRedeploy } from './steps/redeploy.ts';
import { updatePage } from './steps/update-page.ts';

/** Which run of the workflow, and what it started from. */
type BranchesOf = { incidentId: IncidentId; number: number; begun: BegunRun; limits: RunLimits };

type Late = Parameters<typeof judgeLateChanges>[1];

/**
 * The branches of a run: pages, mitigations, runbooks, and so on run in parallel, and none waits for another. If one of them
 * fails, the run ends, so that the next run continues from the table.
 */
export class IncidentBranches {
  readonly #run: Run;
  readonly #of: BranchesOf;
  readonly #deps: Deps;
  readonly #fail: (error: unknown) => void;
  readonly #mitigations: { branch: Promise<unknown>; activity: Activity }[] = [];
  readonly #pages: Promise<unknown>[] = [];
  readonly #pageUpdates: Promise<unknown>[] = [];
  readonly #runbooks = new Map<number, Promise<unknown>>();
  readonly #lateChecks: Promise<unknown>[] = [];
  readonly #redeploys = new Map<string, Promise<unknown>>();
  /** Those that a handover waits for: until their end, or until they rest. */
  readonly #acting: Promise<unknown>[] = [];

  /** @param fail ends the run */
  constructor(run: Run, of: BranchesOf, deps: Deps, fail: (error: unknown) => void) {
    this.#run = run;
    this.#of = of;
    this.#deps = deps;
    this.#fail = fail;
  }

  /** Continues what the previous run has left unfinished. */
  continue({ judgedFor, mitigations }: ResponseState): void {
    const { incident, unfinished, pages = [], runbooks, looks } = this.#of.begun;
    for (const number of unfinished) this.#mitigate({ number, request: { by: 'alert', name: '' } });
    for (const number of pages) this.#page(number, []);
    for (const { number, done, acted } of runbooks)
      if (!done || (acted && awaitsVerdict(incident, { number: 0, runbook: number }))) this.#follow(number);
    const { number, change } = incident.verifying ?? {};
    if (incident.verification === 'pending' && number !== undefined && change !== undefined)
      this.#verifyRedeploy({ number, change });
    if (looks !== undefined && judgedFor !== null) {
      const late = { incidentId: incident.id, ...looks, judged: mitigations, request: judgedFor };
      this.#lateChecks.push(this.#judgeLate('late-changes-continued', late));
    }
  }

  /** Starts what is due in this round. */
  start(due: Plan, round: number, { causes, newAlerts }: { causes: ResponseState['pageCauses']; newAlerts: boolean }) {
    const { incidentId } = this.#of;
    if (due.page !== null) this.#page(due.page, causes);
    if (due.updatePage) this.#updatePage(round);
    if (due.mitigate !== null) this.#mitigate(due.mitigate);
    if (due.runbook !== null) this.#follow(due.runbook);
    for (const number of due.runs) this.#follow(number);
    if (due.lateChanges !== null) this.#checkLateChanges(round, { incidentId, ...due.lateChanges });
    for (const one of due.looks) this.#look(one);
    for (const one of due.redeploys) this.#verifyRedeploy(one);
    if (newAlerts) this.#confirmAlerts(round);
    if (due.verify !== null) this.#verifyAgain(round, due.verify);
  }

  endGoneAlerts(round: number): void {
    const { incidentId } = this.#of;
    this.#acting.push(
      this.#branch(`gone-alerts-${round}`, (branch) => endGoneAlerts(branch, { incidentId }, this.#deps)),
    );
  }

  /** Returns whether no mitigation acts: those that wait for a person or a verification are left to the next run. */
  isResting(): boolean {
    return this.#mitigations.every(({ activity }) => activity.isResting());
  }

  /** Waits until the next run can take over. */
  async rest(): Promise<void> {
    await Promise.all([...this.#acting, ...this.#pageUpdates, ...this.#restingMitigations()]);
  }

  async pageUpdatesEnded(): Promise<void> {
    await Promise.allSettled(this.#pageUpdates);
  }

  async pagesEnded(): Promise<void> {
    await Promise.allSettled([...this.#acting, ...this.#pages, ...this.#mitigations.map(({ branch }) => branch)]);
  }

  /** @throws if a branch has failed */
  async ended(): Promise<void> {
    const mitigations = this.#mitigations.map(({ branch }) => branch);
    const longest = [...this.#runbooks.values(), ...this.#redeploys.values(), ...this.#lateChecks];
    await Promise.all([...this.#pageUpdates, ...this.#acting, ...this.#pages, ...mitigations, ...longest]);
  }

  #restingMitigations(): Promise<unknown>[] {
    return this.#mitigations.map(({ branch, activity }) => untilRest(branch, activity));
  }

  #mitigate(named: { number: number; request: JudgementRequest }): void {
    const { incidentId, begun } = this.#of;
    const { service, environment, opened_at, unmatched } = begun.incident;
    const input = { incidentId, about: { id: incidentId, service, environment, opened_at, unmatched }, ...named };
    const activity = activityOf();
    const branch = this.#branch(`mitigate-${named.number}`, (inner) => mitigate(inner, input, this.#deps, activity));
    this.#mitigations.push({ branch, activity });
  }

  /** Starts a page. A handover does not wait for its repetitions, of an hour and a half: the next run can continue them. */
  #page(number: number, causes: ResponseState['pageCauses']): void {
    const { incidentId } = this.#of;
    const activity = activityOf();
    const paged = this.#branch(`page-${number}`, (branch) =>
      page(branch, { incidentId, number, causes }, this.#deps, activity),
    );
    this.#acting.push(untilRest(paged, activity));
    this.#pages.push(paged);
  }

  #updatePage(round: number): void {
    const { incidentId } = this.#of;
    this.#pageUpdates.push(
      this.#branch(`update-page-${round}`, (branch) => updatePage(branch, incidentId, this.#deps)),
    );
  }

  /**
   * Follows a runbook, which may wait for days, so a handover does not wait for it. Paused in a long run, so that the inbox is
   * read while a mitigation acts.
   */
  #follow(number: number): void {
    const { incidentId, limits } = this.#of;
    // A runbook started by a person is both in the inbox and in the table when another workflow run takes over.
    if (this.#runbooks.has(number)) return;
    const followed = this.#branch(
      `runbook-${number}`,
      (branch) => followRunbook(branch, { incidentId, number }, this.#deps),
      limits.ofPausable(),
    );
    this.#runbooks.set(number, followed);
  }

  /** Evaluates late changes. A handover does not wait while this waits, for minutes, until a new version is measured. */
  #checkLateChanges(round: number, late: Late): void {
    const activity = activityOf();
    const checks = this.#judgeLate(`late-changes-${round}`, late, activity);
    this.#acting.push(untilRest(checks, activity));
    this.#lateChecks.push(checks);
  }

  #judgeLate(name: string, late: Late, activity?: Activity): Promise<unknown> {
    return this.#branch(name, (branch) => judgeLateChanges(branch, late, this.#deps, activity));
  }

  /** Tests the versions of a question for a person. A handover does not wait for it: the sweeper ends what is left. */
  #look({ number, by }: { number: number; by: string }): void {
    const { incidentId } = this.#of;
    this.#lateChecks.push(
      this.#branch(`look-${number}`, (branch) => testVersions(branch, { incidentId, number, by }, this.#deps)),
    );
  }

  /** Verifies what a person has deployed again. A handover does not wait for it: the next run continues it. */
  #verifyRedeploy(redeploy: Redeploy): void {
    const { incidentId } = this.#of;
    const { change } = redeploy;
    // It is both in the inbox and in the table when another workflow run takes over.
    if (this.#redeploys.has(change)) return;
    const followed = this.#branch(`redeploy-${change}`, (branch) =>
      followRedeploy(branch, { incidentId, ...redeploy }, this.#deps),
    );
    this.#redeploys.set(change, followed);
  }

  #confirmAlerts(round: number): void {
    const { incidentId } = this.#of;
    this.#acting.push(
      this.#branch(`confirm-alerts-${round}`, (branch) => confirmAlerts(branch, { incidentId }, this.#deps)),
    );
  }

  #verifyAgain(round: number, verify: NonNullable<Plan['verify']>): void {
    const { incidentId, number } = this.#of;
    this.#acting.push(
      this.#branch(`verify-again-${round}`, (branch) =>
        verifyNow(branch, { incidentId, ...verify, run: number, round }, this.#deps),
      ),
    );
  }

  /** Starts a branch whose failure ends the run. */
  #branch<T>(
    name: string,
    work: (run: Run) => Promise<T>,
    limits: BranchLimits = this.#of.limits.ofActing(),
  ): Promise<T> {
    const branch = this.#run.childContext(name, (inner) => work(limited(inner, limits, this.#deps)));
    branch.catch(async (error: unknown) => {
      await Promise.allSettled(this.#restingMitigations());
      // Closing continues first: a branch that has failed must not keep pages open.
      if (!this.#of.limits.isClosed) this.#fail(error);
    });
    return branch;
  }
}
