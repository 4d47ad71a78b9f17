import type { CharacterTest } from './characters.ts';
import { PatternError } from './pattern-error.ts';
import type { Node, Assertion } from './syntax.ts';

/** A state refers to its successors by number. */
type State =
  | { kind: 'character'; test: CharacterTest; next: number }
  | { kind: 'place'; assertion: Assertion; next: number }
  | { kind: 'fork'; next: readonly number[] }
  | { kind: 'end' };

export type Automaton = { states: readonly State[]; start: number };

/** More than a list of a thousand names needs; limits the time for one text. */
const MAX_STATES = 20_000;

/** Builds the automaton of a pattern. @throws PatternError if it would be too large */
export function automaton(node: Node): Automaton {
  const builder = new Builder();
  return { start: builder.build(node, builder.add({ kind: 'end' })), states: builder.states };
}

/** Builds from the end: each part gets the state that follows it. */
class Builder {
  readonly states: State[] = [];
  #parts = 0;

  add(state: State): number {
    return this.states.push(state) - 1;
  }

  /** Returns the state at which `node` begins. */
  build(node: Node, next: number): number {
    // Counts parts, not states: repeated empty parts take time, too.
    this.#parts += 1;
    if (this.#parts > MAX_STATES) throw new PatternError(`it is too large (more than ${MAX_STATES} states)`);
    switch (node.kind) {
      case 'character':
        return this.add({ kind: 'character', test: node.test, next });
      case 'place':
        return this.add({ kind: 'place', assertion: node.assertion, next });
      case 'sequence':
        return node.nodes.reduceRight((after, part) => this.build(part, after), next);
      case 'either':
        return this.#fork(node.nodes.map((part) => this.build(part, next)));
      case 'repeat':
        return this.#repeat(node.node, node.min, node.max, next);
    }
  }

  #repeat(node: Node, min: number, max: number | null, next: number): number {
    let start = max === null ? this.#loop(node, next) : next;
    for (let more = min; more < (max ?? min); more += 1) start = this.#fork([this.build(node, start), next]);
    for (let times = 0; times < min; times += 1) start = this.build(node, start);
    return start;
  }

  #loop(node: Node, next: number): number {
    const branches = [next];
    const loop = this.add({ kind: 'fork', next: branches });
    branches.push(this.build(node, loop));
    return loop;
  }

  #fork(branches: readonly number[]): number {
    const [only] = branches;
    return branches.length === 1 && only !== undefined ? only : this.add({ kind: 'fork', next: branches });
  }
}

/**
 * Returns whether the whole text matches. All paths are followed at once without backtracking, so the time is limited
 * to characters times states.
 */
export function accepts({ states, start }: Automaton, text: string): boolean {
  const characters = Array.from(text);
  let reached = follow(states, [start], undefined, characters[0]);
  for (const [index, character] of characters.entries()) {
    const next: number[] = [];
    for (const number of reached) {
      const state = states[number];
      if (state?.kind === 'character' && state.test(character)) next.push(state.next);
    }
    if (next.length === 0) return false;
    reached = follow(states, next, character, characters[index + 1]);
  }
  return [...reached].some((number) => states[number]?.kind === 'end');
}

/**
 * Returns all states that are reachable without another character, between these two; undefined is the end of the text.
 */
function follow(
  states: readonly State[],
  from: readonly number[],
  before: string | undefined,
  after: string | undefined,
): Set<number> {
  const reached = new Set<number>();
  const pending = [...from];
  for (let number = pending.pop(); number !== undefined; number = pending.pop()) {
    if (reached.has(number)) continue;
    reached.add(number);
    const state = states[number];
    if (state?.kind === 'fork') pending.push(...state.next);
    if (state?.kind === 'place' && HOLDS[state.assertion](before, after)) pending.push(state.next);
  }
  return reached;
}

const isWord = (character: string | undefined): boolean => character !== undefined && /^\w$/.test(character);

const HOLDS: Readonly<Record<Assertion, (before: string | undefined, after: string | undefined) => boolean>> = {
  'text start': (before) => before === undefined,
  'text end': (_, after) => after === undefined,
  'line start': (before) => before === undefined || before === '\n',
  'line end': (_, after) => after === undefined || after === '\n',
  'word edge': (before, after) => isWord(before) !== isWord(after),
  'no word edge': (before, after) => isWord(before) === isWord(after),
};
