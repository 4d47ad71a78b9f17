import type { AuditEntry } from '../../domain/ports/audit.ts';
import { isUsable } from '../../domain/access/sessions.ts';
import type { Sessions } from '../../domain/ports/access.ts';
import type { Clock, Secrets } from '../../domain/ports/system.ts';
import { Session } from '../../../schemas/access/session.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { auditWrite } from '../audit/audit-writes.ts';
import { type Key, keys } from '../../stores/keys.ts';
import { collect, type Table } from '../../stores/table.ts';
import { present, put, remove, type Write } from '../../../platforms/store.ts';
import { RecordMacs } from './record-macs.ts';

/** Part of the hash that identifies a session in the audit log. */
const SHOWN_CHARS = 16;

/**
 * Stores sessions and login links. Each record has a message authentication code, so that write access to the table is
 * not enough to sign in. A replaced admin token ends all sessions: the code of the previous token does not count.
 */
export class SessionTable implements Sessions {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #macs: RecordMacs;
  readonly #linkMacs: RecordMacs;

  constructor(table: Table, clock: Clock, secrets: Secrets) {
    this.#table = table;
    this.#clock = clock;
    this.#macs = new RecordMacs(secrets, 'firebreak session records v1');
    this.#linkMacs = new RecordMacs(secrets, 'firebreak login links v1');
  }

  async begin(hash: string, session: Session): Promise<void> {
    const item = await this.#item(session, hash, this.#macs);
    const { expires_at } = item;
    await this.#table.transact([
      put({ ...keys.session(hash), ...item }),
      put({ ...keys.sessionOf(session.name, hash), expires_at }),
      this.#entryWrite(hash, session.name, 'began', 'Signed in to the console', { until: session.until }),
    ]);
  }

  /** Never cached, so that a session that has ended is refused at once. */
  async find(hash: string): Promise<Session | undefined> {
    const session = await this.#read(keys.session(hash), hash, this.#macs);
    return session !== undefined && isUsable(session, this.#clock.now()) ? session : undefined;
  }

  async touch(hash: string, session: Session): Promise<void> {
    const last_active = this.#clock.now();
    // No transaction, because a browser that opens several pages at once would make them conflict.
    await this.#table.update(
      keys.session(hash),
      { set: { last_active, mac: await this.#macs.of({ ...session, last_active }, hash) } },
      { condition: present },
    );
  }

  async end(hash: string): Promise<void> {
    const session = await this.find(hash);
    if (session !== undefined) await this.#remove(session.name, [hash], 'Signed out of the console');
  }

  async endAll(name: string): Promise<void> {
    const all = await collect(this.#table.each(keys.sessionsOf(name).pk), ({ sk }) => String(sk));
    await this.#remove(name, all, 'Signed out of the console everywhere');
  }

  async offerLink(hash: string, link: Session): Promise<void> {
    const item = await this.#item(link, hash, this.#linkMacs);
    await this.#table.transact([put({ ...keys.loginLink(hash), ...item })]);
  }

  async useLink(hash: string): Promise<Session | undefined> {
    const link = await this.#read(keys.loginLink(hash), hash, this.#linkMacs);
    if (link === undefined) return undefined;
    const { ok } = await this.#table.transact([remove(keys.loginLink(hash), present)]);
    return ok ? link : undefined;
  }

  async #item(session: Session, hash: string, macs: RecordMacs) {
    const expires_at = Math.ceil(millisOf(session.until) / 1000);
    return { ...session, mac: await macs.of(session, hash), expires_at };
  }

  async #read(key: Key, hash: string, macs: RecordMacs): Promise<Session | undefined> {
    const item = await this.#table.get(key);
    const { data: session } = Session.safeParse(item);
    if (session === undefined || session.until <= this.#clock.now()) return undefined;
    return (await macs.check(session, hash, item?.['mac'])) === 'current' ? session : undefined;
  }

  /** Each session is its own transaction, so that any number can end. An entry is written only by the one that ends it. */
  async #remove(name: string, hashes: readonly string[], text: string): Promise<void> {
    for (const hash of hashes)
      await this.#table.transact([
        remove(keys.session(hash), present),
        remove(keys.sessionOf(name, hash)),
        this.#entryWrite(hash, name, 'ended', text, {}),
      ]);
  }

  /** Records it in the audit log, without anything from which a session could be taken over. */
  #entryWrite(hash: string, name: string, what: 'began' | 'ended', text: string, detail: AuditEntry['detail']): Write {
    const session = hash.slice(0, SHOWN_CHARS);
    return auditWrite({
      id: `session:${session}:${what}`,
      at: this.#clock.now(),
      actor: name,
      kind: `session.${what}`,
      subject: name,
      text,
      detail: { session, ...detail },
    });
  }
}
