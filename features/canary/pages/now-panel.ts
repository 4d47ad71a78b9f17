import { html } from 'hono/html';
import { canaryPath } from '../../../core/domain/incidents/console-link.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Viewer } from '../../../entrances/http/context.ts';
import type { ConsoleDeps, NowPart } from '../../../entrances/console/pages/page.ts';
import { ago, panel, shareBar, shortList } from '../../../entrances/console/parts.ts';
import { withPorts } from '../ports.ts';
import { CANARIES_PATH, canaryBadge } from './canaries.ts';

/** Shows the canaries in progress. */
export async function nowPanel(deps: ConsoleDeps, { may }: Viewer, at: Timestamp): Promise<NowPart> {
  if (!may('canaries:read', {})) return '';
  const running = await withPorts(deps).canaries.running();
  const canaries = running.filter((canary) => may('canaries:read', canary));
  if (canaries.length === 0) return { quiet: 'canary' };
  const body = shortList(
    canaries,
    ({ id, service, environment, version, status, weight, reason, started_at }) =>
      html`<p>
          <span class="place">${service} ${environment}</span>
          <a href="${canaryPath(id)}"><strong class="version">${version}</strong></a>
          ${canaryBadge(status)}
        </p>
        <p>${shareBar(weight / 100, 'traffic')} of the traffic</p>
        <p class="quiet">${reason} · started ${ago(started_at, at)}</p>`,
  );
  return panel(
    'canaries',
    'Canaries',
    canaries.length,
    html`${body}
      <p class="more"><a href="${CANARIES_PATH}">All canaries</a></p>`,
  );
}
