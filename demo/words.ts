import type { IncidentView, TimelineEntry } from '../schemas/incident.ts';
import { millisOf } from '../schemas/time.ts';
import type { Firebreak } from './firebreak.ts';
import type { Teller } from './teller.ts';
import type { Audience, VendorCall } from './witness.ts';

export class Interpreter implements Audience {
  readonly #firebreak: Firebreak;
  readonly #teller: Teller;
  constructor(firebreak: Firebreak, teller: Teller) {
    this.#firebreak = firebreak;
    this.#teller = teller;
  }
  async heard(call: VendorCall): Promise<void> {
    if (call.vendor === 'prometheus') return;
    const body = typeof call.body === 'string' ? decodeURIComponent(call.body) : JSON.stringify(call.body);
    this.#teller.say(call.vendor, `${call.method} ${call.path} ${call.outcome} ${call.fault ?? ''} ${body.slice(0, 200)}`, 'plain', millisOf(call.at));
  }
  read(entry: TimelineEntry, incident: IncidentView): void {
    this.#teller.say('Firebreak', `${entry.kind} ${entry.actor} ${entry.text} (${incident.service})`, 'plain', millisOf(entry.at));
  }
}
