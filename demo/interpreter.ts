import type { IncidentView, TimelineEntry } from '../schemas/incident.ts';
import { millisOf } from '../schemas/time.ts';
import type { Teller, Tone } from './teller.ts';
import { wordsOf } from './vendors.ts';
import type { Audience, VendorCall } from './witness.ts';

/** What Slack repeats of the timeline within so much time is not told twice; what it says later is. */
const ECHO_MS = 5000;

/** What another line says already: the vendor's own, Alertmanager's, or that of the decision. */
const UNTOLD =
  /^(page\.(succeeded|withheld)|page-resolve\.succeeded|rollback\.started|alerts\.(joined|resolved)|mitigation\.(not_taken|expired))$/;

/** Who else writes on a timeline is a person, and is named. */
const OWN_ACTORS: ReadonlySet<string> = new Set(['firebreak', 'alerts', 'slack', 'pagerduty']);

const TONES: readonly [RegExp, Tone][] = [
  [/^(mitigation|verification)\.(succeeded|passed)$/, 'good'],
  [/^incident\.resolved$/, 'good'],
  [/^(mitigation|verification|page|page-resolve)\./, 'bad'],
  [/^(incident\.opened|decision)/, 'act'],
];

/** Puts into words what Firebreak has written and what the vendors were asked. */
export class Interpreter implements Audience {
  readonly #teller: Teller;
  /** Several services: it has to be said which is meant. */
  readonly #several: boolean;
  /** Texts of the timeline, and when they were written. */
  readonly #written = new Map<string, number>();

  constructor(teller: Teller, several: boolean) {
    this.#teller = teller;
    this.#several = several;
  }

  read({ kind, actor, text, at }: TimelineEntry, { service }: IncidentView): void {
    this.#written.set(text, millisOf(at));
    if (UNTOLD.test(kind)) return;
    const own = OWN_ACTORS.has(actor);
    this.#teller.say({
      at: millisOf(at),
      who: own ? 'Firebreak' : actor,
      about: this.#several ? service : undefined,
      text: own ? shortIds(text) : `${kind.replaceAll('.', ' ')}: ${shortIds(text)}`,
      tone: TONES.find(([pattern]) => pattern.test(kind))?.[1],
    });
  }

  heard(call: VendorCall): void {
    const at = millisOf(call.at);
    const words = wordsOf(call);
    if (words === undefined || this.#isEcho(words.text, at)) return;
    this.#teller.say({ at, ...words });
  }

  knownUntil(at: number): void {
    this.#teller.knownUntil(at);
  }

  #isEcho(text: string, at: number): boolean {
    return [...this.#written].some(([written, when]) => at - when < ECHO_MS && text.endsWith(written));
  }
}

/** An incident's id is as long as a third of the line. */
const shortIds = (text: string): string => text.replaceAll(/\b[0-9A-HJKMNP-TV-Z]{22}([0-9A-HJKMNP-TV-Z]{4})\b/g, '…$1');
