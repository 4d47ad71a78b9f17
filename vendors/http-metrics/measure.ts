import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { JudgeMetrics } from '../../core/domain/ports/metrics.ts';
import type { Clock, Secrets } from '../../core/domain/ports/system.ts';
import type { HttpMetric } from '../../schemas/judge/judge-config.ts';
import { call, NoResponse } from '../shared/http.ts';
import { truncate } from '../shared/text.ts';
import { credentialsOf } from '../webhook/credentials.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

type Measured = Awaited<ReturnType<JudgeMetrics['measure']>>;
type Target = ServiceEnvironment & { version: string };

/**
 * Creates a client that measures versions over HTTP. Doesn't follow redirects.
 *
 * @param now milliseconds of a monotonic clock
 */
export const httpMeasurements =
  ({ secrets, clock, now }: { secrets: Secrets; clock: Clock; now: () => number }): JudgeMetrics['measure'] =>
  async (metric, target) => {
    const url = urlOf(metric.url, target);
    if (url === null)
      return missing(`${JSON.stringify(target.version)} is not allowed in a URL, so nothing was called`);
    const credentials = await credentialsOf(metric.auth, { secrets, clock, key: url, body: '' });
    if ('refused' in credentials) return missing(credentials.refused);
    const startedAt = now();
    try {
      const { status, text } = await call(url, {
        method: 'GET',
        headers: { accept: 'application/json, */*;q=0.5', ...credentials.headers },
        timeoutMs: metric.timeoutSeconds * 1000,
      });
      const isSuccess = status >= 200 && status < 300;
      if (!isSuccess) return failed(metric, `${target.version} answered ${status}`);
      if (metric.value === 'failure') return { value: 0, detail: '' };
      if (metric.value === 'seconds') return { value: (now() - startedAt) / 1000, detail: '' };
      return numberAt(text, metric.value);
    } catch (error) {
      if (!(error instanceof NoResponse)) throw error;
      // The version did respond, so a body that is too large is not a failed call.
      return error.cause instanceof RangeError ? missing(error.message) : failed(metric, error.message);
    }
  };

const missing = (detail: string): Measured => ({ value: null, detail });

/** A failed call is a measurement only where failures are measured. */
const failed = ({ value }: HttpMetric, detail: string): Measured => ({
  value: value === 'failure' ? 1 : null,
  detail,
});

/** Inserts encoded values. Null: `.` and `..` change the path even when encoded. */
function urlOf(template: string, { service, environment, version }: Target): string | null {
  const values: Record<string, string> = { service, environment, version };
  const used = Object.entries(values).filter(([name]) => template.includes(`{{.${name}}}`));
  if (used.some(([, value]) => /^\.{0,2}$/.test(value) || !value.isWellFormed())) return null;
  return used.reduce((url, [name, value]) => url.replaceAll(`{{.${name}}}`, () => encodeURIComponent(value)), template);
}

/** Returns the number at a JSON pointer (RFC 6901). */
function numberAt(text: string, pointer: string): Measured {
  const document = parseJson(text);
  if (document === undefined) return missing(`the response is not JSON: ${truncate(text, 100)}`);
  const found = pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>(
      (value, token) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, token)
          ? (value as Record<string, unknown>)[token]
          : undefined,
      document,
    );
  const value = typeof found === 'string' && found.trim() !== '' ? Number(found) : found;
  return typeof value === 'number' && Number.isFinite(value)
    ? { value, detail: '' }
    : missing(`the response has no number at ${pointer}`);
}
