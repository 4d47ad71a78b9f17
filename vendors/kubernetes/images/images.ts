import * as z from 'zod';
import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { standInNote } from '../../../core/domain/catalogue/vendors.ts';
import { serviceEnvironmentIn, type Projections } from '../../../core/domain/incidents/projections.ts';
import type { Pins } from '../../../core/domain/ports/changes.ts';
import type { ConfigSource } from '../../../core/domain/ports/config.ts';
import type { Targets } from '../../../core/domain/ports/rollback.ts';
import type { Incidents } from '../../../core/domain/ports/incidents.ts';
import type { HeldImages, ImageAutomation } from '../../../core/domain/rollback/targets.ts';
import type { EnvironmentEntry } from '../../../schemas/config/config.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { PinView } from '../../../schemas/changes/pin.ts';
import { IncidentId, Version } from '../../../schemas/config/names.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import { plusSeconds, Timestamp } from '../../../schemas/time/time.ts';
import type { Projector } from '../../../core/projectors/sync.ts';
import type { Method, SyncSession } from '../../../core/projectors/session.ts';
import { unansweredAfter, outcomeKnownFrom } from '../../../core/domain/messages/unclear.ts';

/** Rate limit. Argo CD publishes none. */
const IMAGES: Method = { name: 'images', allowances: { images: { perSecond: 5, burst: 20 } } };

/**
 * Seconds until the next check of a hold. Whether a newer version runs is known only on read, and another system can undo
 * a hold, which it does soon after it was set.
 */
const CHECK_SECONDS = 300;
const CHECK_NEW_SECONDS = 60;

const Hold = z.object({ incident: IncidentId.nullable(), version: Version, at: Timestamp, noted: z.boolean() });

const ImagesState = z.object({
  /** By ID of the pin. */
  holds: z.record(z.string(), Hold).default({}),
  /** When a hold was last set without a response; that call may still be executed. */
  unsure: Timestamp.nullable().default(null),
  problem: z.string().nullable().default(null),
  /** Since when no version is pinned. Null: versions are pinned. */
  over: Timestamp.nullable().default(null),
});
type ImagesState = z.infer<typeof ImagesState>;

type ImagesDeps = {
  targets: Pick<Targets, 'deployerFor' | 'imageAutomationFor'>;
  config: Pick<ConfigSource, 'current'>;
  pins: Pick<Pins, 'of' | 'get'>;
  incidents: Pick<Incidents, 'note'>;
  projections: Projections;
};

/** Returns the projector for image automation, which holds it back from the pinned versions of a service. */
export const imagesProjector =
  (deps: ImagesDeps): Projector =>
  async (subject, session) => {
    const serviceEnvironment = serviceEnvironmentIn(subject);
    const pins = await deps.pins.of(serviceEnvironment);
    const state = ImagesState.parse((await deps.projections.read('images', subject)) ?? {});
    if (pins.length === 0 && Object.keys(state.holds).length === 0 && state.unsure === null) return;
    const { service, environment } = serviceEnvironment;
    const environments = serviceEntry((await deps.config.current()).services, service)?.environments;
    const entry = new Map(Object.entries(environments ?? {})).get(environment);
    const automation = entry && (await automationOf(deps, entry, serviceEnvironment));
    if (automation === undefined) return;
    await new ImageHold(deps, { subject, automation, pins, state, session }).set(entry?.sources?.image ?? []);
  };

/** Returns the image automation that is configured, or that belongs to the deployer. */
async function automationOf(
  { targets }: ImagesDeps,
  { deployer, imageAutomation }: EnvironmentEntry,
  serviceEnvironment: ServiceEnvironment,
): Promise<StandInAutomation | undefined> {
  if (imageAutomation !== undefined) return targets.imageAutomationFor(imageAutomation, serviceEnvironment);
  const client = deployer && (await targets.deployerFor(deployer, serviceEnvironment));
  return client?.imageAutomation && { ...client.imageAutomation, standIn: client.standIn === true };
}

/** Image automation. `standIn`: it is a stand-in, which every text about it says. */
type StandInAutomation = ImageAutomation & { standIn: boolean };

/** Returns whether a newer version was deployed since, and runs. */
const isOutdated = ({ newer_version: newer }: PinView): boolean => newer !== null;

type HoldInputs = {
  subject: Subject;
  automation: StandInAutomation;
  pins: readonly PinView[];
  state: ImagesState;
  session: SyncSession;
};

class ImageHold {
  readonly #deps: ImagesDeps;
  readonly #subject: Subject;
  readonly #automation: StandInAutomation;
  /** The pins in force. */
  readonly #pins: readonly PinView[];
  readonly #session: SyncSession;
  #state: ImagesState;

  constructor(deps: ImagesDeps, { subject, automation, pins, state, session }: HoldInputs) {
    this.#deps = deps;
    this.#subject = subject;
    this.#automation = automation;
    this.#pins = pins;
    this.#session = session;
    this.#state = state;
  }

