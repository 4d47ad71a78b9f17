import { sha256 } from '../../aws/hash.ts';
import {
  digestOf,
  isDue,
  neverTold,
  notTold,
  pauseAfter,
  type TellingPause,
  type TellingWay,
  telling,
  toldLater,
  type ToldBefore,
} from '../../domain/digest.ts';
import type { Delivered, Mail } from '../../domain/outlets.ts';
import type { Deps, Remembered } from '../../domain/ports.ts';
import type { Story } from '../../domain/story.ts';
import type { Config } from '../../schemas/config.ts';
import { type Deadline, pooled } from '../evaluation/pool.ts';
import type { Due } from './due.ts';
import { deliver } from './receivers.ts';

/** Connections to one server, or calls. */
const AT_ONCE = 4;

/** What was not taken so often ends a round: perhaps nothing is. */
const FAILURES_MAX = 5;

export type RoundDeps = Pick<Deps, 'incidents' | 'clock' | 'log' | 'timeScale' | 'digests' | 'chat'> & {
  letters: Mail;
};

type Given = {
  way: TellingWay;
  services: Config['services'];
  /** Set where it did not work the last time. */
  pause: TellingPause | undefined;
  deadline: Deadline;
};

/**
 * Tells all that is due one way. What is told is on record before it is sent, and is taken back when it certainly was not:
 * so a letter may be missing after a crash, and none is sent again and again.
 */
export class Round {
  readonly #deps: RoundDeps;
  readonly #given: Given;
  readonly #stories = new Map<string, Promise<Story | undefined>>();
  #pause: TellingPause | undefined;
  #stopped = false;
  #failures = 0;
  #sent = 0;

  constructor(deps: RoundDeps, given: Given) {
    this.#deps = deps;
    this.#given = given;
    this.#pause = given.pause;
  }

  /** @returns how many were told */
  async tell(due: readonly Due[]): Promise<number> {
    if (this.#pause !== undefined && this.#deps.clock.now() < this.#pause.until) return 0;
    const [first, ...others] = due;
    if (first !== undefined) await this.#tellOne(first); // alone: where nobody answers, one has waited for it
    await pooled(others, AT_ONCE, (one) => this.#tellOne(one));
    return this.#sent;
  }

  get #isOver(): boolean {
    return this.#stopped || this.#failures >= FAILURES_MAX || this.#given.deadline.left === 0;
  }

  /** One that fails must not keep the others from being told. */
  async #tellOne(due: Due): Promise<void> {
    if (this.#isOver) return;
    try {
      await this.#attempt(due);
    } catch (error) {
      this.#failures += 1;
      this.#deps.log.error('a stakeholder could not be told', { ...named(due), error: String(error) });
    }
  }

  async #attempt(due: Due): Promise<void> {
    const { digests, clock, timeScale } = this.#deps;
    const { id, receiver, stakeholder, before, parts, heardOfParent } = due;
    const story = await this.#story(id);
    const now = clock.now();
    // The list may be a moment behind: what is remembered has to be what is told.
    const asked = { services: this.#given.services, now, timeScale, parts, heardOfParent };
    if (story === undefined || !isDue(story.incident, stakeholder, before, asked)) return;
    const told = telling(story.incident, now);
    const mine = await digests.remember(id, receiver.name, told, before);
    if (mine === undefined) return; // somebody else tells them
    await this.#took(due, mine, await deliver(this.#deps, receiver, digestOf(story), keyOf(due, told)));
  }

  #story(id: Due['id']): Promise<Story | undefined> {
    const known = this.#stories.get(id);
    if (known !== undefined) return known;
    const story = this.#deps.incidents.story(id, null);
    this.#stories.set(id, story);
    return story;
  }

  /** What has become of it. */
  async #took(due: Due, mine: Remembered, how: Delivered): Promise<void> {
    const { digests, log, clock, timeScale } = this.#deps;
    const { id, receiver, before } = due;
    const instead = (told: ToldBefore) => digests.remember(id, receiver.name, told, mine);
    const now = { now: clock.now(), timeScale };
    switch (how.kind) {
      case 'done':
        this.#sent += 1;
        return this.#works();
      case 'unclear': // it may have been told, so it is not told again
        log.warn('a stakeholder may not have been told', { ...named(due), detail: how.detail });
        return this.#stop({ detail: how.detail, afterSeconds: null });
      case 'closed':
      case 'off':
        await instead(notTold(before, now.now));
        return this.#stop(how.kind === 'off' ? { detail: how.detail, afterSeconds: null } : how);
      case 'later':
        this.#failures += 1;
        log.warn('a stakeholder could not be told; it is tried again', { ...named(due), detail: how.detail });
        await instead(toldLater(before, now));
        return;
      case 'refused':
        await instead(neverTold(mine, before));
        return this.#refused(due, how.detail);
    }
  }

  async #works(): Promise<void> {
    if (this.#pause === undefined || this.#stopped) return;
    this.#pause = undefined;
    await this.#deps.digests.setPause(this.#given.way, null);
  }

  /** Nobody else is told that way for a while. Several that were under way at once have found out the same. */
  async #stop(failed: { detail: string; afterSeconds: number | null }): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    const { digests, log, clock, timeScale } = this.#deps;
    const { way } = this.#given;
    const pause = pauseAfter(this.#pause, failed, { now: clock.now(), timeScale });
    log.warn('stakeholders cannot be told; it is tried again', { way, ...pause });
    await digests.setPause(way, pause);
  }

  /** Somebody who reads the timeline knows whom to tell instead. */
  async #refused({ id, receiver }: Due, detail: string): Promise<void> {
    const { incidents, clock, log } = this.#deps;
    log.error('a stakeholder can never be told', { incident: id, receiver: receiver.name, detail });
    await incidents.note(id, `stakeholder-refused-${sha256(receiver.name).slice(0, 32)}`, {
      at: clock.now(),
      actor: 'firebreak',
      kind: 'stakeholder.refused',
      text: `${receiver.to} is not told how it goes: ${detail}`,
      detail: null,
    });
  }
}

const named = ({ id, receiver }: Due) => ({ incident: id, receiver: receiver.name });

/** Of the same news to the same receiver the same, and another one each time that it is told again by the clock. */
function keyOf({ id, receiver, before }: Due, { about }: ToldBefore): string {
  const since = before?.about === about ? before.at : '';
  return `digest-${sha256(JSON.stringify([id, receiver.name, about, since]))}`;
}
