/**
 * The part of the script for the keyboard: the palette, which shows the results of the page that finds things, the list of
 * keys, and buttons that copy. Single keys can be turned off, because speech input can type them by mistake.
 */
export const KEYS = `
const make = (name, properties, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};
const find = document.getElementById('find');

let palette;
const makePalette = () => {
  const input = make('input', { type: 'search', maxLength: 200, autocomplete: 'off', placeholder: 'Incident, service, version, runbook, page, or action' });
  const results = make('div', { className: 'results' });
  const said = make('p', { className: 'hidden' });
  input.setAttribute('aria-label', 'Find');
  said.setAttribute('role', 'status');
  const dialog = make('dialog', { id: 'palette' }, input, results, said);
  dialog.setAttribute('aria-label', 'Find');
  let turn = 0;
  let timer;
  const search = async () => {
    clearTimeout(timer);
    const mine = ++turn;
    try {
      const response = await fetch(find.href + '?' + new URLSearchParams({ text: input.value }), { headers: { accept: 'text/html' } });
      const page = new DOMParser().parseFromString(await response.text(), 'text/html');
      if (mine !== turn) return;
      const list = page.querySelector('#found > ul, #found > p') ?? make('p', { textContent: 'Sign in again to find something.' });
      results.replaceChildren(list);
      const count = list.querySelectorAll('a').length;
      said.textContent = count + (count === 1 ? ' result' : ' results');
    } catch {
      if (mine === turn) results.replaceChildren(make('p', { textContent: 'No connection.' }));
    }
  };
  input.addEventListener('input', () => {
    turn += 1; // what is on its way is out of date
    clearTimeout(timer);
    timer = setTimeout(search, 120);
  });
  dialog.addEventListener('keydown', async (event) => {
    const { key, target } = event;
    if (key === 'Enter' && target === input) {
      event.preventDefault();
      await search();
      results.querySelector('a')?.click();
    }
    if (key !== 'ArrowDown' && key !== 'ArrowUp') return;
    event.preventDefault();
    const all = [input, ...results.querySelectorAll('a')];
    const at = all.indexOf(document.activeElement) + (key === 'ArrowDown' ? 1 : -1);
    all[(at + all.length) % all.length].focus();
  });
  dialog.addEventListener('click', ({ target }) => {
    if (target === dialog || target.closest('a')) dialog.close();
  });
  document.body.append(dialog);
  return { dialog, input, search };
};
const openPalette = () => {
  palette ??= makePalette();
  if (palette.dialog.open) return;
  palette.input.value = '';
  palette.dialog.showModal();
  palette.input.focus();
  void palette.search();
};
find?.addEventListener('click', (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  openPalette();
});

const sections = () => [...document.querySelectorAll('.top a[data-key]')];
const nameOf = (link) => link.firstChild.textContent.trim();
let help;
const openHelp = () => {
  if (!help) {
    const rows = [
      ['Ctrl K', 'Find'],
      ...sections().map((link) => ['g ' + link.dataset.key, nameOf(link)]),
      ['/', 'Search on this page'],
      ['?', 'These keys'],
    ];
    const switched = make('input', { type: 'checkbox', checked: stored('keys') !== 'off' });
    switched.addEventListener('change', () => store('keys', switched.checked ? 'on' : 'off'));
    help = make('dialog', { id: 'help' },
      make('h2', { textContent: 'Keys' }),
      make('dl', { className: 'lines' }, ...rows.map(([keys, what]) =>
        make('div', {}, make('dt', {}, ...keys.split(' ').map((key) => make('kbd', { textContent: key }))), make('dd', { textContent: what })))),
      make('label', {}, switched, ' Keys without Ctrl'),
      make('form', { method: 'dialog' }, make('button', { textContent: 'Close' })));
    help.setAttribute('aria-label', 'Keys');
    document.body.append(help);
  }
  help.showModal();
};
document.getElementById('keys')?.addEventListener('click', openHelp);

let waitsForSection = 0;
document.addEventListener('keydown', (event) => {
  const { key, target, ctrlKey, metaKey, altKey } = event;
  if ((ctrlKey || metaKey) && !altKey && key.toLowerCase() === 'k' && find) {
    event.preventDefault();
    openPalette();
    return;
  }
  if (ctrlKey || metaKey || altKey || stored('keys') === 'off' || document.querySelector('dialog[open]')) return;
  if (target.closest?.('input, textarea, select, [contenteditable]')) return;
  if (Date.now() < waitsForSection) {
    waitsForSection = 0;
    sections().find((link) => link.dataset.key === key)?.click();
  } else if (key === 'g') waitsForSection = Date.now() + 1500;
  else if (key === '?') openHelp();
  else if (key === '/') {
    const search = document.querySelector('main input[type=search]');
    if (search) {
      event.preventDefault();
      search.focus();
    } else if (find) {
      event.preventDefault();
      openPalette();
    }
  }
});

if (navigator.clipboard) document.documentElement.classList.add('copies');
document.addEventListener('click', async ({ target }) => {
  const button = target.closest?.('button.copy');
  if (!button) return;
  const { copy, label } = button.dataset;
  await navigator.clipboard.writeText(copy.startsWith('/') ? location.origin + copy : copy);
  button.textContent = 'Copied';
  setTimeout(() => { button.textContent = label; }, 1500);
});
`;
