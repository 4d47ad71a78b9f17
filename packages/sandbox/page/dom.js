/**
 * Creates elements without markup: every text is shown as text. Updates the page without replacing elements, so that
 * focus, scroll positions, and expanded details survive a redraw.
 */

/** @typedef {Node | string | number | false | null | undefined} Piece */
/** @typedef {Piece | readonly Pieces[]} Pieces */
/** @typedef {Readonly<Record<string, string | number | boolean | null | undefined>>} Attributes */

/**
 * Creates an HTML element. `data-key` identifies it among its siblings across redraws. With `data-glow`, it is
 * highlighted when it is new or the attribute changes.
 *
 * @param {string} tag
 * @param {Attributes} attributes true: present without a value; false, null, undefined: absent
 * @param {Pieces[]} children
 */
export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

/**
 * Creates an SVG element.
 *
 * @param {string} tag
 * @param {Attributes} attributes
 * @param {Pieces[]} children
 */
export const s = (tag, attributes, ...children) =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);

/**
 * @template {Element} E
 * @param {E} element
 * @param {Attributes} attributes
 * @param {readonly Pieces[]} children
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
  append(element, children);
  return element;
}

/** @param {Element} element @param {readonly Pieces[]} children */
function append(element, children) {
  for (const child of children) {
    if (child === false || child === null || child === undefined || child === '') continue;
    if (typeof child === 'object' && !(child instanceof Node)) append(element, child);
    else element.append(child instanceof Node ? child : String(child));
  }
}

/**
 * Updates an element to have these children.
 *
 * @param {Element} element
 * @param {Pieces} children
 */
export function draw(element, children) {
  const wanted = document.createElement('div');
  append(wanted, [children]);
  matchChildren(element, wanted, element.childNodes.length > 0);
}

/** @param {Element} from @param {Element} to @param {boolean} glow whether to highlight new elements */
function matchChildren(from, to, glow) {
  const byKey = new Map([...from.children].flatMap((child) => (keyOf(child) ? [[keyOf(child), child]] : [])));
  let at = from.firstChild;
  for (const wanted of Array.from(to.childNodes)) {
    const there = keyOf(wanted) ? byKey.get(keyOf(wanted)) : at && !keyOf(at) ? at : undefined;
    if (!there || there.nodeName !== wanted.nodeName) {
      from.insertBefore(wanted, at);
      if (glow) highlight(wanted);
      continue;
    }
    if (there === at) at = at.nextSibling;
    else from.insertBefore(there, at);
    match(there, wanted, glow);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

/** @param {Node} from @param {Node} to @param {boolean} glow */
function match(from, to, glow) {
  if (!(from instanceof Element) || !(to instanceof Element)) {
    if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
    return;
  }
  const changed = from.getAttribute('data-glow') !== to.getAttribute('data-glow');
  matchAttributes(from, to);
  matchChildren(from, to, glow);
  if (glow && changed) highlight(from);
}

/**
 * Updates the attributes, but keeps the user's state: whether details are expanded.
 *
 * @param {Element} from
 * @param {Element} to
 */
function matchAttributes(from, to) {
  const isTheirs = (/** @type {string} */ name) => name === 'open' && from.nodeName === 'DETAILS';
  for (const { name } of Array.from(from.attributes)) {
    if (!to.hasAttribute(name) && !isTheirs(name)) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value && !isTheirs(name)) from.setAttribute(name, value);
  }
}

const HIGHLIGHT_MS = 2500;

/** @param {Node} node */
function highlight(node) {
  if (!(node instanceof Element) || !node.hasAttribute('data-glow')) return;
  node.classList.add('fresh');
  setTimeout(() => node.classList.remove('fresh'), HIGHLIGHT_MS);
}

/** @param {Node} node */
const keyOf = (node) => (node instanceof Element ? node.getAttribute('data-key') : null);

/**
 * Creates a link that opens outside of the page. Without a valid web URL, creates only the text.
 *
 * @param {string} url
 * @param {Pieces} words
 * @param {string} [className]
 */
export function link(url, words, className) {
  const parsed = URL.parse(url);
  if (parsed?.protocol !== 'https:' && parsed?.protocol !== 'http:') return h('span', { class: className }, words);
  const attributes = { href: parsed.href, target: '_blank', rel: 'noopener noreferrer', title: parsed.href };
  return h('a', { ...attributes, class: className }, words);
}
