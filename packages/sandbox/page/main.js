import { CallLog } from './call-log.js';
import { CallsPanel, callsTally } from './panels/calls.js';
import { cd, cdTally } from './panels/cd.js';
import { draw, h } from './dom.js';
import { faultControls, faultsTally, faultWords, presetsOf } from './panels/faults.js';
import { pagerduty, pagerdutyTally } from './panels/pagerduty.js';
import { play } from './panels/play.js';
import { prometheus, prometheusTally } from './panels/prometheus.js';
import { SlackPanel, slackTally } from './slack/slack.js';
import { statuspage } from './panels/statuspage.js';
import { between, clock, counted, now, setClock } from './time.js';
import { isUsual } from './vendors.js';

/** @typedef {import('../core/sandbox-state.ts').SandboxState} State */
/** @typedef {import('../core/faults.ts').FaultInForce} FaultInForce */

const POLL_MS = 1000;

/** @param {string} selector */
function find(selector) {
  const element = document.querySelector(selector);
  if (!element) throw new Error(`index.html has no ${selector}`);
  return element;
}

/** @param {string} id */
const bodyOf = (id) => find(`#${id} .body`);

const log = new CallLog();
const slackPanel = new SlackPanel(bodyOf('slack'), send);
const callsPanel = new CallsPanel(bodyOf('calls'), log);

/**
 * The state from the sandbox. Panels additionally store only what the user has opened.
 *
 * @type {{ version?: string; vendors: string[]; faults: FaultInForce[]; timeScale: number; isThere: boolean }}
 */
const state = { vendors: [], faults: [], timeScale: 1, isThere: true };

/** Counts beside the panel titles, by panel. @type {Map<string, string>} */
const tallies = new Map();

/**
 * The views of the stand-ins, by vendor.
 *
 * @typedef {{
 *   slack: import('../slack/blocks/view.ts').SlackView;
 *   pagerduty: { incidents: readonly import('../pagerduty/view.ts').IncidentShown[] };
 *   cd: import('./panels/cd.js').CdView;
 *   statuspage: import('../statuspage/view.ts').StatuspageView;
 *   prometheus: import('../prometheus/prometheus.ts').PrometheusView;
 * }} Views
 */

/** Functions that show the view of each vendor. @type {{ [V in keyof Views]: (view: Views[V]) => void }} */
const SHOW = {
  slack(view) {
    slackPanel.show(view);
    tallies.set('slack', slackTally(view));
  },
  pagerduty(view) {
    draw(bodyOf('pagerduty'), pagerduty(view));
    tallies.set('pagerduty', pagerdutyTally(view));
  },
  cd(view) {
    draw(bodyOf('cd'), cd(view));
    tallies.set('cd', cdTally(view));
  },
  statuspage(view) {
    draw(bodyOf('statuspage'), statuspage(view));
    tallies.set('statuspage', 'as customers see it');
  },
  prometheus(view) {
    draw(bodyOf('prometheus'), prometheus(view));
    tallies.set('prometheus', prometheusTally(view));
  },
};

/** Returns the vendors with activity. A filter for each other vendor would take too much space. */
const activeVendors = () =>
  state.vendors.filter((vendor) => isUsual(vendor) || log.all.some((call) => call.vendor === vendor));

/** @param {State} state */
function show({ version, at, time_scale, urls, views, calls, faults, play: played }) {
  setClock(at);
  Object.assign(state, { version, vendors: [...Object.keys(urls), 'mail'], timeScale: time_scale });
  if (calls) log.add(calls);
  if (faults) state.faults = faults;
  for (const [vendor, view] of Object.entries(views)) showView(vendor, view);
  if (calls) {
    callsPanel.show(activeVendors());
    tallies.set('calls', callsTally(log));
  }
  if (calls || faults) draw(bodyOf('faults'), faultControls(state.vendors, activeVendors(), state.faults));
  if (played) showPlay(played);
  find('#panels').setAttribute('data-ready', '');
  showTallies();
}

/** @type {import('../play/bad-deploy.ts').PlayView | undefined} */
let lastPlay;
/** Why the last press of the button had no effect. */
let playRefused = '';

/** @param {import('../play/bad-deploy.ts').PlayView} view */
function showPlay(view) {
  lastPlay = view;
  draw(bodyOf('play'), play(view, playRefused));
}

async function startPlay() {
  const { ok, answer } = await send('POST', '/play', {});
  playRefused = ok ? '' : (answer?.detail ?? 'The bad deploy could not be started. Try again.');
  if (lastPlay) showPlay(lastPlay);
}

/** Shows a view. Ignores vendors without a panel. @param {string} vendor @param {unknown} view */
function showView(vendor, view) {
  const shows = /** @type {Record<string, (view: unknown) => void>} */ (SHOW);
  shows[vendor]?.(view);
}

