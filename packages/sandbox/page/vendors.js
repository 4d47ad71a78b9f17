/** Display names of vendors. Vendors without an entry are shown by their sandbox name. */
const NAMES = new Map([
  ['pagerduty', 'PagerDuty'],
  ['cd', 'Delivery'],
  ['slack', 'Slack'],
  ['statuspage', 'Statuspage'],
  ['grafana', 'Grafana'],
  ['github', 'GitHub'],
  ['jira', 'Jira'],
  ['prometheus', 'Prometheus'],
  ['argo-cd', 'Argo CD'],
  ['kubernetes', 'Kubernetes'],
  ['aws', 'AWS'],
  ['launchdarkly', 'LaunchDarkly'],
  ['flags', 'Flag service'],
  ['mail', 'Mail'],
]);

/** Optional targets and flag services. Each sandbox uses one or two of them, besides the default target. */
const TARGETS = new Set(['jira', 'argo-cd', 'kubernetes', 'aws', 'launchdarkly', 'flags']);

/** @param {string} vendor */
export const nameOf = (vendor) => NAMES.get(vendor) ?? vendor;

/** Returns whether the vendor is shown before its first call. @param {string} vendor */
export const isUsual = (vendor) => !TARGETS.has(vendor) && vendor !== 'mail';
