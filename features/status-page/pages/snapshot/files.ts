import { monthsWithHistory, readPages, type StatusDeps } from '../../actions/read-page.ts';
import type { Deps } from '../../ports.ts';
import { eventPath, type PageSettings } from '../../decisions/pages.ts';
import type { SnapshotFile } from '../../decisions/snapshot.ts';
import type { EventView } from '../../decisions/view.ts';
import { MAIN_PAGE } from '../../schemas/status-page-file.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { cachedReader } from '../cached-reader.ts';
import { monthPath, relativeLinks, TOP_LINKS } from '../links.ts';
import { eventPage, type Frame, missingPage, monthPage } from '../pages.ts';
import {
  API_PATHS,
  BESIDE_ENDINGS,
  besideResource,
  homeResource,
  HTML,
  insideResource,
  type Resource,
  statusReader,
} from '../resources.ts';

type SnapshotDeps = Omit<StatusDeps, 'clock'> & Pick<Deps, 'publicUrl'>;

/**
 * Returns the files of all public status pages at one time. The main page is at the top, each other page in the folder
 * of its name, with the same files.
 */
export async function snapshotFiles(deps: SnapshotDeps, at: Timestamp): Promise<SnapshotFile[]> {
  const clock = { now: () => at };
  const reader = cachedReader(statusReader({ ...deps, clock }), clock);
  const files: SnapshotFile[] = [];
  for (const page of (await readPages({ ...deps, clock })).values()) {
    const folder = page.name === MAIN_PAGE ? '' : `${page.name}/`;
    const add = (path: string, { type, body }: Resource) => files.push({ path: `${folder}${path}`, type, body });
    const optionsAt = (path: string) => ({ reader, frame: frameOf(page, path, at), publicUrl: deps.publicUrl });
    for (const ending of BESIDE_ENDINGS) {
      const path = `status.${ending}`;
      add(path, required(await besideResource(optionsAt(path), ending), path));
    }
    for (const path of API_PATHS) add(path, required(await insideResource(optionsAt(path), path), path));

    const { incidents, maintenances, past } = await reader.page(page);
    const events = new Map<string, EventView>(
      [...incidents, ...maintenances, ...past].map((event) => [event.id, event]),
    );
    for (const month of monthsWithHistory(at)) {
      const view = required(await reader.month(page, month), month);
      for (const event of view.events) events.set(event.id, event);
      const path = monthPath(month);
      const frame = frameOf(page, path, month === at.slice(0, 7) ? at : null);
      add(path, { type: HTML, body: String(await monthPage(frame, view)) });
    }
    for (const event of events.values()) {
      const path = eventPath(event);
      const frame = frameOf(page, path, isOver(event) ? null : at);
      add(path, { type: HTML, body: String(await eventPage(frame, event)) });
    }
    if (page.name === MAIN_PAGE) {
      const frame: Frame = { page, links: TOP_LINKS, snapshot: { at: null } };
      add('404.html', { type: HTML, body: String(await missingPage(frame, 'There is nothing at this address')) });
    }
    add('index.html', await homeResource(optionsAt('index.html')));
  }
  return files;
}

const frameOf = (page: PageSettings, path: string, at: Timestamp | null): Frame => ({
  page,
  links: relativeLinks(path),
  snapshot: { at },
});

const isOver = ({ status }: EventView): boolean => status === 'resolved' || status === 'completed';

function required<T>(found: T | undefined, name: string): T {
  if (found === undefined) throw new Error(`the status page has no ${name}`);
  return found;
}
