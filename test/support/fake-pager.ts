import type { PageReference, PagerIncidents } from '../../core/domain/paging/pagerduty/page-reference.ts';

/** The in-memory version of core/stores/messages/pager-incidents.ts. */
export class FakePagerIncidents implements PagerIncidents {
  readonly #known = new Map<string, PageReference>();

  async remember(external: string, page: PageReference): Promise<void> {
    if (!this.#known.has(external)) this.#known.set(external, { ...page });
  }

  async find(external: string): Promise<PageReference | undefined> {
    return this.#known.get(external);
  }
}
