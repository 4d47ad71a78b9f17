import * as z from 'zod';
import type { PlannedMaintenance, PublicUpdate, StatusPage } from '../../types.ts';
import { withoutValue } from '../../../../vendors/shared/client.ts';
import { truncate } from '../../../../vendors/shared/text.ts';
import { statuspageClient, type StatuspageOptions } from './client.ts';
import { BODY_MAX_CHARS, COMPONENT_PAGES, NAME_MAX_CHARS, PAGE_ITEMS } from './limits.ts';

/** Firebreak's metadata. Statuspage requires top-level values to be objects. */
const FirebreakMetadata = z.object({ firebreak: z.object({ key: z.string(), change: z.string().optional() }) });
const Incident = z.object({ id: z.string(), status: z.string(), metadata: z.unknown() });
const Component = z.object({
  id: z.string(),
  name: z.string(),
  status: z.string(),
  /** Whether it is a group of other components. */
  group: z.boolean().nullish(),
  /** The group that contains it. */
  group_id: z.string().nullish(),
});
const Ignored = z.unknown();
/**
 * Creates a client for Atlassian Statuspage. Never repeats a call, because every create and update sends an email to
 * subscribers.
 */
export function statuspage(options: StatuspageOptions): StatusPage {
  const client = statuspageClient(options);
  const request = <T>(method: 'GET' | 'POST' | 'PATCH', path: string, schema: z.ZodType<T>, body?: object) =>
    client({ method, path: `/${path}`, schema, ...(body && { body }) });
  const incidents = (path: string) => request('GET', path, z.array(Incident));

  return {
    async components() {
      const all: z.infer<typeof Component>[] = [];
      for (let page = 1; page <= COMPONENT_PAGES; page += 1) {
        const next = page === 1 ? '' : `&page=${page}`;
        const response = await request('GET', `components?per_page=${PAGE_ITEMS}${next}`, z.array(Component));
        if (response.kind !== 'done') return response;
        all.push(...response.value);
        if (response.value.length < PAGE_ITEMS) break;
      }
      const nameById = new Map(all.map(({ id, name }) => [id, name]));
      const single = all.filter(({ group }) => group !== true);
      const groupOf = (id: string | null | undefined): string | null => (id && nameById.get(id)) ?? null;
      return {
        kind: 'done',
        value: single.map(({ id, name, status, group_id }) => ({ id, name, group: groupOf(group_id), status })),
      };
    },
    async setComponent(id, status) {
      return withoutValue(
        await request('PATCH', `components/${encodeURIComponent(id)}`, Ignored, { component: { status } }),
      );
    },
    async findIncident(key) {
      for (const path of ['incidents/unresolved', `incidents?limit=${PAGE_ITEMS}`]) {
        const response = await incidents(path);
        if (response.kind !== 'done') return response;
        const existing = response.value.find(({ metadata }) => keyOf(metadata) === key);
        if (existing) return { kind: 'done', value: { id: existing.id, status: existing.status } };
      }
      return { kind: 'done', value: null };
    },
    createIncident: ({ key, name, ...update }) =>
      request('POST', 'incidents', z.object({ id: z.string() }), {
        incident: {
          name: truncate(name, NAME_MAX_CHARS),
          ...fields(update),
          component_ids: Object.keys(update.components),
          deliver_notifications: true,
          metadata: { firebreak: { key } },
        },
      }),
    async updateIncident(id, update) {
      return withoutValue(
        await request('PATCH', `incidents/${encodeURIComponent(id)}`, Ignored, { incident: fields(update) }),
      );
    },
    async findMaintenance(key) {
      for (const path of ['incidents/scheduled', 'incidents/active_maintenance', `incidents?limit=${PAGE_ITEMS}`]) {
        const response = await incidents(path);
        if (response.kind !== 'done') return response;
        const existing = response.value.find(({ metadata }) => keyOf(metadata) === key);
        if (existing) return { kind: 'done', value: { id: existing.id, change: changeOf(existing.metadata) } };
      }
      return { kind: 'done', value: null };
    },
    createMaintenance: (maintenance) =>
      request('POST', 'incidents', z.object({ id: z.string() }), { incident: maintenanceFields(maintenance) }),
    async updateMaintenance(id, update) {
      const incident = maintenanceFields(update);
      return withoutValue(await request('PATCH', `incidents/${encodeURIComponent(id)}`, Ignored, { incident }));
    },
  };
}

/**
 * Returns the fields of an update. Every update includes the component states, because resolving an incident doesn't
 * reset them.
 */
const fields = ({ status, body, components }: PublicUpdate) => ({
  status,
  body: truncate(body, BODY_MAX_CHARS),
  components,
});

/**
 * Returns the fields of a maintenance. Statuspage changes nothing by itself at its times: otherwise it would announce its
 * start and its end as well.
 */
const maintenanceFields = ({
  key,
  change,
  body,
  ...planned
}: Omit<PlannedMaintenance, 'body'> & { body: string | null }) => ({
  name: truncate(planned.name, NAME_MAX_CHARS),
  ...(body !== null && { status: planned.status, body: truncate(body, BODY_MAX_CHARS) }),
  scheduled_for: planned.from,
  scheduled_until: planned.until,
  scheduled_remind_prior: false,
  scheduled_auto_in_progress: false,
  scheduled_auto_completed: false,
  auto_transition_to_maintenance_state: false,
  auto_transition_to_operational_state: false,
  component_ids: planned.affects,
  components: planned.components,
  deliver_notifications: body !== null,
  metadata: { firebreak: { key, change } },
});

function changeOf(metadata: unknown): string | null {
  const parsed = FirebreakMetadata.safeParse(metadata);
  return parsed.success ? (parsed.data.firebreak.change ?? null) : null;
}

function keyOf(metadata: unknown): string | undefined {
  const parsed = FirebreakMetadata.safeParse(metadata);
  return parsed.success ? parsed.data.firebreak.key : undefined;
}
