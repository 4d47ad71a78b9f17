import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';
import { namedComponent } from '../decisions/named-component.ts';
import type { Deps } from '../ports.ts';

/** Reads the hosted page, and checks that each component in the catalogue is one of its components. */
export async function checkComponents({
  config,
  statusPage,
}: Pick<Deps, 'config' | 'statusPage'>): Promise<VendorResponse<null>> {
  const [{ services }, response] = await Promise.all([config.current(), statusPage.components()]);
  if (response.kind !== 'done') return response;
  const names = new Set(Object.values(services).flatMap((service) => service.statusPage?.components ?? []));
  const problems = [...names].flatMap((name) => {
    const found = namedComponent(response.value, name);
    return found.kind === 'one' ? [] : [found.problem];
  });
  if (problems.length === 0) return { kind: 'done', value: null };
  return { kind: 'refused', code: 'unknown_components', detail: problems.join('; ') };
}
