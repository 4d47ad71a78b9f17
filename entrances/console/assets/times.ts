/** The part of the script that writes times in texts, such as `by 12:16 UTC`, as local ones. A time without a day is of today. */
export const LOCAL_TEXT = `
const two = (number) => String(number).padStart(2, '0');
const dayOf = (at) => at.getFullYear() + '-' + two(at.getMonth() + 1) + '-' + two(at.getDate());
const clockOf = (at) => [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
const IN_TEXT = /(?:(\\d{4}-\\d\\d-\\d\\d) )?(\\d\\d:\\d\\d(?::\\d\\d)?)(?:( to | and |–)(?:(\\d{4}-\\d\\d-\\d\\d) )?(\\d\\d:\\d\\d(?::\\d\\d)?))? UTC/g;
const localText = (text, now = new Date()) => text.replace(IN_TEXT, (all, day, clock, word, lastDay, lastClock) => {
  const times = [[day, clock], [lastDay ?? day, lastClock]].flatMap(([date, time]) =>
    time ? [new Date((date ?? now.toISOString().slice(0, 10)) + 'T' + time + 'Z')] : []);
  if (times.some((at) => Number.isNaN(at.getTime()))) return all;
  const written = (at, date, time) => (date ? dayOf(at) + ' ' : '') + clockOf(at).slice(0, time.length);
  const { value: zone } = new Intl.DateTimeFormat('en', { timeZoneName: 'short' }).formatToParts(times[0]).find(({ type }) => type === 'timeZoneName');
  const [first, last] = times;
  return written(first, day, clock) + (last ? word + written(last, lastDay, lastClock) : '') + ' ' + zone;
});
`;

/** The part of the script that shows local times: in the tooltip of each time, and in its place if a person has chosen so. */
export const TIMES = `
const stored = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
const store = (name, value) => { try { localStorage.setItem(name, value); } catch {} };
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
${LOCAL_TEXT}
// Texts as the page came, by their nodes.
const texts = new WeakMap();
const showTexts = (root, isLocal) => {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const before = texts.get(node);
    if (before !== undefined && !isLocal) node.data = before;
    // Forms take times in UTC, and examples stay as they are.
    if (!isLocal || !node.data.includes(' UTC') || node.parentElement?.closest('form, code, pre, svg, script, textarea')) continue;
    texts.set(node, before ?? node.data);
    node.data = localText(before ?? node.data);
  }
};

const showTimes = (root) => {
  const isLocal = stored('times') === 'local';
  const today = dayOf(new Date());
  for (const time of root.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const day = dayOf(at);
    time.title = time.dateTime.slice(0, 19).replace('T', ' ') + ' UTC\\n' + day + ' ' + clockOf(at) + ' ' + zone;
    if (!time.classList.contains('clock')) continue;
    time.dataset.utc ??= time.textContent.trim();
    time.textContent = isLocal ? (day === today ? '' : day.slice(5) + ' ') + clockOf(at).slice(0, time.dataset.utc.split(' ').at(-1).length) : time.dataset.utc;
  }
  showTexts(root === document ? document.getElementById('main') ?? document.body : root, isLocal);
};

const showZone = () => {
  const isLocal = stored('times') === 'local';
  // Read by the script of plots.
  document.body.dataset.local = Number(isLocal);
  const text = document.getElementById('zone');
  const button = document.getElementById('show-times');
  if (!text || !button) return;
  text.textContent = isLocal ? 'Times are in ' + zone + '.' : 'All times are UTC.';
  button.textContent = isLocal ? 'Show UTC' : 'Show local time';
  showTimes(document);
};
document.getElementById('show-times')?.addEventListener('click', () => {
  store('times', stored('times') === 'local' ? 'utc' : 'local');
  showZone();
  document.dispatchEvent(new Event('times'));
});
document.documentElement.classList.add('scripted');
showZone();
`;
