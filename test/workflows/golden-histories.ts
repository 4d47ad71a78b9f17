import { relative } from 'node:path';
import { expect } from 'vitest';
import { golden, inContexts, isRecorded, record, recorded, type Run, updating, type Workflow } from './history.ts';
import { transitionsOf } from './transitions.ts';

/** A played story without a golden history, with those of its transitions that no golden history contains. */
type Uncovered = { name: string; runs: readonly Run[]; transitions: ReadonlySet<string> };

/**
 * The golden histories of a workflow. Not every story has one: together, they contain every transition of all stories,
 * so that replays cover each place of the workflow.
 */
export class GoldenHistories {
  readonly #workflow: Workflow;
  readonly #others = new Map<string, readonly Run[]>();

  constructor(workflow: Workflow) {
    this.#workflow = workflow;
  }

  /** Compares the runs of a played story with its golden history, if it has one. */
  compare(name: string, runs: readonly Run[]): void {
    if (isRecorded(name, this.#workflow)) {
      if (updating()) record(name, { runs }, this.#workflow);
      expect(runs.map(inContexts)).toEqual(golden(name, this.#workflow).runs.map(inContexts));
    } else this.#others.set(name, runs);
  }

  /**
   * Checks that the golden histories contain every transition of the stories compared so far. While updating, it
   * records what is missing instead.
   *
   * @throws if a transition is missing; the message says how to record it
   */
  checkTransitions(): void {
    const uncovered = this.#uncovered();
    if (updating()) for (const { name, runs } of uncovered) record(name, { runs }, this.#workflow);
    else if (uncovered.length > 0) throw new Error(messageOf(uncovered));
  }

  /** Returns few stories that, together, contain every transition that the golden histories do not. */
  #uncovered(): Uncovered[] {
    const known = transitionsOf(recorded(this.#workflow).flatMap((name) => golden(name, this.#workflow).runs));
    const others = [...this.#others].toSorted(([a], [b]) => (a < b ? -1 : 1));
    let left = others.map(([name, runs]) => ({ name, runs, transitions: transitionsOf(runs).difference(known) }));
    const chosen: Uncovered[] = [];
    for (;;) {
      const [most] = left.toSorted((a, b) => b.transitions.size - a.transitions.size);
      if (most === undefined || most.transitions.size === 0) return chosen;
      chosen.push(most);
      left = left.map((one) => ({ ...one, transitions: one.transitions.difference(most.transitions) }));
    }
  }
}

function messageOf(uncovered: readonly Uncovered[]): string {
  const lines = uncovered.flatMap(({ name, transitions }) =>
    [...transitions].map((transition) => `- ${transition} (in "${name}")`),
  );
  const file = relative(process.cwd(), expect.getState().testPath ?? '');
  return `No golden history contains these transitions:\n${lines.join('\n')}\nTo record them: UPDATE_GOLDEN=1 npm test -- ${file}\nLook at the new files before they are committed`;
}
