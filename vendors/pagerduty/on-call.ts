import * as z from 'zod';
import { agentOf } from '../../core/domain/paging/pagerduty/users.ts';
import type { OnCall, OnCallPerson } from '../../core/domain/people/on-call.ts';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import type { ConfigSource } from '../../core/domain/ports/config.ts';
import type { Clock } from '../../core/domain/ports/system.ts';
import type { Config } from '../../schemas/config/config.ts';
import { PersonId } from '../../schemas/people/people.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { ON_CALL_TIMEOUT_MS, PAGE_ITEMS } from './limits.ts';
import { openRest, type Rest, type RestOptions } from './rest.ts';

/** Milliseconds to cache results. Schedules change by the hour, so a result of a minute ago is current enough. */
const CACHE_MS = 60_000;

/** A complete user, because of `include[]=users`. A reference has neither name nor email address. */
const User = z.object({
  id: z.string().min(1),
  name: z.string().nullish(),
  summary: z.string().nullish(),
  email: z.string().nullish(),
});

/**
 * The on-call entries. Without a time range in the request, PagerDuty lists the current ones.
 * @see https://developer.pagerduty.com/api-reference (List all of the on-calls; read 2026-11)
 */
const OnCallEntries = z.object({
  oncalls: z.array(z.object({ user: User, escalation_level: z.number() })),
});
type OnCallEntry = z.infer<typeof OnCallEntries>['oncalls'][number];

const OneUser = z
  .object({ user: z.object({ email: z.string().nullish() }) })
  .transform(({ user }) => user.email || null);

/** Creates a client for the PagerDuty escalation policies and schedules in people.yaml (`onCall`). */
export function pagerDutyOnCall(options: { rest: RestOptions; config: ConfigSource; clock: Clock }): OnCall {
  const now = () => millisOf(options.clock.now());
  const open = () => openRest({ ...options.rest, timeoutMs: ON_CALL_TIMEOUT_MS });
  const entries = cached<OnCallEntry[]>(now);
  const emails = cached<string | null>(now);
  return {
    async now(team) {
      const config = await options.config.current();
      const rota = Object.hasOwn(config.people.onCall, team) ? config.people.onCall[team] : undefined;
      if (rota === undefined) return { kind: 'off', detail: `people.yaml has no on-call rota for the team "${team}"` };
      const [name, id] =
        rota.schedule === undefined
          ? ['escalation_policy_ids[]', rota.escalationPolicy ?? '']
          : ['schedule_ids[]', rota.schedule];
      const response = await entries(`${name}${id}`, () => readEntries(open(), name, id));
      return response.kind === 'done' ? { kind: 'done', value: people(config, response.value) } : response;
    },
    email: (user) =>
      emails(user, async () => {
        const response = await open().get(`/users/${encodeURIComponent(user)}`, [], OneUser);
        return response.kind === 'refused' && response.code === 'not_found' ? { kind: 'done', value: null } : response;
      }),
  };
}

async function readEntries(rest: Rest, name: string, id: string): Promise<VendorResponse<OnCallEntry[]>> {
  const query: [string, string][] = [
    [name, id],
    ['include[]', 'users'],
    ['limit', String(PAGE_ITEMS)],
  ];
  const response = await rest.get('/oncalls', query, OnCallEntries);
  return response.kind === 'done' ? { kind: 'done', value: response.value.oncalls } : response;
}

/** Returns each person once, at their lowest escalation level. A person can be in several schedules. */
function people(config: Config, entries: readonly OnCallEntry[]): OnCallPerson[] {
  const sorted = entries.toSorted((a, b) => a.escalation_level - b.escalation_level);
  const first = sorted.filter(({ user }, index) => sorted.findIndex((other) => other.user.id === user.id) === index);
  return first.map(({ user, escalation_level: level }) => {
    const email = user.email || null;
    const agent = agentOf(config, { id: user.id, name: user.name || user.summary || user.id }, email);
    const listed = Object.hasOwn(config.people.people, agent.name) ? PersonId.parse(agent.name) : null;
    return { pagerduty: user.id, name: agent.shown, email, level, person: listed, slack: agent.slack };
  });
}

/** Caches successful results for one minute. Failures are not cached. */
function cached<T>(
  now: () => number,
): (key: string, request: () => Promise<VendorResponse<T>>) => Promise<VendorResponse<T>> {
  const responses = new Map<string, { at: number; response: VendorResponse<T> }>();
  return async (key, request) => {
    const stored = responses.get(key);
    if (stored !== undefined && now() - stored.at < CACHE_MS) return stored.response;
    const response = await request();
    if (response.kind === 'done') responses.set(key, { at: now(), response });
    else responses.delete(key);
    return response;
  };
}
