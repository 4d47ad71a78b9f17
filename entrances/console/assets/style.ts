import { colorVariables } from '../../../core/domain/messages/identity.ts';

/**
 * The only stylesheet. Text has a contrast of at least 4.5 to 1 in both color schemes, and color is never the only
 * sign.
 */
export const STYLE = `
${colorVariables()}:root { --radius: 6px; }
* { box-sizing: border-box; }
html { font: 14px/1.45 var(--font); -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--text); overflow-wrap: anywhere; }
h1, h2, h3, h4, p, ul, ol, dl, dd { margin: 0; padding: 0; }
summary { min-height: 24px; }
ul, ol { list-style: none; }
h1 { font-size: 1.3rem; line-height: 1.3; font-weight: 600; }
h2 { font-size: 0.78rem; font-weight: 600; letter-spacing: 0.05em; text-transform: uppercase; color: var(--quiet); }
h3, h4 { font-size: 1rem; font-weight: 600; line-height: 1.35; }
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

.top { display: flex; align-items: center; gap: 0 20px; flex-wrap: wrap; padding: 0 24px; min-height: 46px; background: var(--surface); border-bottom: 1px solid var(--line); }
.brand { display: inline-flex; align-items: center; gap: 7px; font-weight: 700; color: var(--text); text-decoration: none; letter-spacing: -0.01em; }
.brand svg { width: 20px; height: 20px; }
/* Parts that scroll contain their hidden texts, which would widen the page. */
.top nav, .scrolled { position: relative; }
.top nav { display: flex; flex-wrap: wrap; align-self: stretch; margin-right: auto; }
.top nav a { display: flex; align-items: center; min-height: 38px; padding: 0 9px; color: var(--quiet); text-decoration: none; border-bottom: 2px solid transparent; }
.top nav a:hover { color: var(--text); }
.top nav a[aria-current] { color: var(--text); font-weight: 600; border-bottom-color: var(--brand); }
.top nav:not(.sub) { min-height: 45px; }
.top nav.sub { order: 2; flex: 0 0 calc(100% + 48px); margin: 0 -24px; padding: 0 15px; border-top: 1px solid var(--line); background: var(--ground); font-size: 0.93rem; }
.top nav .count { margin-left: 6px; font-size: 0.82rem; font-weight: 600; }
.find { padding: 4px 10px; border: 1px solid var(--line); border-radius: var(--radius); color: var(--quiet); text-decoration: none; white-space: nowrap; }
.find:hover { border-color: var(--strong-line); color: var(--text); }
.copy { font-size: 0.92rem; }
.find kbd, .copy, #show-times, #keys { visibility: hidden; }
.scripted .find kbd, .scripted #show-times, .scripted #keys, .copies .copy { visibility: visible; }
kbd { padding: 0 5px; border: 1px solid var(--line); border-bottom-width: 2px; border-radius: 4px; background: var(--raised); font: 0.82em var(--mono); color: var(--text); }
kbd + kbd { margin-left: 4px; }
dialog { width: min(640px, calc(100vw - 24px)); max-height: 76vh; margin: 10vh auto auto; padding: 14px; background: var(--surface); color: var(--text); border: 1px solid var(--strong-line); border-radius: 8px; box-shadow: 0 16px 48px rgb(0 0 0 / 30%); }
dialog::backdrop { background: rgb(0 0 0 / 35%); }
dialog input[type='search'] { padding: 10px 12px; font-size: 1.05rem; }
dialog .results { min-height: 300px; margin-top: 8px; }
dialog label { display: block; margin: 14px 0; font-weight: 400; }
.found a { display: flex; gap: 10px; align-items: baseline; padding: 7px 8px; border-radius: var(--radius); color: var(--text); text-decoration: none; }
.found a:hover, .found a:focus-visible { background: var(--raised); }
.kind { flex: none; width: 72px; color: var(--quiet); font-size: 0.85rem; }
footer p { display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: baseline; }
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
.columns + .detail { margin-top: 16px; }
.panel > p + .scrolled, .scrolled + p, .rows + p, main > p + .stack, main > p + .columns, main > p + .panel, .lines + .hint, .panel > p + .rows, .panel > p + .question { margin-top: 8px; }
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
.job { display: grid; grid-template-columns: minmax(0, 1fr) 250px; gap: 16px; }
.job .panel { padding: 8px 16px 10px; }
.job .panel > h2 { margin-bottom: 4px; }
.doing > li + li { margin-top: 4px; }
.incident-columns { grid-template-columns: minmax(0, 1fr) 450px; }
.incident-columns .detail { grid-column: 1; grid-row: 1; }
.incident-columns .aside { grid-column: 2; grid-row: 1; position: sticky; top: 8px; max-height: calc(100vh - 16px); overflow-y: auto; }
.question-bar { display: none; }
.weighed { margin: 4px 0; }
.weighed h3 { margin-top: 4px; font-size: 0.92rem; }
.question > .lines, .question-page .lines { margin: 8px 0; }
.aside .question > .lines > div { grid-template-columns: 76px minmax(0, 1fr); }
.health-state { margin-bottom: 4px; font-size: 1.05rem; }
.health-state.is-bad strong { color: var(--critical); }
.health-state.is-good strong { color: var(--good); }
.plot-title { margin: 4px 0 2px; font-size: 0.88rem; color: var(--quiet); }
.more-details > summary { padding: 8px 0; cursor: pointer; color: var(--link); }
.more-details + .more a { display: inline-block; min-height: 24px; }
details.what > summary { cursor: pointer; }
details.what[open] > summary { font-weight: 600; }

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
.mode-act { border-color: var(--strong-line); font-weight: 600; }
.mode-approve { border-color: var(--info); color: var(--info); }
.mode-suggest, .mode-shadow { color: var(--quiet); border-color: var(--strong-line); }
.mode-shadow { border-style: dashed; }
main:has(> #kill-switch, > .strip.paused) .mode { border-color: var(--strong-line); color: var(--quiet); }

.badge { display: inline-block; padding: 0 8px; border: 1px solid var(--strong-line); border-radius: 9px; font-size: 0.82rem; line-height: 1.5; color: var(--text); white-space: nowrap; }
.badge.critical, .badge.effect-failed, .badge.paused { color: var(--critical); border-color: var(--critical); background: var(--critical-ground); }
.badge.warning, .badge.state-mitigating, .badge.state-mitigated, .badge.effect-intended, .badge.effect-accepted { color: var(--warning); border-color: var(--warning); background: var(--warning-ground); }
.badge.info { color: var(--info); border-color: var(--info); background: var(--info-ground); }
.badge.state-verified, .badge.effect-succeeded { color: var(--good); border-color: var(--good); background: var(--good-ground); }

.incidents > li + li { margin-top: 10px; }
.incident { padding: 12px 14px; border: 1px solid var(--line); border-left: 4px solid var(--info); border-radius: var(--radius); }
.incident.critical { border-left-color: var(--critical); }
.incident.warning { border-left-color: var(--warning); }
.incident h4 a { color: var(--text); text-decoration: none; }
.incident h4 a:hover { text-decoration: underline; }
.place { font-weight: 600; }
.incident h4 .place::after, h1 .place::after { content: ' ·'; color: var(--quiet); font-weight: 400; }
.incident h4 { font-weight: 400; }
.need { display: flex; gap: 8px; align-items: baseline; margin-bottom: 8px; }
.need .count { flex: none; }
* + .need { margin-top: 16px; }
.checklist > li + li { margin-top: 6px; }
.checklist .quiet { padding-left: 20px; }
.checklist .done { color: var(--quiet); }
.checklist + form { margin-top: 10px; }
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
.lines .long { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; }
.span { white-space: nowrap; }
.inc { color: var(--quiet); font-variant-numeric: tabular-nums; white-space: nowrap; }
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
.rows > li > a { display: inline-block; min-height: 24px; line-height: 24px; }

h3.sub { margin: 16px 0 8px; padding-top: 10px; border-top: 1px solid var(--line); }
.summary { margin-bottom: 16px; }
.summary .title { flex: 1 1 480px; min-width: 0; }
.summary .title-row .buttons { flex: none; margin-top: 0; }
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
.title-row { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: 4px 16px; }
.fields { display: grid; gap: 8px; justify-items: start; max-width: 560px; }
.search { display: flex; flex-wrap: wrap; gap: 6px; margin-bottom: 10px; }
.search input { flex: 1; max-width: 420px; }
.search select { flex: 1 1 10.5em; max-width: 220px; }
.search button { flex: none; }
.search.many input { flex-basis: 100%; max-width: none; }
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
.plot .forecast, .plot .beside, .plot .dashed path { stroke-dasharray: 5 4; }
.plot .mark.solid path, .plot .mark.dashed path { stroke: currentColor; stroke-width: 2; }
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
.timeline > li { display: grid; grid-template-columns: auto 104px minmax(0, 1fr); gap: 2px 12px; padding: 5px 0; border-top: 1px solid var(--line); }
.timeline .who { color: var(--quiet); }
.timeline .what { white-space: pre-line; }
.next { font-weight: 600; }

a.button { display: inline-block; text-align: center; text-decoration: none; }
button, a.button, input, textarea, select { font: inherit; color: var(--text); }
button, a.button { padding: 6px 12px; background: var(--surface); border: 1px solid var(--strong-line); border-radius: var(--radius); cursor: pointer; }
button.plain-button { padding: 0; border: 0; background: none; color: var(--link); text-decoration: underline; text-underline-offset: 2px; min-height: 24px; }
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
.acts { display: flex; flex-wrap: wrap; gap: 0 24px; }
.acts > .act { margin: 0; border: 0; }
.acts > .act[open] { flex-basis: 100%; }
td .act { margin: 0; border: 0; }
.act > summary { padding: 7px 0; cursor: pointer; color: var(--link); }
.editor { display: grid; gap: 8px; justify-items: start; width: 100%; }
.editor textarea { font-family: var(--mono); font-size: 0.86rem; line-height: 1.5; resize: vertical; }
.notice .panel { margin: 10px 0; }
.act form { display: grid; gap: 8px; justify-items: start; padding: 2px 0 14px; }
.field-problem { color: var(--critical); font-weight: 600; }
[aria-invalid='true'] { border-color: var(--critical); }
.notice ul { margin-top: 4px; padding-left: 18px; list-style: disc; }
.notice { max-width: 1312px; margin: 16px auto 0; padding: 10px 14px; background: var(--info-ground); border: 1px solid var(--info); border-radius: var(--radius); }
.notice.error, .error { background: var(--critical-ground); border: 1px solid var(--critical); }
.notice + main { padding-top: 16px; }
main > .notice { margin: 0 0 16px; }

.plain { max-width: 420px; padding-top: 12vh; display: grid; gap: 16px; }
.plain .brand { font-size: 1.2rem; }
.login { display: grid; gap: 10px; justify-items: start; }
.login .error { padding: 6px 10px; border-radius: var(--radius); }
.login h1 { font-weight: 600; }

@media (max-width: 960px) {
  .top nav { flex-wrap: nowrap; min-width: 0; overflow-x: auto; scrollbar-width: none; }
  .top nav a { flex: none; }
  .top nav:not(.sub) { flex: 1 1 calc(100% - 140px); min-height: 0; }
  .top nav.sub { order: 0; flex: 1 1 120px; margin: 0 0 0 -9px; padding: 0; border: 0; background: none; }
  .find { margin-left: auto; }
  .find kbd { display: none; }
  #live:not(.is-stopped) { flex: none; width: 7px; overflow: hidden; white-space: nowrap; }
  #live.is-stopped { order: 1; flex-basis: 100%; padding-bottom: 4px; }
  .columns, .incident-columns, .job { grid-template-columns: minmax(0, 1fr); }
  .question-bar { display: flex; gap: 4px 12px; flex-wrap: wrap; align-items: baseline; position: sticky; top: 0; z-index: 2; margin: 0 -24px 12px; padding: 8px 24px; background: var(--warning-ground); border-bottom: 1px solid var(--warning); }
  .question-bar span { flex: 1; min-width: 0; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
  html:has(.question-bar) { scroll-padding-top: 48px; }
  .incident-columns .aside, .incident-columns .detail { display: contents; }
  .incident-columns > * > * { order: 4; }
  .incident-columns #questions.asks { order: 0; }
  .incident-columns #health:has(.health-state) { order: 1; }
  .incident-columns #questions { order: 2; }
  .incident-columns .job { order: 3; }
  .incident-columns .timeline-panel { order: 5; }
}
@media (max-width: 1396px) { .notice { margin-inline: 24px; } }
@media (max-width: 620px) {
  html { font-size: 15px; }
  .top { padding: 0 12px; gap: 4px 12px; }
  .top .brand { display: none; }
  .top nav { font-size: 0.83rem; }
  .top nav a { padding: 0 4px; }
  .top nav:not(.sub) a { position: relative; flex: 1 0 auto; justify-content: center; padding: 0 1px; }
  .top nav:not(.sub) .count { position: absolute; top: 0; right: 0; padding: 0 4px; font-size: 0.68rem; }
  .top nav:not(.sub) { flex-basis: calc(100% + 14px); margin: 0 -7px; }
  .top nav.sub { margin: 0 0 0 -5px; font-size: 0.83rem; }
  .person > summary { max-width: 88px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  main { padding: 12px 12px 32px; }
  .question-bar { margin-inline: -12px; padding-inline: 12px; }
  footer { padding: 0 12px 20px; }
  .notice { margin-inline: 12px; }
  .panel { padding: 12px; }
  .lines > div, .aside .lines > div { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .scrolled { overflow: visible; }
  table, tbody, th { display: block; min-width: 0; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody tr { display: flex; flex-wrap: wrap; gap: 2px 16px; padding: 8px 0; border-top: 1px solid var(--line); }
  tbody tr:first-child { border-top: 0; padding-top: 0; }
  tbody th, td { padding: 0; border: 0; overflow-wrap: anywhere; }
  tbody th { flex: 0 0 100%; }
  tbody th > a { display: inline-block; min-height: 24px; }
  td { display: flex; gap: 6px; align-items: baseline; min-width: 0; max-width: 100%; }
  td > div { min-width: 0; }
  td:has(> div > details.raw:first-child)::before { content: none; }
  td::before { content: attr(data-label); color: var(--quiet); font-size: 0.92rem; }
  td.empty { display: none; }
  .reasons { grid-template-columns: minmax(0, 1fr); }
  .timeline > li { grid-template-columns: auto minmax(0, 1fr); }
  .timeline .what { grid-column: 1 / -1; }
  button:not(.plain-button), .act > summary, .filters a { min-height: 40px; }
  .question-page .buttons > form, .question-page .buttons button { width: 100%; min-height: 46px; }
  .filters a { display: inline-flex; align-items: center; }
  .act > summary { padding: 10px 0; }
}
@media print { .top, .aside form, .skip { display: none; } }
`;
