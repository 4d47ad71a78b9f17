import { html } from 'hono/html';
import { planRun, type RequestedRun, runbookOf } from '../../../../core/actions/runbooks/plan-run.ts';
import { startRun } from '../../../../core/actions/runbooks/start-run.ts';
import { Refusal } from '../../../../core/domain/refusal.ts';
import { EnvironmentName, ServiceName } from '../../../../schemas/config/names.ts';
import type { Input } from '../../../../schemas/runbooks/parts/inputs.ts';
import { numberIn } from '../../../../core/domain/runbooks/numbers.ts';
import type { InputValues, RunPlan } from '../../../../schemas/runbooks/parts/runs.ts';
import type { Runbook } from '../../../../schemas/runbooks/runbook.ts';
import * as z from 'zod';
import type { Viewer } from '../../../http/context.ts';
import { type ConsoleDeps, field, fields, type PageAction } from '../page.ts';
import { once } from '../../once.ts';
import { runPath } from './parts.ts';

/** The field of an input in forms and addresses. */
export const inputField = (name: string): string => `input.${name}`;

/** Starts a runbook after its plan was shown. */
export const START: PageAction = {
  permission: 'incidents:act',
  done: 'Started.',
  keepsFields: true,
  async run(deps, { viewer, caller, param, form, key, trace }) {
    const runbook = await runbookOf(deps, param['name'] ?? '');
    const version = field(form, 'version', z.string().max(64));
    const request = { ...requestOf(runbook, form), version };
    // The first run may have ended since, so that nothing else prevents a second one.
    const id = await once(deps, { principal: viewer.sender, route: 'start a runbook', key }, async () => {
      const run = await startRun(deps, caller, request, { trace });
      return run.id;
    });
    return html`<p>Started. <a href="${runPath(id)}">Show the run</a></p>`;
  },
};

export type ShownPlan = { plan: RunPlan } | { refusal: Refusal };

/** Returns the plan for the fields in the address, or why there is none. Undefined: the address has no fields. */
export async function planOfQuery(
  deps: ConsoleDeps,
  { caller }: Viewer,
  runbook: Runbook,
  query: URLSearchParams,
): Promise<ShownPlan | undefined> {
  if (!query.has('service')) return undefined;
  try {
    return { plan: (await planRun(deps, caller, requestOf(runbook, query))).plan };
  } catch (error) {
    if (error instanceof Refusal) return { refusal: error };
    throw error;
  }
}

/** @throws Refusal 422 */
const requestOf = (runbook: Runbook, form: URLSearchParams): RequestedRun => ({
  runbook: runbook.name,
  ...fields(form, { service: ServiceName, environment: EnvironmentName.optional() }),
  inputs: inputsOf(runbook, form),
});

/** Returns the inputs with the types of the runbook. An empty field is left out, so that its default applies. */
function inputsOf({ inputs }: Runbook, form: URLSearchParams): InputValues {
  return Object.fromEntries(
    Object.entries(inputs).flatMap(([name, input]) => {
      const text = form.get(inputField(name))?.trim() ?? '';
      return text === '' ? [] : [[name, valueOf(input, text)]];
    }),
  );
}

/** Returns the text itself if it has another type, which the use case refuses. */
function valueOf({ type }: Input, text: string): string | number | boolean {
  switch (type) {
    case 'string':
      return text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'integer':
    case 'number':
      return numberIn(text) ?? text;
  }
}
