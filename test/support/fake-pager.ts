import type { PageReference, PagerIncidents } from '../../core/paging/decisions/pagerduty/page-reference.ts';

/** The in-memory version of core/messages/stores/pager-incidents.ts. */
export class FakePagerIncidents implements PagerIncidents {
  readonly #known = new Map<string, PageReference>();

  async remember(external: string, page: PageReference): Promise<void> {
    if (!this.#known.has(external)) this.#known.set(external, { ...page });
  }

  async find(external: string): Promise<PageReference | undefined> {
    return this.#known.get(external);
  }
}
