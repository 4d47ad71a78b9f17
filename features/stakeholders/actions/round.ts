import { sha256 } from '../../../core/stores/hash.ts';
import {
  type ChannelPause,
  isPaused,
  type LastNotification,
  type NotificationChannel,
  notSent,
  pauseAfter,
  sentLater,
} from '../../../core/domain/messages/notifications.ts';
import { isDue, neverNotified, nextNotification, notificationState } from '../decisions/digest.ts';
import { statusUpdate } from '../decisions/status-update.ts';
import type { Delivered, Mail } from '../../../core/domain/ports/mail.ts';
import { approvalUrls } from '../../../core/domain/incidents/approval-link.ts';
import { incidentUrl } from '../../../core/domain/incidents/console-link.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { StoredNotification, Digests } from '../../../core/domain/ports/messages.ts';
import type { Overview } from '../../../core/domain/messages/story.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { type Deadline, pooled } from '../../../core/domain/concurrency.ts';
import type { Due } from './due.ts';
import { deliverTo } from '../../../core/jobs/digest/receivers.ts';

/** How many messages are sent in parallel. */
const AT_ONCE = 4;

/** How many failures end a round, because the receiving server probably has a problem. */
const FAILURES_MAX = 5;

type RoundDeps = Pick<Deps, 'incidents' | 'clock' | 'log' | 'timeScale' | 'chat' | 'publicUrl' | 'approvalLinks'> & {
  digests: Digests;
  emails: Mail;
};

type RoundInput = {
  channel: NotificationChannel;
  services: Config['services'];
  /** The current pause after a failure. */
  pause: ChannelPause | undefined;
  deadline: Deadline;
};

/**
 * Sends all due notifications by one channel, email or Slack. Each is recorded before it is sent, and the record is
 * reverted if it was certainly not sent. After a crash, a message may be missing, but none is sent repeatedly.
 */
export class Round {
  readonly #deps: RoundDeps;
  readonly #input: RoundInput;
  readonly #stories = new Map<string, Promise<Overview | undefined>>();
  #pause: ChannelPause | undefined;
  #stopped = false;
  #failures = 0;
  #sent = 0;

  constructor(deps: RoundDeps, input: RoundInput) {
    this.#deps = deps;
    this.#input = input;
    this.#pause = input.pause;
  }

  /** Sends the due notifications, and returns how many were sent. */
  async send(due: readonly Due[]): Promise<number> {
    if (isPaused(this.#pause, this.#deps.clock.now())) return 0;
    const [first, ...others] = due;
    if (first !== undefined) await this.#sendOne(first); // alone, so that only one waits if the server does not respond
    await pooled(others, AT_ONCE, (notification) => this.#sendOne(notification));
    return this.#sent;
  }

  get #isOver(): boolean {
    return this.#stopped || this.#failures >= FAILURES_MAX || this.#input.deadline.left === 0;
  }

  /** Sends one notification. Errors are logged, so that the others are still sent. */
  async #sendOne(due: Due): Promise<void> {
    if (this.#isOver) return;
    try {
      await this.#attempt(due);
    } catch (error) {
      this.#failures += 1;
      this.#deps.log.error('a stakeholder could not be notified', { ...logFieldsOf(due), error: String(error) });
    }
  }

  async #attempt(due: Due): Promise<void> {
    const { digests, clock, timeScale } = this.#deps;
    const { id, receiver, stakeholder, before, childIncidents: children, notifiedOfParent } = due;
    const story = await this.#story(id);
    const now = clock.now();
    // The list is eventually consistent. The record must match what is sent.
    const dueContext = {
      services: this.#input.services,
      now,
      timeScale,
      children,
      notifiedOfParent,
    };
    if (story === undefined || !isDue(story.incident, stakeholder, before, dueContext)) return;
    const notification = notificationState(story.incident, now);
    const recorded = await digests.remember(id, receiver.name, notification, before);
    if (recorded === undefined) return; // another run sends it
    const update = statusUpdate(
      story,
      { url: incidentUrl(this.#deps.publicUrl, story.incident), approvals: await approvalUrls(this.#deps, story) },
      nextNotification(story.incident, stakeholder, dueContext),
    );
    const delivered = await deliverTo(this.#deps, receiver, update, keyOf(due, notification));
    await this.#recordDelivery(due, recorded, delivered);
  }

  #story(id: Due['id']): Promise<Overview | undefined> {
    const known = this.#stories.get(id);
    if (known !== undefined) return known;
    const story = this.#deps.incidents.overview(id);
    this.#stories.set(id, story);
    return story;
  }

  /** Records the result of a delivery. */
  async #recordDelivery(due: Due, recorded: StoredNotification, delivered: Delivered): Promise<void> {
    const { digests, log, clock, timeScale } = this.#deps;
    const { id, receiver, before } = due;
    const replaceRecord = (notification: LastNotification) =>
      digests.remember(id, receiver.name, notification, recorded);
    const time = { now: clock.now(), timeScale };
    switch (delivered.kind) {
      case 'done':
        this.#sent += 1;
        return this.#endPause();
      case 'unclear': // possibly delivered, so it is not sent again
        log.warn('a stakeholder may not have been notified', { ...logFieldsOf(due), detail: delivered.detail });
        return this.#stop({ detail: delivered.detail, afterSeconds: null });
      case 'closed':
      case 'off':
        await replaceRecord(notSent(before, time.now));
        return this.#stop(delivered.kind === 'off' ? { detail: delivered.detail, afterSeconds: null } : delivered);
      case 'later':
        this.#failures += 1;
        log.warn('a stakeholder could not be notified; Firebreak tries again', {
          ...logFieldsOf(due),
          detail: delivered.detail,
        });
        await replaceRecord(sentLater(before, time));
        return;
      case 'refused':
        await replaceRecord(neverNotified(recorded, before));
        return this.#refused(due, delivered.detail);
    }
  }

  async #endPause(): Promise<void> {
    if (this.#pause === undefined || this.#stopped) return;
    this.#pause = undefined;
    await this.#deps.digests.setPause(this.#input.channel, null);
  }

  /** Pauses this channel for a while. Ignores further failures of messages that were sent in parallel. */
  async #stop(failed: { detail: string; afterSeconds: number | null }): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    const { digests, log, clock, timeScale } = this.#deps;
    const { channel } = this.#input;
    const pause = pauseAfter(this.#pause, failed, { now: clock.now(), timeScale });
    log.warn('stakeholders cannot be notified; Firebreak tries again', { channel, ...pause });
    await digests.setPause(channel, pause);
  }

  /** Adds a timeline entry, so that responders know whom to notify in another way. */
  async #refused({ id, receiver }: Due, detail: string): Promise<void> {
    const { incidents, clock, log } = this.#deps;
    log.error('a stakeholder was refused as a receiver', { incident: id, receiver: receiver.name, detail });
    await incidents.note(id, `stakeholder-refused-${sha256(receiver.name).slice(0, 32)}`, {
      at: clock.now(),
      actor: 'firebreak',
      kind: 'stakeholder.refused',
      text: `Status updates cannot be delivered to ${receiver.to}: ${detail}`,
      detail: null,
    });
  }
}

const logFieldsOf = ({ id, receiver }: Due) => ({ incident: id, receiver: receiver.name });

/**
 * Returns the idempotency key: the same for the same news to a receiver, and a new one for each periodic repetition.
 */
function keyOf({ id, receiver, before }: Due, { about }: LastNotification): string {
  const since = before?.about === about ? before.at : '';
  return `digest-${sha256(JSON.stringify([id, receiver.name, about, since]))}`;
}
