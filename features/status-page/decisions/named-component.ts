import type { PublicComponent } from '../types.ts';

/** A component by what the catalogue calls it, or why no single one is meant. */
export type NamedComponent = { kind: 'one'; id: string } | { kind: 'none' | 'several'; problem: string };

const pathOf = ({ group, name }: PublicComponent): string => (group === null ? name : `${group}/${name}`);

/** Finds a component by its ID, its name, or `Group/Name`. A name that two components have means none of them. */
export function namedComponent(components: readonly PublicComponent[], called: string): NamedComponent {
  const byId = components.find(({ id }) => id === called);
  if (byId !== undefined) return { kind: 'one', id: byId.id };
  const [one, ...others] = components.filter((component) => component.name === called || pathOf(component) === called);
  if (one === undefined) return { kind: 'none', problem: `the status page has no component ${JSON.stringify(called)}` };
  if (others.length === 0) return { kind: 'one', id: one.id };
  const candidates = [one, ...others].map((component) => `${pathOf(component)} (ID ${component.id})`);
  return {
    kind: 'several',
    problem: `the status page has several components ${JSON.stringify(called)}, so none is set: write Group/Name or the ID in statusPage.components, of ${candidates.join(', ')}`,
  };
}