/** Shows the count and the active faults beside each title. */
function showTallies() {
  tallies.set('faults', faultsTally(state.faults));
  for (const [id, words] of tallies) {
    const faults = state.faults.filter(({ vendor }) => vendor === id);
    draw(find(`#${id} .tally`), [words, faults.map((fault) => h('span', { class: 'fault' }, faultWords(fault)))]);
  }
}

/** Updates the parts that depend on the time. */
function tick() {
  draw(find('#clock'), [
    h('time', {}, clock(now())),
    ' UTC',
    state.timeScale > 1 && h('span', { class: 'scale-note', title: 'FIREBREAK_TIME_SCALE' }, `${state.timeScale}×`),
  ]);
  draw(find('#status'), [
    !state.isThere && h('span', { class: 'state bad' }, 'Firebreak is not responding. Retrying…'),
    state.faults.length > 0 &&
      h(
        'span',
        { class: 'state bad' },
        counted(state.faults.length, 'active fault'),
        h('button', { type: 'button', 'data-act': 'clear-all' }, 'Clear'),
      ),
  ]);
  for (const element of document.querySelectorAll('[data-begin]')) {
    const words = between(element.getAttribute('data-begin') ?? '', element.getAttribute('data-end'));
    if (element.textContent !== words) element.textContent = words;
  }
}

async function poll() {
  const since = state.version === undefined ? '' : `?since=${encodeURIComponent(state.version)}`;
  try {
    const response = await fetch(`/sandbox/state${since}`, { headers: { accept: 'application/json' } });
    if (!response.ok) throw new Error(`/sandbox/state responded with status ${response.status}`);
    state.isThere = true;
    show(/** @type {State} */ (await response.json()));
  } catch (error) {
    state.isThere = false;
    console.warn(error);
  }
  tick();
}

/** Reads the key of this start from the URL fragment, and stores it for this tab only. */
function takeKey() {
  const key = new URLSearchParams(location.hash.slice(1)).get('key');
  if (key === null) return;
  sessionStorage.setItem('sandbox-key', key);
  history.replaceState(null, '', location.pathname + location.search);
}

/** @returns {Record<string, string>} */
function keyHeader() {
  const key = sessionStorage.getItem('sandbox-key');
  return key === null ? {} : { 'x-sandbox-key': key };
}

takeKey();

/**
 * @param {string} method
 * @param {string} path below `/sandbox`
 * @param {unknown} [body]
 * @returns {Promise<{ ok: boolean; answer: import('./slack/acts.js').Answer | null }>} the result
 */
async function send(method, path, body) {
  const headers = { ...(body !== undefined && { 'content-type': 'application/json' }), ...keyHeader() };
  const response = await fetch(`/sandbox${path}`, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!response.ok) console.warn(`${method} /sandbox${path} answered ${response.status}`);
  const answer = /** @type {import('./slack/acts.js').Answer | null} */ (await response.json().catch(() => null));
  await poll();
  return { ok: response.ok, answer };
}

/** Actions of buttons, by their `data-act`. @type {Record<string, (data: DOMStringMap, pressed: boolean) => void>} */
const ACTS = {
  channel: ({ id }) => slackPanel.open(id ?? ''),
  pinned: () => slackPanel.showPinned(),
  play: () => void startPlay(),
  filter: ({ id }) => callsPanel.filter(id ?? ''),
  call: ({ id }) => void callsPanel.toggle(id ?? ''),
  page: ({ id, answer }) => void send('POST', `/pagerduty/incidents/${encodeURIComponent(id ?? '')}/${answer}`, {}),
  fault({ id, of: vendor }, isOn) {
    const preset = presetsOf(vendor).get(id ?? '');
    if (isOn) void send('DELETE', `/faults?vendor=${encodeURIComponent(vendor ?? '')}`);
    else if (preset) void send('PUT', '/faults', { vendor, fault: preset.fault });
  },
  clear: ({ of: vendor }) => void send('DELETE', `/faults?vendor=${encodeURIComponent(vendor ?? '')}`),
  'clear-all': () => void send('DELETE', '/faults'),
};

document.addEventListener('click', (event) => {
  const button = event.target instanceof Element ? event.target.closest('[data-act]') : null;
  if (!(button instanceof HTMLElement)) return;
  ACTS[button.dataset['act'] ?? '']?.(button.dataset, button.getAttribute('aria-pressed') === 'true');
});

/** Stops polling while the page is hidden. */
async function untilSeen() {
  while (document.hidden) {
    await new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true }));
  }
}

for (;;) {
  await untilSeen();
  await poll();
  await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
