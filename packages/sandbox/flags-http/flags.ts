import { Hono, type Context } from 'hono';
import * as z from 'zod';
import { FlagState, openStates, stateTables, type FlagStates } from './states.ts';
import { check, readJson } from '../core/problem.ts';
import type { StandIn } from '../core/stand-in.ts';

/**
 * A flag service with the API of `kind: http`: `GET` and `PUT` of one URL for each flag. The flags are set in
 * `/sandbox/flags/states`, where people can also switch them.
 */
export const flags = {
  vendor: 'flags',
  tables: stateTables,
  credentialKeys: [],
  settings: null, // by the address in the catalogue
  throttled: () => Response.json({ error: 'too many requests' }, { status: 429, headers: { 'retry-after': '1' } }),
  app(deps) {
    const states = openStates(deps.db);
    return new Hono()
      .get('/environments/:environment/flags/:flag', (c) => {
        const state = stateAt(c, states);
        return state ? c.json({ on: state.on }) : c.json({ error: 'unknown flag' }, 404);
      })
      .put('/environments/:environment/flags/:flag', async (c) => {
        const state = stateAt(c, states);
        if (!state) return c.json({ error: 'unknown flag' }, 404);
        const read = readChange(await c.req.text(), c.req.header('idempotency-key'), state);
        return 'error' in read ? c.json(read, 422) : change(c, read, state, states);
      });
  },
  sandbox(deps) {
    const states = openStates(deps.db);
    const list = () => ({ items: states.all(), next_cursor: null });
    return new Hono()
      .get('/changes', (c) => c.json({ items: states.changesByKey(), next_cursor: null }))
      .get('/states', (c) => c.json(list()))
      .put('/states', async (c) => {
        states.put(check(FlagState, await readJson(c)));
        return c.json(list());
      });
  },
  view: ({ db }) => ({ flags: openStates(db).all() }),
} as const satisfies StandIn;

const stateAt = (c: Context, states: FlagStates): FlagState | undefined =>
  states.get(c.req.param('environment') ?? '', c.req.param('flag') ?? '');

const Change = z.object({
  flag: z.string(),
  environment: z.string(),
  service: z.string(),
  on: z.boolean(),
  reason: z.string(),
  incident_id: z.string(),
  idempotency_key: z.string().min(1),
});
type Change = z.infer<typeof Change>;

function readChange(text: string, key: string | undefined, state: FlagState): Change | { error: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { error: 'the body is not valid JSON' };
  }
  const read = Change.safeParse(json);
  if (!read.success) return { error: z.prettifyError(read.error) };
  if (key !== read.data.idempotency_key) {
    return { error: 'header Idempotency-Key does not match idempotency_key in the body' };
  }
  if (read.data.flag !== state.flag || read.data.environment !== state.environment) {
    return { error: 'the flag in the body does not match the URL' };
  }
  return read.data;
}

/**
 * Sets a state once per key. If the state is different at a repeat, another caller has changed it since, and that
 * change is kept.
 */
function change(c: Context, { idempotency_key: key, on }: Change, state: FlagState, states: FlagStates): Response {
  const first = states.byKey(key);
  if (first === undefined) {
    states.recordKey(key, { ...state, on });
    states.put({ ...state, on });
    return c.json({ on });
  }
  if (first.flag !== state.flag || first.environment !== state.environment || first.on !== on) {
    return c.json({ error: 'the key was already used for a different change' }, 422);
  }
  if (state.on !== on) return c.json({ on: state.on, error: 'the flag was changed after this key was used' }, 409);
  return c.json({ on });
}
