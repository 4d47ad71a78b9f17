import { readFile } from 'node:fs/promises';
import { Environment } from '@marcbachmann/cel-js';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';

const Policy = z.looseObject({
  kind: z.literal('ValidatingAdmissionPolicy'),
  spec: z.looseObject({
    matchConditions: z.array(z.object({ name: z.string(), expression: z.string() })),
    variables: z.array(z.object({ name: z.string(), expression: z.string() })),
    validations: z.tuple([
      z.looseObject({ expression: z.string(), message: z.string(), messageExpression: z.string() }),
    ]),
  }),
});

/** Reads the policy of the plain manifests, which are what the chart renders. */
export async function readPolicy() {
  const file = new URL('../../../../deploy/kubernetes/freeze-policy.yaml', import.meta.url);
  const documents = parseAllDocuments(await readFile(file, 'utf8')).map((document): unknown => document.toJS());
  return Policy.parse(documents.find((one) => Policy.safeParse(one).success)).spec;
}
export type Policy = Awaited<ReturnType<typeof readPolicy>>;

const NAMES = ['object', 'oldObject', 'request', 'params', 'variables'];

/** A workload as the API server passes it to admission. */
export type Admitted = {
  kind: string;
  metadata: { namespace: string; name: string; managedFields?: { time?: string }[] };
  spec: object;
};

export type AdmissionRequest = {
  object: Admitted;
  oldObject: Admitted;
  /** Data of the ConfigMap. */
  data: Record<string, string> | undefined;
  user?: string;
};

/**
 * Evaluates the policy. Returns why it refuses the request, or undefined. Unlike the API server, which then lets the request
 * pass, it fails if an expression cannot be evaluated.
 */
export function refusal(
  policy: Policy,
  { object, oldObject, data, user = 'system:serviceaccount:flux' }: AdmissionRequest,
) {
  const cel = new Environment({ homogeneousAggregateLiterals: false });
  for (const name of NAMES) cel.registerVariable(name, 'dyn');
  const variables: Record<string, unknown> = {};
  const request = { kind: { kind: object.kind }, userInfo: { username: user } };
  const params = data === undefined ? {} : { data };
  const context = { object, oldObject, request, params, variables };
  const evaluate = (expression: string): unknown => cel.evaluate(expression, context);
  if (!policy.matchConditions.every(({ expression }) => evaluate(expression) === true)) return undefined;
  for (const { name, expression } of policy.variables) variables[name] = evaluate(expression);
  const [{ expression, messageExpression }] = policy.validations;
  return evaluate(expression) === true ? undefined : String(evaluate(messageExpression));
}
