/** A time of the incident's day in UTC, such as `13:42`. */
type Clock = string;

/**
 * What the authors of a public post-mortem stated, as far as a draft has the same field. Null: they did not state it, or
 * not to the minute. The sources are those of the replays.
 */
export type Published = {
  /** The ID of the replay. */
  id: string;
  started: Clock | null;
  detected: Clock | null;
  /** What ended the impact, and when. `undone`: people undid the change that the replay records. */
  mitigated: { at: Clock; undone: boolean } | null;
  restored: Clock | null;
  impact: string | null;
  /** What failed, in the words with which a draft's title says it. */
  type:
    | 'failed deployment'
    | 'failed configuration change'
    | 'failed infrastructure change'
    | 'failed flag change'
    | 'outage';
  /** The cause in the authors' words, shortened. */
  cause: string;
};

/** Ten of the replayed incidents: those whose authors state when the impact began or ended. */
export const published: readonly Published[] = [
  {
    id: 'knight-2012-08-01',
    started: '13:30',
    detected: null,
    mitigated: null,
    restored: '14:15',
    impact: 'orders without end for 45 minutes',
    type: 'failed deployment',
    cause: 'new code on seven of eight servers, and a flag with a new meaning',
  },
  {
    id: 'aws-s3-2017-02-28',
    started: '17:37',
    detected: null,
    mitigated: null,
    restored: '21:54',
    impact: null,
    type: 'failed infrastructure change',
    cause: 'a command that removed more servers than intended',
  },
  {
    id: 'cloudflare-2019-07-02',
    started: '13:42',
    detected: null,
    mitigated: { at: '14:07', undone: true },
    restored: '14:09',
    impact: 'traffic fell by about 80 %',
    type: 'failed configuration change',
    cause: 'a rule of the web application firewall that exhausted the CPU',
  },
  {
    id: 'honeycomb-2019-07-09',
    started: '22:50',
    detected: null,
    mitigated: null,
    restored: '23:02',
    impact: 'until every request failed',
    type: 'failed deployment',
    cause: 'an artifact without one of its executables',
  },
  {
    id: 'stripe-2019-07-10',
    started: '16:35',
    detected: '16:36',
    mitigated: { at: '17:00', undone: false },
    restored: '17:02',
    impact: 'most API requests failed',
    type: 'outage',
    cause: 'the primary of a database cluster failed, and no other could be elected',
  },
  {
    id: 'fastly-2021-06-08',
    started: '09:47',
    detected: '09:48',
    mitigated: { at: '10:27', undone: false },
    restored: null,
    impact: '85 % of the network returned errors',
    type: 'failed configuration change',
    cause: 'a valid configuration of a customer met a bug that was four weeks old',
  },
  {
    id: 'datadog-2023-03-08',
    started: '06:00',
    detected: '06:03',
    mitigated: null,
    restored: '09:13',
    impact: 'the web, APIs, and monitors down in five regions',
    type: 'failed infrastructure change',
    cause: 'an automatic update of systemd removed network routes',
  },
  {
    id: 'github-2023-11-03',
    started: '18:42',
    detected: '18:44',
    mitigated: { at: '19:08', undone: true },
    restored: '19:20',
    impact: 'most pages and API requests failed',
    type: 'failed deployment',
    cause: 'a change of the authorization service leaked memory',
  },
  {
    id: 'cloudflare-2025-11-18',
    started: '11:28',
    detected: '11:31',
    mitigated: null,
    restored: '14:30',
    impact: null,
    type: 'failed configuration change',
    cause: 'changed permissions of a database made a generated file too large',
  },
  {
    id: 'cloudflare-2025-12-05',
    started: '08:47',
    detected: null,
    mitigated: { at: '09:12', undone: true },
    restored: '09:12',
    impact: 'about 28 % of the HTTP traffic failed',
    type: 'failed configuration change',
    cause: 'a global setting that disabled an internal tool',
  },
];
