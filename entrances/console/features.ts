import { FEATURES } from '../../features/index.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { Viewer } from '../http/context.ts';
import type { ConsoleDeps, ConsolePage, ConsoleParts, DeliverySelection, NowPart } from './pages/page.ts';
import type { Html } from './parts.ts';

const PARTS = await Promise.all(
  FEATURES.flatMap(({ console: load, isConfigured }) =>
    load === undefined ? [] : [load().then((parts) => ({ ...parts, isConfigured }))],
  ),
);

/** Returns the pages of the core with those of features, in the order of the navigation. */
export function withFeaturePages(core: readonly ConsolePage[]): ConsolePage[] {
  const all = [...core];
  const followsCore = ({ after }: ConsoleParts): number => Number(core.some(({ path }) => path === after));
  // Pages of features can follow those of other features, which therefore come first.
  for (const { after, pages } of PARTS.toSorted((a, b) => followsCore(b) - followsCore(a))) {
    const before = all.findIndex(({ path }) => path === after);
    all.splice(before === -1 ? all.length : before + 1, 0, ...pages);
  }
  return all;
}

/** The files of features that viewers download. */
export const FEATURE_DOWNLOADS = PARTS.flatMap(({ downloads = [] }) => downloads);

async function partsInUse({ config }: Pick<ConsoleDeps, 'config'>): Promise<typeof PARTS> {
  const current = await config.current();
  return PARTS.filter(({ isConfigured }) => isConfigured(current));
}

/** Returns what the features that the configuration uses show on the first page; `below`: below everything else. */
export async function nowParts(
  deps: ConsoleDeps,
  viewer: Viewer,
  at: Timestamp,
): Promise<{ above: NowPart[]; below: NowPart[] }> {
  const parts = await partsInUse(deps);
  const [above, below] = await Promise.all([
    Promise.all(parts.map(async ({ nowPanel }) => (await nowPanel?.(deps, viewer, at)) ?? '')),
    Promise.all(parts.map(async ({ nowPanelBelow }) => (await nowPanelBelow?.(deps, viewer, at)) ?? '')),
  ]);
  return { above, below };
}

/** Returns what the features that the configuration uses show on the page of a service. */
export async function servicePanels(
  deps: ConsoleDeps,
  viewer: Viewer,
  service: Parameters<NonNullable<ConsoleParts['servicePanel']>>[2],
): Promise<(Html | '')[]> {
  return Promise.all(
    (await partsInUse(deps)).map(async ({ servicePanel }) => (await servicePanel?.(deps, viewer, service)) ?? ''),
  );
}

/** Returns what the features that the configuration uses show on the page of an incident. */
export async function incidentPanels(
  deps: ConsoleDeps,
  viewer: Viewer,
  incident: IncidentRecord,
  at: Timestamp,
): Promise<(Html | '')[]> {
  return Promise.all(
    (await partsInUse(deps)).map(
      async ({ incidentPanel }) => (await incidentPanel?.(deps, viewer, incident, at)) ?? '',
    ),
  );
}

/** Returns what the features that the configuration uses show in the inbox. */
export async function inboxPanels(deps: ConsoleDeps, viewer: Viewer, at: Timestamp): Promise<(Html | '')[]> {
  return Promise.all(
    (await partsInUse(deps)).map(async ({ inboxPanel }) => (await inboxPanel?.(deps, viewer, at)) ?? ''),
  );
}

/** Returns what the features that the configuration uses show beside the figures of deploys. */
export async function deliveryParts(
  deps: ConsoleDeps,
  viewer: Viewer,
  selection: DeliverySelection,
): Promise<{ links: Html[]; panels: (Html | '')[] }> {
  const parts = (await partsInUse(deps)).flatMap(({ delivery }) => delivery ?? []);
  return {
    links: parts.map(({ link }) => link),
    panels: await Promise.all(parts.map(({ panel }) => panel(deps, viewer, selection))),
  };
}
