/**
 * The only stylesheet. Text has a contrast of at least 4.5 to 1 in both color schemes, and color is never the only
 * sign.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f5f6f8;
  --surface: #ffffff;
  --raised: #f0f2f5;
  --text: #1a1f26;
  --quiet: #57606c;
  --line: #d9dee5;
  --strong-line: #828c99;
  --link: #0a55a8;
  --critical: #b02318;
  --critical-ground: #fdecea;
  --warning: #805000;
  --warning-ground: #fdf2dc;
  --good: #196b35;
  --good-ground: #e5f4ea;
  --info: #0a55a8;
  --info-ground: #e6f0fb;
  --bar: #3b7dd8;
  --track: #dde3ea;
  --primary: #0a55a8;
  --on-primary: #ffffff;
  --radius: 6px;
  --mono: ui-monospace, 'SF Mono', 'Cascadia Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0e1217;
    --surface: #161b22;
    --raised: #1e252e;
    --text: #e4e8ed;
    --quiet: #9fa9b5;
    --line: #2b343f;
    --strong-line: #6b7685;
    --link: #7cb8ff;
    --critical: #ff9a91;
    --critical-ground: #3a1a18;
    --warning: #f2bc66;
    --warning-ground: #33270f;
    --good: #7fd79b;
    --good-ground: #14301e;
    --info: #8dc1ff;
    --info-ground: #142a44;
    --bar: #5b9bec;
    --track: #2b343f;
    --primary: #2c71c4;
    --on-primary: #ffffff;
  }
}
* { box-sizing: border-box; }
html { font: 14px/1.45 system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', 'DejaVu Sans', sans-serif; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--text); overflow-wrap: anywhere; }
h1, h2, h3, p, ul, ol, dl, dd { margin: 0; padding: 0; }
ul, ol { list-style: none; }
h1 { font-size: 1.3rem; line-height: 1.3; font-weight: 600; }
h2 { font-size: 0.78rem; font-weight: 600; letter-spacing: 0.05em; text-transform: uppercase; color: var(--quiet); }
h3 { font-size: 1rem; font-weight: 600; line-height: 1.35; }
a { color: var(--link); text-underline-offset: 2px; text-decoration-thickness: 1px; }
a:hover { text-decoration-thickness: 2px; }
code { font-family: var(--mono); font-size: 0.86em; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px; }
#main:focus { outline: none; }
.hidden, .skip:not(:focus) { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip:focus { position: absolute; z-index: 3; top: 6px; left: 6px; padding: 6px 12px; background: var(--surface); border: 1px solid var(--strong-line); border-radius: var(--radius); }
.quiet, .nothing, .more, .hint { color: var(--quiet); }
.quiet, .hint { font-size: 0.88rem; }
.lacking { color: var(--warning); font-weight: 600; }

.top { display: flex; align-items: center; gap: 4px 20px; flex-wrap: wrap; padding: 0 24px; min-height: 46px; background: var(--surface); border-bottom: 1px solid var(--line); }
.brand { font-weight: 700; color: var(--text); text-decoration: none; letter-spacing: -0.01em; }
.brand span { color: #c2401f; }
@media (prefers-color-scheme: dark) { .brand span { color: #ff8a65; } }
.top nav { display: flex; flex-wrap: wrap; align-self: stretch; margin-right: auto; }
.top nav a { display: flex; align-items: center; min-height: 38px; padding: 0 9px; color: var(--quiet); text-decoration: none; border-bottom: 2px solid transparent; }
.top nav a:hover { color: var(--text); }
.top nav a[aria-current] { color: var(--text); font-weight: 600; border-bottom-color: #c2401f; }
#live { font-size: 0.85rem; color: var(--quiet); }
#live:not(:empty)::before { content: ''; display: inline-block; width: 7px; height: 7px; margin-right: 6px; border-radius: 50%; background: var(--strong-line); vertical-align: 1px; }
#live.is-live::before { background: #2da44e; }
#live.is-stopped { color: var(--critical); font-weight: 600; }
#live.is-stopped::before { background: var(--critical); border-radius: 0; }
.person { position: relative; }
.person > summary { cursor: pointer; padding: 4px 8px; border-radius: var(--radius); color: var(--quiet); }
.person > summary:hover { background: var(--raised); }
.menu { position: absolute; z-index: 2; right: 0; top: calc(100% + 6px); width: 230px; padding: 14px; background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius); box-shadow: 0 8px 24px rgb(0 0 0 / 18%); }
.menu form { display: grid; gap: 8px; margin-top: 10px; }

main { max-width: 1360px; margin: 0 auto; padding: 20px 24px 40px; }
footer { max-width: 1360px; margin: 0 auto; padding: 0 24px 24px; color: var(--quiet); font-size: 0.85rem; }
.columns { display: grid; grid-template-columns: minmax(0, 1fr) 380px; gap: 16px; align-items: start; }
.aside, .detail { display: grid; gap: 16px; min-width: 0; }
.panel > .quiet + .scrolled, .lines + .hint, .panel > p + .rows, .panel > p + .question { margin-top: 8px; }
.start { display: grid; gap: 8px; justify-items: start; }
.text { max-width: 76ch; overflow-wrap: anywhere; }
.text > * + * { margin-top: 10px; }
.text h3, .text h4, .text h5, .text h6 { margin: 18px 0 0; font-size: 1rem; font-weight: 600; }
.text h3:first-child, .text h4:first-child { margin-top: 0; }
.text h3 { font-size: 1.1rem; }
.text ul, .text ol { padding-left: 22px; }
.text ul { list-style: disc; }
.text ol { list-style: decimal; }
.text li + li, .text li > ul, .text li > ol { margin-top: 4px; }
.text li > p + p, .text li > pre { margin-top: 6px; }
.text pre { padding: 8px 10px; background: var(--raised); border-radius: var(--radius); }
.text blockquote { margin: 0; padding-left: 12px; border-left: 3px solid var(--strong-line); color: var(--quiet); }
.text hr { border: 0; border-top: 1px solid var(--line); }
.stack { display: grid; gap: 16px; }
.wrapped, .notice.error p { overflow-wrap: anywhere; white-space: pre-line; }
.incident-columns .detail { grid-column: 1; grid-row: 1; }
.incident-columns .aside { grid-column: 2; grid-row: 1; }

.panel { min-width: 0; padding: 14px 16px 16px; background: var(--surface); border: 1px solid var(--line); border-radius: 8px; }
.panel > h2 { display: flex; align-items: center; gap: 8px; margin-bottom: 10px; }
.count { padding: 0 7px; border-radius: 9px; background: var(--raised); color: var(--text); font-variant-numeric: tabular-nums; letter-spacing: 0; }
.panel.asks { border-color: var(--warning); border-left-width: 4px; }
.problem { max-width: 620px; display: grid; gap: 10px; }

.strip { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 16px; margin-bottom: 16px; padding: 10px 16px; background: var(--surface); border: 1px solid var(--line); border-radius: 8px; }
.strip.paused { background: var(--critical-ground); border-color: var(--critical); }
.strip details[open] { flex-basis: 100%; }
.strip summary { cursor: pointer; }
.mode { display: inline-block; padding: 0 8px; border: 1px solid var(--line); border-radius: 9px; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
.mode-act { border-color: var(--good); color: var(--good); }
.mode-approve { border-color: var(--info); color: var(--info); }
.mode-suggest, .mode-shadow { color: var(--quiet); border-color: var(--strong-line); }
.mode-shadow { border-style: dashed; }

.badge { display: inline-block; padding: 0 8px; border: 1px solid var(--strong-line); border-radius: 9px; font-size: 0.82rem; line-height: 1.5; color: var(--text); white-space: nowrap; }
.badge.critical, .badge.effect-failed, .badge.paused { color: var(--critical); border-color: var(--critical); background: var(--critical-ground); }
.badge.warning, .badge.state-mitigating, .badge.effect-intended, .badge.effect-accepted { color: var(--warning); border-color: var(--warning); background: var(--warning-ground); }
.badge.info { color: var(--info); border-color: var(--info); background: var(--info-ground); }
.badge.state-mitigated, .badge.state-resolved, .badge.effect-succeeded { color: var(--good); border-color: var(--good); background: var(--good-ground); }

.incidents > li + li { margin-top: 10px; }
.incident { padding: 12px 14px; border: 1px solid var(--line); border-left: 4px solid var(--info); border-radius: var(--radius); }
.incident.critical { border-left-color: var(--critical); }
.incident.warning { border-left-color: var(--warning); }
.incident h3 a { color: var(--text); text-decoration: none; }
.incident h3 a:hover { text-decoration: underline; }
.place { font-weight: 600; }
.incident h3 .place::after, h1 .place::after { content: ' ·'; color: var(--quiet); font-weight: 400; }
.incident h3 { font-weight: 400; }
h1 { font-weight: 400; }
.facts { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: baseline; margin-top: 6px; color: var(--quiet); font-size: 0.92rem; }
.incident .question, .asks .question, p.contradiction { margin-top: 8px; }
p.question, p.contradiction { padding: 6px 10px; background: var(--warning-ground); border-radius: var(--radius); }
p.question a { margin-left: 6px; font-weight: 600; }
.lines { display: grid; gap: 4px; margin-top: 8px; }
.lines > div { display: grid; grid-template-columns: 112px minmax(0, 1fr); gap: 12px; align-items: baseline; }
.decisions .lines + .quiet { margin-top: 6px; }
.aside .lines > div { grid-template-columns: 96px minmax(0, 1fr); }
.lines dt { color: var(--quiet); font-size: 0.92rem; }
.version { font-family: var(--mono); font-size: 0.92em; font-weight: 600; }
.share { display: inline-flex; align-items: center; gap: 6px; white-space: nowrap; }
.share svg { width: 72px; height: 8px; }
.share .track { fill: var(--track); }
.share .value { fill: var(--bar); }
.share .number { font-variant-numeric: tabular-nums; }
.children { margin-top: 8px; padding-top: 8px; border-top: 1px solid var(--line); }
.children summary { cursor: pointer; color: var(--quiet); font-size: 0.92rem; }
.children li { padding: 3px 0 3px 14px; }
.rows > li + li { margin-top: 8px; padding-top: 8px; border-top: 1px solid var(--line); }

h3.sub { margin: 16px 0 8px; padding-top: 10px; border-top: 1px solid var(--line); }
.summary { margin-bottom: 16px; }
.suspects > li + li, .decisions > li + li { margin-top: 12px; padding-top: 12px; border-top: 1px solid var(--line); }
.suspects > li > p:first-child { display: flex; flex-wrap: wrap; gap: 2px 12px; align-items: baseline; }
.reasons { display: grid; gap: 2px; }
.suspects .reasons { margin: 4px 0; }
.reasons li { padding-left: 14px; text-indent: -14px; }
.reasons li::before { content: '– '; color: var(--quiet); }
.decisions h3 { display: flex; flex-wrap: wrap; gap: 2px 8px; align-items: baseline; }
.decisions h3 .when { margin-left: auto; font-weight: 400; }
.when { font-family: var(--mono); font-size: 0.86rem; color: var(--quiet); white-space: nowrap; }
.question-page { max-width: 720px; display: grid; gap: 16px; }
.question-page h3 { margin-top: 14px; }
.question-page .asks > p { margin-top: 8px; }
.question-page .asks > .buttons { margin: 12px 0 0; }
.scrolled { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 6px 12px 6px 0; text-align: left; vertical-align: top; border-top: 1px solid var(--line); font-weight: 400; }
thead th { border-top: 0; color: var(--quiet); font-size: 0.85rem; overflow-wrap: break-word; }
tbody th { font-weight: 600; }
.target { display: block; font-weight: 400; max-width: 260px; }
td, tbody th { overflow-wrap: break-word; min-width: 5em; }

.filters { display: flex; flex-wrap: wrap; gap: 4px; margin-bottom: 8px; }
.filters a { padding: 3px 10px; border: 1px solid var(--line); border-radius: 12px; color: var(--quiet); text-decoration: none; font-size: 0.9rem; }
.filters a:hover { border-color: var(--strong-line); color: var(--text); }
.filters a[aria-current] { background: var(--raised); border-color: var(--strong-line); color: var(--text); font-weight: 600; }
.page-title { margin-bottom: 12px; font-weight: 600; }
.search { display: flex; flex-wrap: wrap; gap: 6px; margin-bottom: 10px; }
.search input { flex: 1; max-width: 420px; }
.search select { flex: 1 1 160px; max-width: 260px; }
.search button { flex: none; }
details.raw > summary { cursor: pointer; color: var(--link); white-space: nowrap; }
pre.code { margin: 0; font: 0.85em/1.5 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; }
details.raw pre { margin: 4px 0 0; font: 0.85em/1.5 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; }
.plot { margin: 0 0 8px; }
.plot > svg { display: block; width: 100%; height: auto; }
.plot > svg.narrow { display: none; }
@media (min-width: 961px) {
  .aside .plot > svg.narrow { display: block; }
  .aside .plot > svg.wide { display: none; }
}
@media (max-width: 600px) {
  .plot > svg.narrow { display: block; }
  .plot > svg.wide { display: none; }
}
.plot text { font-size: 11px; fill: var(--quiet); font-variant-numeric: tabular-nums; }
.plot .value { text-anchor: end; }
.plot .time { text-anchor: middle; }
.plot path { fill: none; }
.plot .grid { stroke: var(--line); }
.plot .curve { stroke: var(--bar); stroke-width: 2; stroke-linejoin: round; }
.plot .forecast { stroke-dasharray: 5 4; }
.plot .limit { stroke: var(--critical); stroke-width: 1.5; stroke-dasharray: 6 4; }
.plot .bounds { fill: var(--strong-line); opacity: 0.25; }
.plot .mark path { fill: var(--text); }
.plot .mark .at { fill: none; stroke: var(--text); }
.plot .deploy .at { stroke-dasharray: 2 3; }
.plot .now .at { stroke-dasharray: 1 4; }
.plot .forecast .at { stroke-dasharray: 4 6; }
.plot .alert .at { stroke-dasharray: 8 3; }
.plot .rollback .at { stroke-dasharray: 8 3 2 3; }
.plot .legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 6px 0; font-size: 0.92rem; }
.plot .legend svg { width: 13px; height: 13px; vertical-align: -2px; }
.plot time { color: var(--quiet); font-variant-numeric: tabular-nums; }
.plot summary { cursor: pointer; color: var(--link); }
.plot caption { text-align: left; padding: 6px 0; color: var(--quiet); }
.timeline > li { display: grid; grid-template-columns: auto 104px minmax(0, 1fr) auto; gap: 2px 12px; padding: 5px 0; border-top: 1px solid var(--line); }
.timeline .who { color: var(--quiet); }
.timeline .what { white-space: pre-line; }
.next { font-weight: 600; }
.timeline code { text-align: right; max-width: 180px; }

a.button { display: inline-block; text-align: center; text-decoration: none; }
button, a.button, input, textarea, select { font: inherit; color: var(--text); }
button, a.button { padding: 6px 12px; background: var(--surface); border: 1px solid var(--strong-line); border-radius: var(--radius); cursor: pointer; }
button:hover, a.button:hover { background: var(--raised); }
button.primary, a.button.primary { background: var(--primary); border-color: var(--primary); color: var(--on-primary); font-weight: 600; }
button.primary:hover, a.button.primary:hover { filter: brightness(1.1); }
button.danger { border-color: var(--critical); color: var(--critical); font-weight: 600; }
button.danger:hover { background: var(--critical-ground); }
input, textarea, select { width: 100%; padding: 6px 8px; background: var(--surface); border: 1px solid var(--strong-line); border-radius: var(--radius); }
input[type='checkbox'] { width: auto; }
::placeholder { color: var(--quiet); opacity: 1; }
label { font-weight: 600; }
.buttons { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 8px; }
.panel > .buttons:first-of-type { margin-top: 0; margin-bottom: 8px; }
.act { margin-top: 8px; border-top: 1px solid var(--line); }
.act + .act { margin-top: 0; }
td .act { margin: 0; border: 0; }
.act > summary { padding: 7px 0; cursor: pointer; color: var(--link); }
.editor { display: grid; gap: 8px; justify-items: start; width: 100%; }
.editor textarea { font-family: var(--mono); font-size: 0.86rem; line-height: 1.5; resize: vertical; }
.notice .panel { margin: 10px 0; }
.act form { display: grid; gap: 8px; justify-items: start; padding: 2px 0 14px; }
.notice { max-width: 1312px; margin: 16px auto 0; padding: 10px 14px; background: var(--good-ground); border: 1px solid var(--good); border-radius: var(--radius); }
.notice.error, .error { background: var(--critical-ground); border: 1px solid var(--critical); }
.notice + main { padding-top: 16px; }

.plain { max-width: 420px; padding-top: 12vh; display: grid; gap: 16px; }
.plain .brand { font-size: 1.2rem; }
.login { display: grid; gap: 10px; justify-items: start; }
.login .error { padding: 6px 10px; border-radius: var(--radius); }
.login h1 { font-weight: 600; }

@media (max-width: 960px) {
  .top { padding-top: 4px; }
  .top .brand { margin-right: auto; }
  .top nav { order: 1; flex-basis: 100%; margin: 0 -9px; }
  .columns, .incident-columns { grid-template-columns: minmax(0, 1fr); }
  .incident-columns .aside, .incident-columns .detail { display: contents; }
  .incident-columns > * > * { order: 1; }
  .incident-columns #questions, .incident-columns #actions { order: 0; }
  .incident-columns .timeline-panel { order: 2; }
}
@media (max-width: 1396px) { .notice { margin-inline: 24px; } }
@media (max-width: 620px) {
  html { font-size: 15px; }
  .top { padding: 0 12px; }
  main { padding: 12px 12px 32px; }
  footer { padding: 0 12px 20px; }
  .notice { margin-inline: 12px; }
  .panel { padding: 12px; }
  .lines > div, .aside .lines > div { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .scrolled { overflow: visible; }
  table, tbody, tr, th, td { display: block; min-width: 0; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody tr { padding: 10px 0; border-top: 1px solid var(--line); }
  tbody tr:first-child { border-top: 0; padding-top: 0; }
  tbody th, td { padding: 2px 0; border: 0; }
  td { display: grid; grid-template-columns: 96px minmax(0, 1fr); gap: 12px; }
  td::before { content: attr(data-label); color: var(--quiet); font-size: 0.92rem; }
  td.empty { display: none; }
  .reasons { grid-template-columns: minmax(0, 1fr); }
  .timeline > li { grid-template-columns: auto minmax(0, 1fr); }
  .timeline .what { grid-column: 1 / -1; }
  .timeline code { grid-column: 1 / -1; text-align: left; max-width: none; }
  button, .act > summary, .filters a { min-height: 40px; }
  .question-page .buttons > form, .question-page .buttons button { width: 100%; min-height: 46px; }
  .filters a { display: inline-flex; align-items: center; }
  .act > summary { padding: 10px 0; }
}
@media print { .top, .aside form, .skip { display: none; } }
`;
