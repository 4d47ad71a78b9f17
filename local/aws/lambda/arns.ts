import { randomUUID } from 'node:crypto';
import { invalidParameter } from './errors.ts';

/** The account and region of all emulated resources. */
const ACCOUNT_ID = '000000000000';
export const REGION = 'us-east-1';

/** The only version in the emulation. Aliases and missing qualifiers refer to it. */
export const LATEST = '$LATEST';

/** A function as callers name it: by name, partial ARN, or ARN, with an optional version or alias. */
export type FunctionRef = { name: string; qualifier: string | undefined };

const FUNCTION_REF =
  /^(?:(?:arn:aws[a-z-]*:lambda:[a-z0-9-]+:)?\d{12}:function:)?([a-zA-Z0-9-_]{1,64})(?::(\$LATEST|[a-zA-Z0-9-_]+))?$/;

/** @throws ApiError InvalidParameterValueException if `ref` is not a function name, or has two different qualifiers */
export function parseFunctionRef(ref: string, qualifierParameter?: string): FunctionRef {
  const match = FUNCTION_REF.exec(ref);
  const name = match?.[1];
  if (!name) throw invalidParameter(`1 validation error detected: '${ref}' is not a function name or function ARN.`);
  const inRef = match[2];
  if (inRef !== undefined && qualifierParameter !== undefined && inRef !== qualifierParameter) {
    throw invalidParameter(
      `The qualifier '${inRef}' in the function name differs from the parameter '${qualifierParameter}'.`,
    );
  }
  return { name, qualifier: inRef ?? qualifierParameter };
}

/** Returns numbers unchanged. `$LATEST` and all aliases refer to the only code. */
export const versionOf = (qualifier: string | undefined): string =>
  /^\d+$/.test(qualifier ?? '') ? `${qualifier}` : LATEST;

export const functionArn = (name: string, qualifier?: string): string =>
  `arn:aws:lambda:${REGION}:${ACCOUNT_ID}:function:${name}${qualifier === undefined ? '' : `:${qualifier}`}`;

/** @param queueUrl ends with the account and the name, as every queue URL does */
export function queueArn(queueUrl: string): string {
  const [name = '', account = ACCOUNT_ID] = new URL(queueUrl).pathname.split('/').filter(Boolean).toReversed();
  return `arn:aws:sqs:${REGION}:${account}:${name}`;
}

export const scheduleArn = (name: string): string =>
  `arn:aws:scheduler:${REGION}:${ACCOUNT_ID}:schedule/default/${name}`;

export const newExecutionArn = (functionName: string, version: string, executionName: string): string =>
  `${functionArn(functionName, version)}/durable-execution/${executionName}/${randomUUID()}`;

/** Returns a callback ID, which contains the execution and the operation, so that no lookup is needed. */
export const callbackIdOf = (arn: string, operationId: string): string =>
  Buffer.from(JSON.stringify([arn, operationId])).toString('base64url');

/** @throws ApiError InvalidParameterValueException if the ID was not created by `callbackIdOf` */
export function parseCallbackId(callbackId: string): { arn: string; operationId: string } {
  try {
    const [arn, operationId] = JSON.parse(Buffer.from(callbackId, 'base64url').toString()) as unknown[];
    if (typeof arn === 'string' && typeof operationId === 'string') return { arn, operationId };
  } catch {
    // not a callback ID: refused below
  }
  throw invalidParameter('Invalid callback id.');
}
