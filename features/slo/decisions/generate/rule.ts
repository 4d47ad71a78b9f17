/** @see https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/ */
export type RuleGroup = { name: string; interval?: string; rules: Rule[] };
export type Rule = RecordingRule | AlertingRule;
type RecordingRule = { record: string; expr: string; labels?: Record<string, string> };
export type AlertingRule = {
  alert: string;
  expr: string;
  for?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
};
export type RuleFile = { groups: RuleGroup[] };
