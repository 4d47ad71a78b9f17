import { canaryTemplates, type TemplateOptions } from '../../domain/canary/templates.ts';
import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import { canaryQueries } from '../../integrations/prometheus/canary-queries.ts';
import { JudgeConfig } from '../../schemas/canary/judge-config.ts';
import type { Config } from '../../schemas/config/config.ts';

/**
 * Generates the files for Argo Rollouts and Flagger from the objectives that count events.
 *
 * @param workload label of the series with the name of the workload, which Flagger knows instead of the version
 */
export function canaryFiles(
  { slos, services }: Pick<Config, 'slos' | 'services'>,
  workload: string,
  options: TemplateOptions,
): Map<string, object> {
  const defaultVersionLabel = JudgeConfig.parse({}).versionLabel;
  const queries = slos.flatMap((slo) => {
    const judge = serviceEntry(services, slo.service)?.environments[slo.environment]?.judge;
    return canaryQueries(slo, { version: judge?.versionLabel ?? defaultVersionLabel, workload }) ?? [];
  });
  return canaryTemplates(queries, options);
}
