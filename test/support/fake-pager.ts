import type { PageOf, PagerIncidents } from '../../domain/pagerduty/ours.ts';

/** The in-memory version of aws/table/messages/pager-incidents.ts. */
export class FakePagerIncidents implements PagerIncidents {
  readonly #known = new Map<string, PageOf>();

  async remember(external: string, page: PageOf): Promise<void> {
    if (!this.#known.has(external)) this.#known.set(external, { ...page });
  }

  async find(external: string): Promise<PageOf | undefined> {
    return this.#known.get(external);
  }
}
