import { draw, h, s } from '../dom.js';
import { lastTogether, roundTimes } from '../axis.js';
import { isRead, outcomeOf } from '../call-log.js';
import { clock, counted, now, preciseClock } from '../time.js';
import { nameOf } from '../vendors.js';

/** @typedef {import('../call-log.js').Call} Call */
/** @typedef {{ from: number; to: number; left: number; width: number }} Frame */

const LANE = 20;
const AXIS = 20;

/** Maximum gap between related calls. Earlier calls are omitted. */
const STORY_GAP_MS = 10 * 60_000;
/** The timeline ends at the current time while the last call is at most this old. Later, it stands still. */
const LIVE_MS = 30_000;
const SHORTEST_MS = 20_000;

/** Calls over time, with a lane for each vendor. The mouse or the arrow keys select a call. */
export class Timeline {
  /** @type {Element} */
  #body;
  /** @type {import('../call-log.js').CallLog} */
  #log;
  /** @type {readonly string[]} */
  #vendors = [];
  /** The ID of the selected call. @type {string | undefined} */
  #pointed;

  /**
   * @param {Element} body
   * @param {import('../call-log.js').CallLog} log
   * @param {(id: string) => void} reveal shows a call with its details
   */
  constructor(body, log, reveal) {
    this.#body = body;
    this.#log = log;
    body.addEventListener('pointerover', (event) => this.#point(idAt(event.target)));
    body.addEventListener('pointerleave', () => this.#point(undefined));
    body.addEventListener('focusout', () => this.#point(undefined));
    body.addEventListener('click', (event) => {
      const id = idAt(event.target);
      if (id !== undefined) reveal(id);
    });
    body.addEventListener('keydown', (event) => this.#key(/** @type {KeyboardEvent} */ (event), reveal));
  }

  /** @param {readonly string[]} vendors */
  show(vendors) {
    this.#vendors = vendors;
    this.draw();
  }

  /** Draws the timeline. Call it periodically too. */
  draw() {
    const story = storyOf(this.#log.all);
    const frame = frameOf(story, Math.max(300, this.#body.clientWidth));
    const height = this.#vendors.length * LANE + AXIS;
    draw(this.#body, [
      s(
        'svg',
        {
          class: 'strip',
          tabindex: 0,
          role: 'img',
          width: frame.width,
          height,
          viewBox: `0 0 ${frame.width} ${height}`,
          'aria-label': `${counted(story.length, 'call')} over time. Use the arrow keys to step through them.`,
        },
        this.#vendors.map((vendor, lane) => laneOf(vendor, lane, frame)),
        ticks(frame, height),
        story.map((call) => this.#mark(call, frame)),
      ),
      this.#tip(frame),
    ]);
  }

  /** @param {Call} call @param {Frame} frame */
  #mark(call, frame) {
    const lane = this.#vendors.indexOf(call.vendor);
    if (lane < 0) return null;
    const x = xOf(Date.parse(call.at), frame);
    const y = lane * LANE;
    const isBad = outcomeOf(call).state === 'bad';
    const className = `call ${isRead(call) ? 'read' : 'write'} ${isBad ? 'bad' : ''} ${call.id === this.#pointed ? 'pointed' : ''}`;
    return s(
      'g',
      { class: className, 'data-key': call.id, 'data-id': call.id, 'data-vendor': call.vendor },
      s('rect', { class: 'target', x: x - 5, y, width: 10, height: LANE }),
      s('rect', { class: 'bar', x: x - 1.5, y: y + 4, width: 3, height: LANE - 8, rx: 1.5 }),
      isBad && s('circle', { cx: x, cy: y + LANE / 2, r: 4 }),
    );
  }

  /** @param {Frame} frame */
  #tip(frame) {
    const call = this.#pointed === undefined ? undefined : this.#log.get(this.#pointed);
    if (!call) return null;
    const { words, state } = outcomeOf(call);
    const tip = h(
      'p',
      { class: 'tip', role: 'status' },
      h('time', {}, preciseClock(call.at)),
      ' ',
      h('b', {}, `${call.method} ${call.path}`),
      ' ',
      h('span', { class: `answer ${state}` }, words),
      call.fault !== null && h('span', { class: 'fault' }, call.fault.replaceAll('_', ' ')),
    );
    const x = xOf(Date.parse(call.at), frame);
    const lane = this.#vendors.indexOf(call.vendor);
    tip.setAttribute('data-side', x > frame.width / 2 ? 'left' : 'right');
    tip.setAttribute('data-x', x.toFixed(0));
    tip.setAttribute('data-y', String(lane * LANE));
    return tip;
  }

  /** @param {string | undefined} id */
  #point(id) {
    if (id === this.#pointed) return;
    this.#pointed = id;
    this.draw();
    this.#placeTip();
  }

  /** Positions the tip in script, since the page's policy does not allow style attributes. */
  #placeTip() {
    const tip = this.#body.querySelector('.tip');
    if (!(tip instanceof HTMLElement)) return;
    const { side, x, y } = tip.dataset;
    tip.style.top = `${y}px`;
    tip.style.left = side === 'right' ? `${Number(x) + 12}px` : '';
    tip.style.right = side === 'left' ? `calc(100% - ${Number(x) - 12}px)` : '';
  }

  /** @param {KeyboardEvent} event @param {(id: string) => void} reveal */
  #key(event, reveal) {
    const story = storyOf(this.#log.all);
    const at = story.findIndex(({ id }) => id === this.#pointed);
    if (event.key === 'Enter' && this.#pointed !== undefined) return reveal(this.#pointed);
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    event.preventDefault();
    const last = story.length - 1;
    const next = event.key === 'ArrowLeft' ? (at < 0 ? last : Math.max(0, at - 1)) : Math.min(last, at + 1);
    this.#point(story[next]?.id);
  }
}

/** @param {EventTarget | null} target */
const idAt = (target) =>
  target instanceof Element ? (target.closest('[data-id]')?.getAttribute('data-id') ?? undefined) : undefined;

/** Returns the last group of related calls. @param {readonly Call[]} calls oldest first */
function storyOf(calls) {
  const [first] = lastTogether(
    calls.map(({ at }) => Date.parse(at)),
    STORY_GAP_MS,
  );
  return calls.filter(({ at }) => first !== undefined && Date.parse(at) >= first);
}

/** @param {readonly Call[]} story @param {number} width @returns {Frame} */
function frameOf(story, width) {
  const left = width < 600 ? 90 : 96;
  const first = Date.parse(story[0]?.at ?? new Date(now()).toISOString());
  const last = Date.parse(story.at(-1)?.at ?? new Date(now()).toISOString());
  const to = Math.min(now(), last + LIVE_MS);
  const from = Math.min(first, to - SHORTEST_MS);
  const margin = (to - from) * 0.02;
  return { from: from - margin, to: to + margin, left, width };
}

/** @param {number} at @param {Frame} frame */
const xOf = (at, { from, to, left, width }) => left + ((at - from) / (to - from)) * (width - left);

/** @param {string} vendor @param {number} lane @param {Frame} frame */
const laneOf = (vendor, lane, { left, width }) =>
  s(
    'g',
    { class: 'lane', 'data-key': `lane ${vendor}`, 'data-vendor': vendor },
    s('circle', { cx: 4, cy: lane * LANE + LANE / 2, r: 3.5 }),
    s('text', { x: 14, y: lane * LANE + LANE / 2 + 4 }, nameOf(vendor)),
    s('line', { x1: left, x2: width, y1: lane * LANE + LANE / 2, y2: lane * LANE + LANE / 2 }),
  );

/** @param {Frame} frame @param {number} height */
function ticks(frame, height) {
  return roundTimes(frame, Math.max(2, Math.floor((frame.width - frame.left) / 110))).map((at) =>
    s(
      'g',
      { class: 'time', 'data-key': `time ${at}` },
      s('line', { x1: xOf(at, frame), x2: xOf(at, frame), y1: 0, y2: height - AXIS + 2 }),
      xOf(at, frame) < frame.width - 28 && s('text', { x: xOf(at, frame), y: height - 4 }, clock(at)),
    ),
  );
}
