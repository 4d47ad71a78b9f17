import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { HttpSample } from '../../../schemas/judge/judgement.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { judgeSettings, storableNumber } from './judge-version.ts';

/**
 * Measures a version over HTTP, and its baseline where a URL names the version. Makes one call for each; a call without a
 * result is a sample, too.
 *
 * @param baseline null: not known
 */
export async function measureOverHttp(
  deps: Pick<Deps, 'config' | 'judgeMetrics' | 'clock'>,
  { service, environment, version, baseline }: ServiceEnvironment & { version: string; baseline: string | null },
): Promise<HttpSample[]> {
  const { metrics } = judgeSettings(deps, await deps.config.current(), { service, environment });
  const at = Math.floor(millisOf(deps.clock.now()) / 1000);
  const calls = metrics
    .filter((metric) => metric.kind === 'http')
    .flatMap((metric) => {
      const versions = baseline !== null && metric.url.includes('{{.version}}') ? [version, baseline] : [version];
      return versions.map((measured) => ({ metric, version: measured }));
    });
  return Promise.all(
    calls.map(async (one) => {
      const of = { service, environment, version: one.version };
      const { value, detail } = await deps.judgeMetrics.measure(one.metric, of);
      return { metric: one.metric.name, version: one.version, at, value: storableNumber(value), detail };
    }),
  );
}
