/** What the vendors are called by people. One that is not named here is called as the sandbox calls it. */
const NAMES = new Map([
  ['pagerduty', 'PagerDuty'],
  ['cd', 'Delivery'],
  ['slack', 'Slack'],
  ['statuspage', 'Statuspage'],
  ['grafana', 'Grafana'],
  ['github', 'GitHub'],
  ['prometheus', 'Prometheus'],
  ['argo-cd', 'Argo CD'],
  ['kubernetes', 'Kubernetes'],
  ['aws', 'AWS'],
  ['launchdarkly', 'LaunchDarkly'],
  ['flags', 'Flag service'],
  ['mail', 'Mail'],
]);

/** What versions run at, and flags are kept at, besides the one of every story: each sandbox uses one or two of them. */
const TARGETS = new Set(['argo-cd', 'kubernetes', 'aws', 'launchdarkly', 'flags']);

/** @param {string} vendor */
export const nameOf = (vendor) => NAMES.get(vendor) ?? vendor;

/** Whether it is shown although nobody has called it. @param {string} vendor */
export const isUsual = (vendor) => !TARGETS.has(vendor) && vendor !== 'mail';
