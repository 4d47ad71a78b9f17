import type { MessagePort } from 'node:worker_threads';
import { Refusal } from '../../core/domain/refusal.ts';
import type { ReportRequest } from '../../core/actions/reports/computed-reports.ts';
import type { LogSettings } from '../../functions/assembly/log.ts';
import type { ProductSettings } from '../../functions/assembly/deps/shared.ts';
import type { PlatformSettings } from '../platform-options.ts';
import type { SettingsElsewhere } from '../sandbox.ts';

/** What the main thread gives to the background thread before it runs anything. */
export type Start = {
  /** Where it sends what it writes. */
  writer: MessagePort;
  platform: PlatformSettings;
  product: ProductSettings;
  /** Inputs that are not processed again, with the reasons. */
  refused: ReadonlyMap<string, string>;
  /** Secrets that the configuration in force names. */
  secretNames: ReadonlySet<string>;
  /** Settings of the sandbox, if there is one. */
  sandboxSettings: SettingsElsewhere | undefined;
};

export type BackgroundData = {
  port: MessagePort;
  beats: Int32Array;
  /** What it measures about itself, by `FIGURES`. */
  figures: Float64Array;
  logSettings: LogSettings;
};

/** `number`: of the answer. */
export type ReportQuestion = { number: number; report: ReportRequest };
export type ReportAnswer = { number: number; result: { ok: true; value: unknown } | { ok: false; error: SentError } };

/** An error as plain data: errors lose their own properties between threads. `refusal`: the error is one. */
export type SentError = {
  name: string;
  message: string;
  stack: string | undefined;
  refusal?: Pick<Refusal, 'code' | 'detail' | 'headers' | 'status'>;
};

export function sentError(error: unknown): SentError {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  if (!(error instanceof Refusal)) return { name, message, stack };
  const { code, detail, headers, status } = error;
  return { name, message, stack, refusal: { code, detail, headers, status } };
}

/** Returns the error that was thrown in the other thread. */
export const receivedError = ({ refusal, ...error }: SentError): Error =>
  refusal === undefined
    ? Object.assign(new Error(error.message), error)
    : new Refusal(refusal.status, refusal.code, refusal.detail, refusal.headers);

export type ToBackground = { start: Start } | { secretNames: ReadonlySet<string> } | ReportQuestion | 'stop';
export type FromBackground = ReportAnswer | { damage: SentError } | 'stopped';

/** Places of what the background thread measures about itself. */
export const FIGURES = { lagMaxSeconds: 0, heapUsedBytes: 1, heapTotalBytes: 2 } as const;
