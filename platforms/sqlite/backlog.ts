/** Messages of one group, or one message without a group. `dueAt`: none of them is delivered before. */
type Group = {
  key: string;
  /** Those that wait, in order. The first `retried` ones were delivered before. */
  numbers: number[];
  retried: number;
  inFlight: number;
  dueAt: number;
};

/** A message as the file has it. */
export type Stored = { number: number; group: string | undefined; dueAt: number; deliveries: number };

/** Messages to deliver together, by the group that they were taken from. */
export type Taken = { group: Group; numbers: number[] };

/** The order in which messages of one queue are delivered, by their numbers. Times are in milliseconds. */
export class Backlog {
  readonly #groups = new Map<string, Group>();
  /** Groups with messages that nobody has taken: those that are due, in order, and those that are not. */
  readonly #due: Group[] = [];
  readonly #later = new Set<Group>();
  /** When the next of those is due. Infinity: there are none. */
  nextDue = Infinity;

  /** Adds a message behind all others of its group. */
  add({ number, group: name, dueAt, deliveries }: Stored, now: number): void {
    const key = name ?? `#${number}`; // no group contains a #
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { key, numbers: [], retried: 0, inFlight: 0, dueAt };
      this.#groups.set(key, group);
      this.#schedule(group, now);
    }
    group.numbers.push(number);
    if (deliveries > 0) group.retried += 1;
  }

  /** Takes messages that are due. No others of their groups can be taken until these are released. */
  take(max: number, now: number): Taken[] {
    this.#moveDue(now);
    const taken: Taken[] = [];
    let room = max;
    for (let group; room > 0 && (group = this.#due.shift()) !== undefined;) {
      // A message that is delivered again goes alone, so that later ones are not counted as delivered each time it fails.
      const numbers = group.numbers.splice(0, group.retried > 0 ? 1 : room);
      group.retried = Math.max(0, group.retried - numbers.length);
      group.inFlight = numbers.length;
      room -= numbers.length;
      taken.push({ group, numbers });
    }
    return taken;
  }

  /** Puts those that failed back to the front of their group, which then waits for the first one, and forgets the others. */
  release({ group, numbers }: Taken, failed: ReadonlyMap<number, { dueAt: number }>, now: number): void {
    const again = numbers.filter((number) => failed.has(number));
    group.numbers.unshift(...again);
    group.retried += again.length;
    group.inFlight = 0;
    group.dueAt = failed.get(again[0] ?? 0)?.dueAt ?? now;
    if (group.numbers.length > 0) this.#schedule(group, now);
    else this.#groups.delete(group.key);
  }

  #schedule(group: Group, now: number): void {
    if (group.dueAt <= now) {
      this.#due.push(group);
      return;
    }
    this.#later.add(group);
    this.nextDue = Math.min(this.nextDue, group.dueAt);
  }

  #moveDue(now: number): void {
    if (this.nextDue > now) return;
    this.nextDue = Infinity;
    for (const group of this.#later) {
      if (group.dueAt > now) {
        this.nextDue = Math.min(this.nextDue, group.dueAt);
        continue;
      }
      this.#later.delete(group);
      this.#due.push(group);
    }
  }
}
