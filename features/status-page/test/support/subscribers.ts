import type { LinkPurpose } from '../../decisions/subscriptions/links.ts';
import type { Subscribers } from '../../types.ts';
import type { Subscriber } from '../../schemas/subscriber.ts';
import { at } from './public-incidents.ts';

/** In-memory subscriptions with readable codes. */
export class MemorySubscribers implements Pick<Subscribers, 'read' | 'of' | 'write' | 'codeOf' | 'secretOf'> {
  readonly all = new Map<string, Subscriber>();

  constructor(...subscribers: readonly Subscriber[]) {
    for (const one of subscribers) this.all.set(`${one.page} ${one.id}`, one);
  }

  async read(page: string, id: string): Promise<Subscriber | undefined> {
    return this.all.get(`${page} ${id}`);
  }

  async of(page: string): Promise<Subscriber[]> {
    return [...this.all.values()].filter((one) => one.page === page);
  }

  async write(subscriber: Subscriber): Promise<boolean> {
    const key = `${subscriber.page} ${subscriber.id}`;
    if ((this.all.get(key)?.rev ?? 0) !== subscriber.rev) return false;
    this.all.set(key, { ...subscriber, rev: subscriber.rev + 1 });
    return true;
  }

  codeOf({ id }: Pick<Subscriber, 'id'>, purpose: LinkPurpose): string {
    return `code-${purpose}-${id}`;
  }

  secretOf({ id }: Pick<Subscriber, 'id'>): string {
    return `secret-${id}`;
  }
}

/** Returns a confirmed subscription to all components of the page `main`. */
export const subscriber = (more: Partial<Subscriber> = {}): Subscriber => ({
  id: 'a'.repeat(32),
  page: 'main',
  channel: 'email',
  to: 'ada@acme.example',
  components: null,
  state: 'confirmed',
  key: 'key',
  created_at: at('2026-11-01T00:00:00Z'),
  confirmed_at: at('2026-11-01T00:00:00Z'),
  requested: 1,
  requested_at: at('2026-11-20T12:00:00Z'),
  answered: 1,
  refusals: 0,
  delete_at: null,
  rev: 1,
  ...more,
});