  async set(images: readonly string[]): Promise<void> {
    const before = this.#state.unsure;
    const began = this.#session.now();
    const versions = [...new Set(this.#pins.map(({ version }) => version))];
    const outdated = this.#pins.filter(isOutdated).map(({ version }) => version);
    const response = await this.#session.attempt(
      IMAGES,
      () => this.#automation.hold({ versions, outdated, images }),
      async (at) => {
        const unpinnedAt = this.#pins.length > 0 ? null : (this.#state.over ?? at);
        await this.#save({ unsure: at, over: unpinnedAt });
        return true; // the call may start
      },
    );
    if (response === undefined || response.kind === 'unclear') return;
    const isDone = response.kind === 'done';
    const unansweredAt = unansweredAfter(before, isDone ? began : null);
    await this.#save({ unsure: unansweredAt });
    if (isDone) {
      await this.#recordHold(response.value, before !== null);
      if (unansweredAt !== null) this.#session.scheduleNext(outcomeKnownFrom(unansweredAt));
    } else if (response.kind === 'refused') await this.#recordRefusal(response.detail);
  }

  async #recordHold({ images, held, changed }: HeldImages, wasUnanswered: boolean): Promise<void> {
    const now = this.#session.now();
    const heldVersions = new Set<string>(held);
    const known = this.#state.holds;
    const heldPins = this.#pins.filter(({ version }) => heldVersions.has(version));
    const ended = Object.keys(known).filter((id) => !heldPins.some((pin) => pin.id === id));
    const added = heldPins.filter(({ id }) => known[id] === undefined);
    const isRestored = changed && !wasUnanswered && heldPins.length > 0 && added.length === 0 && ended.length === 0;
    const holds = Object.fromEntries(
      added.map(({ id, version, incident_id }) => [id, { version, incident: incident_id, at: now, noted: false }]),
    );
    await this.#save({ holds: { ...known, ...holds } });
    await this.#noteHolds(images);
    for (const id of ended) await this.#noteRelease(id);
    if (isRestored) for (const { id } of heldPins) await this.#noteRestoredHold(id);
    const unheld = this.#pins.filter((pin) => !isOutdated(pin) && !heldVersions.has(pin.version));
    await this.#noteUntagged(images.length === 0 ? [] : unheld);
    if (heldPins.length + unheld.length > 0 && images.length > 0)
      this.#session.scheduleNext(plusSeconds(now, changed ? CHECK_NEW_SECONDS : CHECK_SECONDS));
  }

  /** Each hold is stored before its entry, so that a repeated entry has the same key. */
  async #noteHolds(images: readonly string[]): Promise<void> {
    const holds = Object.entries(this.#state.holds);
    const open = holds.filter(([, { noted }]) => !noted);
    for (const [id, { incident, version, at }] of open)
      await this.#note(incident, `images-held-${id}-${at}`, {
        kind: 'images.held',
        text: `${this.#automation.name} does not deploy ${version} while it is pinned (${images.join(', ')})`,
        detail: { pin: id, version, images },
      });
    if (open.length > 0)
      await this.#save({ holds: Object.fromEntries(holds.map(([id, hold]) => [id, { ...hold, noted: true }])) });
  }

  async #noteRelease(id: string): Promise<void> {
    const { [id]: hold, ...others } = this.#state.holds;
    if (hold === undefined) return;
    const pin = await this.#deps.pins.get(id);
    const why =
      pin?.state === 'lifted'
        ? 'its pin was lifted'
        : pin?.newer_version != null
          ? `${pin.newer_version} has been deployed since`
          : 'it no longer updates the image';
    await this.#note(hold.incident, `images-released-${id}-${hold.at}`, {
      kind: 'images.released',
      text: `${this.#automation.name} is no longer held back from ${hold.version}: ${why}`,
      detail: { pin: id, version: hold.version },
    });
    await this.#save({ holds: others });
  }

  async #noteRestoredHold(id: string): Promise<void> {
    const hold = this.#state.holds[id];
    if (hold === undefined) return;
    this.#session.log.warn('a hold of image automation was changed by others, and set again', { pin: id });
    await this.#note(hold.incident, `images-restored-${id}-${hold.at}`, {
      kind: 'images.restored',
      text: `Another system or a person changed what ${this.#automation.name} ignores, so ${hold.version} was held again. If this repeats, it may be deployed in between`,
      detail: { pin: id, version: hold.version },
    });
  }

  async #noteUntagged(pins: readonly PinView[]): Promise<void> {
    const problem = pins.length === 0 ? null : `no tags: ${pins.map(({ id }) => id).join(', ')}`;
    await this.#noteProblemOnce(problem, async () => {
      for (const { id, incident_id, version } of pins)
        await this.#note(incident_id, `images-untagged-${id}`, {
          kind: 'images.refused',
          text: `${this.#automation.name} may deploy ${version} again: the version is not a valid image tag, so it cannot be ignored`,
          detail: { pin: id, version },
        });
    });
  }

  async #recordRefusal(detail: string): Promise<void> {
    this.#session.log.warn('image automation could not be held', { subject: this.#subject, detail });
    await this.#noteProblemOnce(detail, async () => {
      for (const { id, incident_id, version } of this.#pins)
        await this.#note(incident_id, `images-refused-${id}`, {
          kind: 'images.refused',
          text: `${this.#automation.name} may deploy ${version} again: ${detail}`,
          detail: { pin: id, version },
        });
    });
    this.#session.scheduleRetryAfterRefusal(this.#pins.length > 0 ? null : this.#state.over);
  }

  /** Each entry notifies other projectors, so a problem is noted once. */
  async #noteProblemOnce(problem: string | null, note: () => Promise<void>): Promise<void> {
    if (this.#state.problem === problem) return;
    await note();
    await this.#save({ problem });
  }

  async #note(
    incident: IncidentId | null,
    key: string,
    entry: { kind: string; text: string; detail: object },
  ): Promise<void> {
    if (incident === null) return; // rolled back without an incident
    const text = this.#automation.standIn ? entry.text + standInNote(entry.kind) : entry.text;
    await this.#deps.incidents.note(incident, key, { at: this.#session.now(), actor: 'firebreak', ...entry, text });
  }

  async #save(change: Partial<ImagesState>): Promise<void> {
    await this.#session.checkLease();
    this.#state = { ...this.#state, ...change };
    await this.#deps.projections.write('images', this.#subject, this.#state);
  }
}
