import { Hono } from 'hono';
import * as z from 'zod';
import { openFunctions } from './aws-functions.ts';
import { check, problem, readJson } from './problem.ts';
import type { StandInDeps } from './stand-in.ts';

const Share = z.number().gt(0).lte(1);

const NewVersion = z.strictObject({
  description: z.string().max(256).default(''),
  state: z.enum(['Active', 'Failed']).default('Active'),
});

/** A function with its versions, numbered from the next number on, and where an alias points. */
const FunctionState = z.strictObject({
  function: z.string().min(1),
  versions: z.array(NewVersion).default([]),
  alias: z.string().min(1).optional(),
  /** Absent: the newest. */
  version: z.int().min(1).optional(),
  weights: z.record(z.string(), Share).default({}),
});

const FunctionDeploy = NewVersion.extend({
  alias: z.string().min(1),
  /** As a canary: the alias stays where it is, and the new version gets this share. */
  weight: Share.optional(),
});

/** What a person or a pipeline does at Lambda by hand. */
export function lambdaSandbox(deps: StandInDeps): Hono {
  const functions = openFunctions(deps.db);
  return new Hono()
    .get('/functions', (c) => c.json({ items: shownFunctions(deps), next_cursor: null }))
    .put('/functions', async (c) => {
      const { function: name, versions, alias, version, weights } = check(FunctionState, await readJson(c));
      for (const one of versions) functions.publish(name, one, deps.now());
      const newest = functions.versions(name).at(-1);
      if (newest === undefined) throw problem(422, `versions: ${name} has none yet; give it one`);
      if (alias !== undefined)
        functions.setAlias({
          function: name,
          name: alias,
          version: String(version ?? newest.number),
          description: '',
          weights,
        });
      return c.json({ items: shownFunctions(deps), next_cursor: null });
    })
    .post('/functions/:function/deploy', async (c) => {
      const name = c.req.param('function');
      const { alias: of, weight, ...one } = check(FunctionDeploy, await readJson(c));
      const alias = functions.alias(name, of);
      if (!alias) throw problem(422, `${name} has no alias ${of}`);
      const { number } = functions.publish(name, one, deps.now());
      functions.setAlias(
        weight === undefined
          ? { ...alias, version: String(number), weights: {} }
          : { ...alias, weights: { [number]: weight } },
      );
      return c.json({ version: String(number) });
    });
}

/** Functions with what their aliases serve. */
export const shownFunctions = ({ db }: StandInDeps) => {
  const functions = openFunctions(db);
  return functions.names().map((name) => ({
    function: name,
    versions: functions.versions(name).map(({ number, description, state }) => ({ number, description, state })),
    aliases: functions.aliases(name).map(({ name: alias, version, weights }) => ({ alias, version, weights })),
  }));
};
