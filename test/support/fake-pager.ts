import type { PageReference, PagerIncidents } from '../../core/domain/paging/pagerduty/page-reference.ts';

/** The in-memory version of core/stores/messages/pager-incidents.ts. */
export class FakePagerIncidents implements PagerIncidents {
  readonly #known = new Map<string, PageReference[]>();

  async remember(external: string, page: PageReference): Promise<void> {
    const known = await this.find(external);
    const isKnown = known.some((one) => one.incidentId === page.incidentId && one.number === page.number);
    if (!isKnown) this.#known.set(external, [...known, page]);
  }

  async find(external: string): Promise<PageReference[]> {
    return this.#known.get(external) ?? [];
  }
}
