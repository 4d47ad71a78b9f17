import { html } from 'hono/html';
import { inConfiguredSpelling } from '../../../core/domain/catalogue/known-names.ts';
import { canaryPath } from '../../../core/domain/incidents/console-link.ts';
import type { Canary, CanaryStatus } from '../canary.ts';
import { withPorts } from '../ports.ts';
import { ServiceName } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import {
  ago,
  type Cells,
  type Html,
  nothing,
  olderLink,
  panel,
  servicePath,
  shareBar,
  tableOf,
} from '../../../entrances/console/parts.ts';
import type { ConsolePage } from '../../../entrances/console/pages/page.ts';

export const CANARIES_PATH = '/console/canaries';

const CANARIES_SHOWN = 30;

/** Canaries, newest first. */
export const canariesPage: ConsolePage = {
  path: CANARIES_PATH,
  label: 'Canaries',
  section: 'Deploys',
  action: 'canaries:read',
  everySeconds: 10,
  async show(deps, { viewer: { may }, query }) {
    const from = query.get('from') || undefined;
    const named = { service: ServiceName.safeParse(query.get('service')).data };
    const { service } = inConfiguredSpelling(await deps.config.current(), named);
    const { items, next_cursor: older } = await withPorts(deps).canaries.list({
      limit: CANARIES_SHOWN,
      ...(from !== undefined && { cursor: from }),
      ...(service !== undefined && { service }),
    });
    const visible = items.filter((canary) => may('canaries:read', canary));
    const main = canariesMain({ at: deps.clock.now(), items: visible, service: service ?? null, older });
    return { title: 'Canaries', main };
  },
};

type CanariesData = { at: Timestamp; items: readonly Canary[]; service: string | null; older: string | null };

const canariesMain = ({ at, items, service, older }: CanariesData): Html => html`
  <h1 class="page-title">Canaries${service === null ? '' : ` of ${service}`}</h1>
  ${panel(
    'canaries',
    'Newest first',
    null,
    html`${
      items.length === 0
        ? nothing(html`No canary is recorded. Start one with <code>firebreak canary start</code>.`)
        : tableOf(
            'Canaries',
            ['Version', 'Service', 'State', 'Traffic', 'Started', 'Why'],
            items.map((canary): Cells => [
              html`<a href="${canaryPath(canary.id)}"><span class="version">${canary.version}</span></a>`,
              html`<a href="${servicePath(canary.service)}">${canary.service}</a> ${canary.environment}`,
              canaryBadge(canary.status),
              shareBar(canary.weight / 100, 'traffic'),
              ago(canary.started_at, at),
              canary.reason,
            ]),
          )
    }
    ${older === null ? '' : olderLink(CANARIES_PATH, { ...(service !== null && { service }), from: older })}`,
  )}
`;

const BADGES: Readonly<Record<CanaryStatus, string>> = {
  progressing: '',
  held: 'warning',
  aborting: 'critical',
  promoted: '',
  aborted: 'critical',
  superseded: '',
  failed: 'critical',
};

export const canaryBadge = (status: CanaryStatus): Html => html`<span class="badge ${BADGES[status]}">${status}</span>`;
