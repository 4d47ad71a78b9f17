import type { Blobs, Clock, Page, Quarantine, Quarantined } from '../../domain/ports.ts';
import { Timestamp } from '../../schemas/time.ts';
import { sha256 } from '../hash.ts';
import { actWrite } from './act-entries.ts';
import { keys } from './keys.ts';
import { pageOfFew } from './small-list.ts';
import type { Item, Table } from './table.ts';

/** Bodies that could not be read, whole, in blobs; each once, with a count, since a refused group comes again and again. */
export class QuarantineTable implements Quarantine {
  readonly #table: Table;
  readonly #blobs: Blobs;
  readonly #clock: Clock;

  constructor(table: Table, blobs: Blobs, clock: Clock) {
    this.#table = table;
    this.#blobs = blobs;
    this.#clock = clock;
  }

  async keep(input: Parameters<Quarantine['keep']>[0]): Promise<string> {
    const id = `q_${sha256(Buffer.concat([Buffer.from(`${input.source} ${input.receiver}\n`), input.body])).slice(0, 32)}`;
    await this.#blobs.put(blobKey(id), input.body, 'application/octet-stream'); // its own type may be no legal one
    const at = this.#clock.now();
    await this.#table.touch(keys.quarantine(id), {
      UpdateExpression:
        'SET #source = :source, receiver = :receiver, #status = :status, detail = :detail, content_type = :type, #bytes = :bytes, last_seen_at = :at, first_seen_at = if_not_exists(first_seen_at, :at), replayed_at = :none ADD #count :one',
      ExpressionAttributeNames: { '#source': 'source', '#status': 'status', '#bytes': 'bytes', '#count': 'count' },
      ExpressionAttributeValues: {
        ':source': input.source,
        ':receiver': input.receiver,
        ':status': input.status,
        ':detail': input.detail.slice(0, 2000).toWellFormed(), // may cite half a character
        ':type': input.contentType.slice(0, 200),
        ':bytes': input.body.byteLength,
        ':at': at,
        ':none': null,
        ':one': 1,
      },
    });
    return id;
  }

  async get(id: string): Promise<(Quarantined & { receiver: string; body: Uint8Array }) | undefined> {
    const item = await this.#table.get(keys.quarantine(id));
    const body = item && (await this.#blobs.get(blobKey(id)));
    return item && body ? { ...shown(item), receiver: String(item['receiver']), body } : undefined;
  }

  async list(query: { limit: number; cursor?: string }): Promise<Page<Quarantined>> {
    const all: Quarantined[] = [];
    for await (const item of this.#table.each('QUARANTINE')) all.push(shown(item));
    return pageOfFew(all, ({ first_seen_at, id }) => `${first_seen_at} ${id}`, query);
  }

  async replayed(id: string, by: string): Promise<void> {
    const at = this.#clock.now();
    await this.#table.transact([
      this.#table.update(keys.quarantine(id), {
        UpdateExpression: 'SET replayed_at = :at',
        ExpressionAttributeValues: { ':at': at },
      }),
      actWrite(this.#table, {
        id: `${id}:replayed:${at}`,
        at,
        actor: by,
        kind: 'quarantine.replayed',
        subject: id,
        text: 'Replayed an input that could not be read before',
        detail: {},
      }),
    ]);
  }

  async count(): Promise<number> {
    let count = 0;
    for await (const item of this.#table.each('QUARANTINE')) count += item['replayed_at'] === null ? 1 : 0;
    return count;
  }
}

const blobKey = (id: string): string => `quarantine/${id}`;

const shown = (item: Item): Quarantined => ({
  id: String(item['sk']),
  source: String(item['source']),
  status: Number(item['status']),
  detail: String(item['detail']),
  content_type: String(item['content_type']),
  bytes: Number(item['bytes']),
  count: Number(item['count']),
  first_seen_at: Timestamp.parse(item['first_seen_at']),
  last_seen_at: Timestamp.parse(item['last_seen_at']),
  replayed_at: typeof item['replayed_at'] === 'string' ? Timestamp.parse(item['replayed_at']) : null,
});
