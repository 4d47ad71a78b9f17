import type { Quarantine, Quarantined } from '../../domain/ports/alerts.ts';
import type { Page } from '../../domain/ports/common.ts';
import type { Blobs, Clock } from '../../domain/ports/system.ts';
import {
  isFromQueue,
  QUARANTINE_DAILY_QUOTA,
  QUARANTINE_DAILY_SENDER_QUOTA,
  QuarantineFull,
  type Quota,
} from '../../domain/alerts/quarantine.ts';
import { millisOf, Timestamp } from '../../../schemas/time/time.ts';
import { sha256 } from '../../stores/hash.ts';
import { auditWrite } from '../audit/audit-writes.ts';
import { keys } from '../../stores/keys.ts';
import { expiresAfter, RETENTION_DAYS } from '../../stores/retention.ts';
import { pageOfFew } from '../../stores/small-list.ts';
import type { Table } from '../../stores/table.ts';
import {
  absent,
  allOf,
  anyOf,
  atMost,
  below,
  type Condition,
  equals,
  type Item,
  update,
} from '../../../platforms/store.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

type Input = Parameters<Quarantine['keep']>[0];

/**
 * Stores unreadable bodies as blobs, each once with a count, since a refused group is sent repeatedly. Counts the
 * inputs of each day, in total and for each sender, in the same transactions: quotas are checked without reading
 * entries, and one sender cannot use the space of others.
 */
export class QuarantineTable implements Quarantine {
  readonly #table: Table;
  readonly #blobs: Blobs;
  readonly #clock: Clock;
  readonly #quotas: { day: Quota; sender: Quota };

  constructor(
    table: Table,
    blobs: Blobs,
    clock: Clock,
    quotas = { day: QUARANTINE_DAILY_QUOTA, sender: QUARANTINE_DAILY_SENDER_QUOTA },
  ) {
    this.#table = table;
    this.#blobs = blobs;
    this.#clock = clock;
    this.#quotas = quotas;
  }

