import { isUsable } from '../../domain/access/sessions.ts';
import type { Sessions } from '../../domain/ports/access.ts';
import type { Clock } from '../../domain/ports/system.ts';
import type { Session } from '../../schemas/access/session.ts';

/** Sessions and login links in memory. */
export class FakeSessions implements Sessions {
  readonly sessions = new Map<string, Session>();
  readonly links = new Map<string, Session>();
  /** How many times activity was stored. */
  touches = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async begin(hash: string, session: Session): Promise<void> {
    this.sessions.set(hash, session);
  }

  async find(hash: string): Promise<Session | undefined> {
    const found = this.sessions.get(hash);
    return found !== undefined && isUsable(found, this.#clock.now()) ? found : undefined;
  }

  async touch(hash: string, session: Session): Promise<void> {
    this.touches += 1;
    if (this.sessions.has(hash)) this.sessions.set(hash, { ...session, last_active: this.#clock.now() });
  }

  async end(hash: string): Promise<void> {
    this.sessions.delete(hash);
  }

  async endAll(name: string): Promise<void> {
    for (const [hash, session] of this.sessions) if (session.name === name) this.sessions.delete(hash);
  }

  async offerLink(hash: string, link: Session): Promise<void> {
    this.links.set(hash, link);
  }

  async useLink(hash: string): Promise<Session | undefined> {
    const link = this.links.get(hash);
    this.links.delete(hash);
    return link;
  }
}
