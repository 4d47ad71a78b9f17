import * as z from 'zod';
import type { PublicUpdate, StatusPage, VendorResponse } from '../../domain/messages/channels.ts';
import type { Clock } from '../../domain/ports/system.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { type Answer, retryAfterSeconds } from '../shared/http.ts';
import { request, withoutSlash } from '../shared/request.ts';
import { truncate } from '../shared/text.ts';
import {
  ATTEMPT_TIMEOUT_MS,
  BODY_MAX_CHARS,
  COMPONENT_PAGES,
  LIMITED_SECONDS,
  LIST_MAX_BYTES,
  NAME_MAX_CHARS,
  PAGE_ITEMS,
} from './limits.ts';

/** Firebreak's metadata. Statuspage requires top-level values to be objects. */
const Ours = z.object({ firebreak: z.object({ key: z.string() }) });
const Incident = z.object({ id: z.string(), status: z.string(), metadata: z.unknown() });
const Component = z.object({
  id: z.string(),
  name: z.string(),
  status: z.string(),
  /** Whether it is a group of other components. */
  group: z.boolean().nullish(),
});
const Ignored = z.unknown();

type Options = {
  /** The URL with the version: `https://api.statuspage.io/v1`. */
  apiUrl: () => Promise<string>;
  apiKey: () => Promise<string | undefined>;
  pageId: () => Promise<string | undefined>;
  clock: Clock;
};

/**
 * Creates a client for Atlassian Statuspage. Never repeats a call, because every create and update sends an email to
 * subscribers.
 */
export function statuspage(options: Options): StatusPage {
  const ask = async <T>(method: 'GET' | 'POST' | 'PATCH', path: string, schema: z.ZodType<T>, body?: object) => {
    const [key, page] = [await options.apiKey(), await options.pageId()];
    if (!key || !page) return off(key ? 'STATUSPAGE_PAGE_ID' : 'STATUSPAGE_API_KEY');
    return request({
      vendor: 'Statuspage',
      url: `${withoutSlash(await options.apiUrl())}/pages/${encodeURIComponent(page)}/${path}`,
      method,
      headers: { authorization: `OAuth ${key}` },
      ...(body && { body }),
      timeoutMs: ATTEMPT_TIMEOUT_MS,
      maxBytes: LIST_MAX_BYTES,
      schema,
      limited: (answer) => limitedFor(answer, options.clock),
      words,
    });
  };
  const incidents = (path: string) => ask('GET', path, z.array(Incident));

  return {
    async components() {
      const all: z.infer<typeof Component>[] = [];
      for (let page = 1; page <= COMPONENT_PAGES; page += 1) {
        const next = page === 1 ? '' : `&page=${page}`;
        const told = await ask('GET', `components?per_page=${PAGE_ITEMS}${next}`, z.array(Component));
        if (told.kind !== 'done') return told;
        all.push(...told.value);
        if (told.value.length < PAGE_ITEMS) break;
      }
      const single = all.filter(({ group }) => group !== true);
      return { kind: 'done', value: single.map(({ id, name, status }) => ({ id, name, status })) };
    },
    async setComponent(id, status) {
      return nothing(await ask('PATCH', `components/${encodeURIComponent(id)}`, Ignored, { component: { status } }));
    },
    async findIncident(key) {
      for (const path of ['incidents/unresolved', `incidents?limit=${PAGE_ITEMS}`]) {
        const told = await incidents(path);
        if (told.kind !== 'done') return told;
        const ours = told.value.find(({ metadata }) => keyOf(metadata) === key);
        if (ours) return { kind: 'done', value: { id: ours.id, status: ours.status } };
      }
      return { kind: 'done', value: null };
    },
    createIncident: ({ key, name, ...update }) =>
      ask('POST', 'incidents', z.object({ id: z.string() }), {
        incident: {
          name: truncate(name, NAME_MAX_CHARS),
          ...fields(update),
          component_ids: Object.keys(update.components),
          deliver_notifications: true,
          metadata: { firebreak: { key } },
        },
      }),
    async updateIncident(id, update) {
      return nothing(await ask('PATCH', `incidents/${encodeURIComponent(id)}`, Ignored, { incident: fields(update) }));
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

const off = (missing: string): VendorResponse<never> => ({
  kind: 'off',
  detail: `the status page is off: ${missing} is not set`,
});

function keyOf(metadata: unknown): string | undefined {
  const ours = Ours.safeParse(metadata);
  return ours.success ? ours.data.firebreak.key : undefined;
}

const nothing = (told: VendorResponse<unknown>): VendorResponse<null> =>
  told.kind === 'done' ? { kind: 'done', value: null } : told;

/** Status 420 has the same meaning as 429. */
const limitedFor = ({ status, headers }: Answer, clock: Clock): number | undefined =>
  status === 420 || status === 429 ? (retryAfterSeconds(headers, millisOf(clock.now())) ?? LIMITED_SECONDS) : undefined;

const Errors = z.object({ error: z.union([z.string(), z.array(z.string())]) });

function words(body: unknown): string | undefined {
  const parsed = Errors.safeParse(body);
  return parsed.success ? [parsed.data.error].flat().join('; ') : undefined;
}
