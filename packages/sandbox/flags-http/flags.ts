import { Hono } from 'hono';
import * as z from 'zod';
import { type Call, documents, documentTables, exchanges } from '../core/exchanges.ts';
import type { StandIn, StandInDeps } from '../core/stand-in.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

/** The state of a flag, as a person sets and sees it in the flag service. */
const FlagState = z.strictObject({ environment: z.string().min(1), flag: z.string().min(1), on: z.boolean() });
type FlagState = z.infer<typeof FlagState>;

const Change = z.object({
  flag: z.string(),
  environment: z.string(),
  service: z.string(),
  on: z.boolean(),
  reason: z.string(),
  incident_id: z.string(),
  idempotency_key: z.string().min(1),
});

/**
 * A flag service with the API of `kind: http`: `GET` and `PUT` of one URL for each flag. The flags are set in
 * `/sandbox/flags/states`, where people can also switch them.
 */
export const flags = {
  vendor: 'flags',
  tables: documentTables,
  credentialKeys: [],
  settings: null, // by the address in the catalogue
  throttled: () => Response.json({ error: 'too many requests' }, { status: 429, headers: { 'retry-after': '1' } }),
  app(deps) {
    const { states } = open(deps);
    const stateAt = ({ param }: Call) => states.get(param('environment'), param('flag'));
    const path = '/environments/:environment/flags/:flag';
    return new Hono()
      .route(
        '/',
        exchanges({
          [`GET ${path}`](call) {
            const state = stateAt(call);
            return state && { on: state.on };
          },
          [`PUT ${path}`](call) {
            const state = stateAt(call);
            return state && change(call, state, deps);
          },
        }),
      )
      .notFound(() => refused(404, 'unknown flag'));
  },
  sandbox(deps) {
    const { states, changes } = open(deps);
    const list = () => ({ items: states.all(), next_cursor: null });
    return exchanges({
      'GET /changes': () => ({ items: changes.all(), next_cursor: null }),
      'GET /states': list,
      'PUT /states'({ given }) {
        const state = given(FlagState);
        states.put(state, state.environment, state.flag);
        return list();
      },
    });
  },
  view: null,
} as const satisfies StandIn;

const open = ({ db }: StandInDeps) => ({
  states: documents<FlagState>(db, 'flags state'),
  /** The changes of callers, by their idempotency keys. */
  changes: documents<FlagState & { key: string }>(db, 'flags change'),
});

const refused = (status: number, error: string): Response => Response.json({ error }, { status });

/**
 * Sets a state once per key. If the state is different at a repeat, another caller has changed it since, and that
 * change is kept.
 */
function change({ json, header }: Call, state: FlagState, deps: StandInDeps): Response | object {
  const { states, changes } = open(deps);
  if (json === undefined) return refused(422, 'the body is not valid JSON');
  const read = Change.safeParse(json);
  if (!read.success) return refused(422, inputProblemText(read.error));
  const { idempotency_key: key, flag, environment, on } = read.data;
  if (key !== header('idempotency-key'))
    return refused(422, 'header Idempotency-Key does not match idempotency_key in the body');
  if (flag !== state.flag || environment !== state.environment)
    return refused(422, 'the flag in the body does not match the URL');
  const first = changes.get(key);
  if (first === undefined) {
    changes.put({ key, flag, environment, on }, key);
    states.put({ flag, environment, on }, environment, flag);
    return { on };
  }
  if (first.flag !== flag || first.environment !== environment || first.on !== on)
    return refused(422, 'the key was already used for a different change');
  if (state.on !== on)
    return Response.json({ on: state.on, error: 'the flag was changed after this key was used' }, { status: 409 });
  return { on };
}