  async keep(input: Input): Promise<string> {
    const id = `q_${sha256(Buffer.concat([Buffer.from(`${input.source} ${input.receiver}\n`), input.body])).slice(0, 32)}`;
    for (;;) {
      const at = this.#clock.now();
      const known = await this.#table.get(keys.quarantine(id));
      const isStored = known !== undefined && !isExpired(known, at);
      if (isStored ? await this.#recordRepeat(id, known, input, at) : await this.#recordFirst(id, input, at)) return id;
    }
  }

  /** @returns false if another process has replayed or stored it in the meantime */
  async #recordRepeat(id: string, known: Item, input: Input, at: Timestamp): Promise<boolean> {
    const reopens = known['replayed_at'] !== null;
    const writes = [
      update(
        keys.quarantine(id),
        {
          set: {
            status: input.status,
            detail: truncated(input.detail, DETAIL_MAX_CHARS),
            last_seen_at: at,
            replayed_at: null,
          },
          add: { count: 1 },
        },
        equals('replayed_at', known['replayed_at'] ?? null),
      ),
      ...(reopens ? this.#countOpen(known, 1) : []),
    ];
    return (await this.#table.transact(writes)).ok;
  }

  /**
   * @returns false if another process has stored it in the meantime
   * @throws QuarantineFull
   */
  async #recordFirst(id: string, input: Input, at: Timestamp): Promise<boolean> {
    const { sender, source, body } = input;
    const day = at.slice(0, 10);
    const expires = expiresAfter(at, RETENTION_DAYS.quarantine);
    // Without a sender, the data is Firebreak's own and has no quota.
    const counts: { key: ReturnType<typeof keys.quarantine>; quota: Quota | null }[] = [
      { key: keys.quarantineDay(day), quota: sender === null ? null : this.#quotas.day },
      ...(sender === null ? [] : [{ key: keys.quarantineDay(day, sender), quota: this.#quotas.sender }]),
    ];
    // Single reads: the Slack function's permissions allow GetItem only.
    const before = await Promise.all(counts.map(async ({ key }) => this.#table.get(key)));
    // Checked before the body is written, so that refused input takes no space; the transaction decides.
    if (counts.some(({ quota }, index) => quota !== null && isFull(before[index], quota, body.byteLength)))
      throw new QuarantineFull(source, sender);
    await this.#blobs.put(blobKey(id), body, 'application/octet-stream'); // the declared type may be invalid
    const done = await this.#table.transact([
      update(
        keys.quarantine(id),
        {
          set: {
            source,
            receiver: input.receiver,
            status: input.status,
            detail: truncated(input.detail, DETAIL_MAX_CHARS),
            content_type: input.contentType.slice(0, 200),
            bytes: body.byteLength,
            sender,
            last_seen_at: at,
            first_seen_at: at,
            replayed_at: null,
            count: 1,
            day,
            expires_at: expires.expires_at,
          },
        },
        anyOf(absent, atMost('expires_at', secondsOf(at))),
      ),
      ...counts.map(({ key, quota }) =>
        update(
          key,
          {
            add: { entries: 1, bytes: body.byteLength, open: 1 },
            // Expires with the last of its entries.
            set: { expires_at: expires.expires_at + 24 * 3600 },
          },
          quota === null
            ? undefined
            : anyOf(absent, allOf(below('entries', quota.entries), atMost('bytes', quota.bytes - body.byteLength))),
        ),
      ),
    ]);
    if (done.ok) return true;
    if (done.failed.includes(0)) return false;
    throw new QuarantineFull(source, sender);
  }

  async get(id: string): ReturnType<Quarantine['get']> {
    const item = await this.#table.get(keys.quarantine(id));
    if (item === undefined || isExpired(item, this.#clock.now())) return undefined;
    const body = await this.#blobs.get(blobKey(id));
    const sender = typeof item['sender'] === 'string' ? item['sender'] : null;
    return body && { ...viewOf(item), sender, receiver: String(item['receiver']), body };
  }

  async list(query: { limit: number; cursor?: string }): Promise<Page<Quarantined>> {
    const all: Quarantined[] = [];
    const now = this.#clock.now();
    for await (const item of this.#table.each('QUARANTINE', { prefix: 'q_' }))
      if (!isExpired(item, now)) all.push(viewOf(item));
    return pageOfFew(all, ({ first_seen_at, id }) => `${first_seen_at} ${id}`, query);
  }

  async replayed(id: string, by: string): Promise<void> {
    const at = this.#clock.now();
    const item = await this.#table.get(keys.quarantine(id));
    const entry = (condition?: Condition) => update(keys.quarantine(id), { set: { replayed_at: at } }, condition);
    const act = auditWrite({
      id: `${id}:replayed:${at}`,
      at,
      actor: by,
      kind: 'quarantine.replayed',
      subject: id,
      text: 'Replayed a quarantined input',
      detail: {},
    });
    const closed =
      item === undefined || item['replayed_at'] !== null
        ? undefined
        : await this.#table.transact([entry(equals('replayed_at', null)), ...this.#countOpen(item, -1), act]);
    // Already replayed: it is no longer counted.
    if (closed?.ok !== true) await this.#table.transact([entry(), act]);
  }

  async count(): Promise<number> {
    let count = 0;
    const now = this.#clock.now();
    for await (const item of this.#table.each('QUARANTINE', { prefix: 'day#' }))
      if (!isExpired(item, now)) count += Number(item['open'] ?? 0);
    return count;
  }

  /** Changes the number of entries that were not replayed. Entries of earlier versions have no day and are not counted. */
  #countOpen({ day }: Item, by: 1 | -1) {
    if (typeof day !== 'string') return [];
    return [update(keys.quarantineDay(day), { add: { open: by } })];
  }
}

const blobKey = (id: string): string => `quarantine/${id}`;

/** Maximum length of a detail, in UTF-16 code units. */
const DETAIL_MAX_CHARS = 2000;

const secondsOf = (at: Timestamp): number => Math.floor(millisOf(at) / 1000);

/** DynamoDB deletes expired items up to days later. */
const isExpired = ({ expires_at }: Item, now: Timestamp): boolean =>
  typeof expires_at === 'number' && expires_at <= secondsOf(now);

const isFull = (item: Item | undefined, { entries, bytes }: Quota, more: number): boolean =>
  item !== undefined && (Number(item['entries']) >= entries || Number(item['bytes']) + more > bytes);

const viewOf = (item: Item): Quarantined => ({
  id: String(item['sk']),
  source: String(item['source']),
  status: isFromQueue(String(item['source'])) || item['status'] === null ? null : Number(item['status']),
  detail: String(item['detail']),
  content_type: String(item['content_type']),
  bytes: Number(item['bytes']),
  count: Number(item['count']),
  first_seen_at: Timestamp.parse(item['first_seen_at']),
  last_seen_at: Timestamp.parse(item['last_seen_at']),
  replayed_at: typeof item['replayed_at'] === 'string' ? Timestamp.parse(item['replayed_at']) : null,
});
