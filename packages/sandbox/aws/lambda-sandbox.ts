import { Hono } from 'hono';
import * as z from 'zod';
import { openFunctions } from './functions.ts';
import { check, problem, readJson } from '../core/problem.ts';
import type { StandInDeps } from '../core/stand-in.ts';

const Share = z.number().gt(0).lte(1);

const NewVersion = z.strictObject({
  description: z.string().max(256).default(''),
  state: z.enum(['Active', 'Failed']).default('Active'),
});

/** A function with its versions, which get the next numbers, and the version of an alias. */
const FunctionState = z.strictObject({
  function: z.string().min(1),
  versions: z.array(NewVersion).default([]),
  alias: z.string().min(1).optional(),
  /** The version of the alias. Default: the newest version. */
  version: z.int().min(1).optional(),
  weights: z.record(z.string(), Share).default({}),
});

const FunctionDeploy = NewVersion.extend({
  alias: z.string().min(1),
  /** Share of the traffic for the new version in a canary. The alias keeps its version. */
  weight: Share.optional(),
});

/** Returns the endpoints for actions of people and pipelines in Lambda. */
export function lambdaSandbox(deps: StandInDeps): Hono {
  const functions = openFunctions(deps.db);
  return new Hono()
    .get('/functions', (c) => c.json({ items: shownFunctions(deps), next_cursor: null }))
    .put('/functions', async (c) => {
      const { function: name, versions, alias, version, weights } = check(FunctionState, await readJson(c));
      for (const newVersion of versions) functions.publish(name, newVersion, deps.now());
      const newest = functions.versions(name).at(-1);
      if (newest === undefined) throw problem(422, `versions: ${name} has no versions; add at least one`);
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
      const { alias: of, weight, ...version } = check(FunctionDeploy, await readJson(c));
      const alias = functions.alias(name, of);
      if (!alias) throw problem(422, `${name} has no alias ${of}`);
      const { number } = functions.publish(name, version, deps.now());
      functions.setAlias(
        weight === undefined
          ? { ...alias, version: String(number), weights: {} }
          : { ...alias, weights: { [number]: weight } },
      );
      return c.json({ version: String(number) });
    });
}

/** Returns functions with the versions that their aliases serve. */
export const shownFunctions = ({ db }: StandInDeps) => {
  const functions = openFunctions(db);
  return functions.names().map((name) => ({
    function: name,
    versions: functions.versions(name).map(({ number, description, state }) => ({ number, description, state })),
    aliases: functions.aliases(name).map(({ name: alias, version, weights }) => ({ alias, version, weights })),
  }));
};
