/**
 * The part of the script that keeps an open page up to date; pages are complete without it. It requests the address
 * of the page as an event stream. Where the platform tells of commits, the stream stays open; elsewhere each answer is short,
 * and the browser repeats the request after `retry` milliseconds. `tick` says after how many seconds; 0: the stream is open.
 */
export const LIVE = `
(() => {
  const state = document.getElementById('live');
  if (!state || !window.EventSource) return;
  let source;
  let lastTick = Date.now();

  const showState = (text, name) => {
    if (state.textContent !== text) state.textContent = text;
    state.className = name;
  };

  /** A part with a control that a person is using, or with a form to correct, stays as it is. */
  const inUse = (part) =>
    part.querySelector('form[data-refused]') !== null ||
    [...part.querySelectorAll('input:not([type=hidden]), textarea, select')].some((field) =>
      field === document.activeElement ||
      (field.tagName === 'SELECT'
        ? field.selectedIndex !== Math.max(0, [...field.options].findIndex((option) => option.defaultSelected))
        : field.value !== field.defaultValue));

  /** Replaces the parts that changed. Opened details stay open, and the focus stays where it is. */
  const replaceParts = (markup) => {
    const fresh = new DOMParser().parseFromString(markup, 'text/html');
    if (fresh.title) document.title = fresh.title;
    const [icon, freshIcon] = [document, fresh].map((page) => page.querySelector('link[rel=icon]'));
    if (freshIcon && icon.getAttribute('href') !== freshIcon.getAttribute('href')) icon.replaceWith(freshIcon);
    showTimes(fresh);
    const main = document.getElementById('main');
    const parts = [...fresh.querySelectorAll('[data-part]')];
    const ids = (root) => [...root.querySelectorAll('[data-part]')].map(({ id }) => id).join();
    for (const next of fresh.querySelectorAll('details[id]')) {
      const current = document.getElementById(next.id);
      if (current) next.open = current.open;
    }
    // While a person uses a control, parts neither appear nor disappear, but the others are brought up to date.
    if (ids(main) !== ids(fresh) && !inUse(main)) {
      main.replaceChildren(...fresh.getElementById('main').childNodes);
      return;
    }
    for (const next of parts) {
      const current = document.getElementById(next.id);
      if (!current || current.outerHTML === next.outerHTML || inUse(current)) continue;
      const focused = current.contains(document.activeElement) ? document.activeElement.id : '';
      current.replaceWith(next);
      if (focused) document.getElementById(focused)?.focus();
    }
  };

  const connect = () => {
    const address = new URL(state.dataset.address, location.href);
    address.searchParams.set('since', state.dataset.version);
    address.searchParams.set('page_key', state.dataset.pageKey);
    source = new EventSource(address);
    source.addEventListener('page', ({ data, lastEventId }) => {
      state.dataset.version = lastEventId;
      replaceParts(data);
    });
    source.addEventListener('tick', ({ data }) => {
      lastTick = Date.now();
      showState(data > 0 ? 'Live, every ' + data + ' s' : 'Live', 'is-live');
    });
    source.addEventListener('error', () => {
      if (source.readyState === EventSource.CLOSED) showState('Updates stopped. Reload the page.', 'is-stopped');
      else if (Date.now() - lastTick > 20000) showState('No connection. Trying again.', 'is-stopped');
    });
  };

  document.addEventListener('visibilitychange', () => {
    source?.close();
    if (!document.hidden) connect();
  });
  // After a form, a reload shows the page instead of sending the form again.
  history.replaceState(null, '', state.dataset.address + location.hash);
  connect();
})();
`;
