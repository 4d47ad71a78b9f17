import type {
  CanaryEvidence,
  CanaryVerdict,
  Judgement,
  JudgeSettings,
  MetricEvidence,
  MetricJudgement,
} from './evidence.ts';
import { type JudgementFrame, unmeasured } from './comparison.ts';
import { judgeRatio } from './ratio.ts';
import { judgeLatency } from './latency.ts';
import { judgeValue } from './value.ts';

/** Compares a version with its baseline. */
export function judge(evidence: CanaryEvidence, settings: JudgeSettings): Judgement {
  const tests = evidence.metrics.filter(({ kind }) => kind !== 'missing').length;
  const metrics = evidence.metrics
    .map((metric) => judgeMetric(metric, { evidence, settings, tests }))
    .map((metric) => (evidence.isPartial === true ? neverHealthy(metric, evidence) : metric));
  return { verdict: overallVerdict(metrics), metrics };
}

/** Old and new requests together dilute a regression, so they do not exclude one. */
const neverHealthy = (metric: MetricJudgement, { version }: CanaryEvidence): MetricJudgement =>
  metric.verdict === 'healthy'
    ? { ...metric, verdict: 'inconclusive', reason: `${metric.reason}; but ${version} does not serve all of them yet` }
    : metric;

/** One degraded metric suffices; healthy requires all. */
function overallVerdict(metrics: readonly MetricJudgement[]): CanaryVerdict {
  if (metrics.some(({ verdict }) => verdict === 'degraded')) return 'degraded';
  return metrics.length > 0 && metrics.every(({ verdict }) => verdict === 'healthy') ? 'healthy' : 'inconclusive';
}

function judgeMetric(metric: MetricEvidence, frame: JudgementFrame): MetricJudgement {
  switch (metric.kind) {
    case 'missing':
      return unmeasured(metric.name, metric.because);
    case 'ratio':
      return judgeRatio(metric, frame);
    case 'latency':
      return judgeLatency(metric, frame);
    case 'value':
      return judgeValue(metric, frame);
  }
}
