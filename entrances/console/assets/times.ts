/** The part of the script that shows local times: in the tooltip of each time, and in its place if a person has chosen so. */
export const TIMES = `
const stored = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
const store = (name, value) => { try { localStorage.setItem(name, value); } catch {} };
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const two = (number) => String(number).padStart(2, '0');
const dayOf = (at) => at.getFullYear() + '-' + two(at.getMonth() + 1) + '-' + two(at.getDate());
const clockOf = (at) => [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');

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
    time.textContent = isLocal ? (day === today ? '' : day.slice(5) + ' ') + clockOf(at) : time.dataset.utc;
  }
};

const showZone = () => {
  const isLocal = stored('times') === 'local';
  const text = document.getElementById('zone');
  const button = document.getElementById('show-times');
  if (!text || !button) return;
  text.textContent = isLocal ? 'Times are in ' + zone + ', in plots UTC.' : 'All times are UTC.';
  button.textContent = isLocal ? 'Show UTC' : 'Show local time';
  showTimes(document);
};
document.getElementById('show-times')?.addEventListener('click', () => {
  store('times', stored('times') === 'local' ? 'utc' : 'local');
  showZone();
});
document.documentElement.classList.add('scripted');
showZone();
`;
