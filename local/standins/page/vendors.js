/** What the vendors are called by people. One that is not named here is called as the sandbox calls it. */
const NAMES = new Map([
  ['pagerduty', 'PagerDuty'],
  ['cd', 'Delivery'],
  ['slack', 'Slack'],
  ['statuspage', 'Statuspage'],
  ['grafana', 'Grafana'],
  ['github', 'GitHub'],
  ['prometheus', 'Prometheus'],
]);

/** @param {string} vendor */
export const nameOf = (vendor) => NAMES.get(vendor) ?? vendor;
