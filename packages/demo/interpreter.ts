import type { IncidentView, TimelineEntry } from '../../schemas/incidents/incident.ts';
import { millisOf } from '../../schemas/time/time.ts';
import type { Narrator, Tone } from './narrator.ts';
import { lineOf } from './vendors.ts';
import type { EventReceiver, VendorCall } from './event-source.ts';

/** Slack messages that repeat a timeline entry within this time are not printed again. */
const ECHO_MS = 5000;

/** Timeline kinds that another line already covers: a vendor's, Alertmanager's, or the decision's. */
const OMITTED_KINDS =
  /^(page\.(succeeded|withheld)|page-resolve\.succeeded|rollback\.started|alerts\.(joined|resolved)|mitigation\.(not_taken|expired))$/;

/** Actors that are systems. All others are people, and are named. */
const SYSTEM_ACTORS: ReadonlySet<string> = new Set(['firebreak', 'alerts', 'slack', 'pagerduty']);

const TONES: readonly [RegExp, Tone][] = [
  [/^(mitigation|verification)\.(succeeded|passed)$/, 'good'],
  [/^incident\.resolved$/, 'good'],
  [/^(mitigation|verification|page|page-resolve)\./, 'bad'],
  [/^(incident\.opened|decision)/, 'act'],
];

/** Turns timeline entries and vendor calls into lines of the story. */
export class Interpreter implements EventReceiver {
  readonly #narrator: Narrator;
  /** Whether the story has several services, so that lines must name theirs. */
  readonly #hasSeveralServices: boolean;
  /** Timeline texts with their times. */
  readonly #timelineTexts = new Map<string, number>();

  constructor(narrator: Narrator, hasSeveralServices: boolean) {
    this.#narrator = narrator;
    this.#hasSeveralServices = hasSeveralServices;
  }

  entryRecorded({ kind, actor, text, at }: TimelineEntry, { service }: IncidentView): void {
    this.#timelineTexts.set(text, millisOf(at));
    if (OMITTED_KINDS.test(kind)) return;
    const isSystem = SYSTEM_ACTORS.has(actor);
    this.#narrator.say({
      at: millisOf(at),
      speaker: isSystem ? 'Firebreak' : actor,
      about: this.#hasSeveralServices ? service : undefined,
      text: isSystem ? shortIds(text) : `${kind.replaceAll('.', ' ')}: ${shortIds(text)}`,
      tone: TONES.find(([pattern]) => pattern.test(kind))?.[1],
    });
  }

  vendorCalled(call: VendorCall): void {
    const at = millisOf(call.at);
    const line = lineOf(call);
    if (line === undefined || this.#isEcho(line.text, at)) return;
    this.#narrator.say({ at, ...line });
  }

  completeUntil(at: number): void {
    this.#narrator.completeUntil(at);
  }

  #isEcho(text: string, at: number): boolean {
    return [...this.#timelineTexts].some(
      ([timelineText, entryAt]) => at - entryAt < ECHO_MS && text.endsWith(timelineText),
    );
  }
}

/** Shortens incident ids, which would take a third of a line. */
const shortIds = (text: string): string => text.replaceAll(/\b[0-9A-HJKMNP-TV-Z]{22}([0-9A-HJKMNP-TV-Z]{4})\b/g, '…$1');
