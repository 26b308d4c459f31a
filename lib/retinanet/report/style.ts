// How a page looks: calm, in the scheme that the reader's system has, on narrow screens and wide ones.

/** CSS. Curves take the colours --curve-0 ... --curve-7 from here. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfbfa; --card: #ffffff; --ink: #1d2329; --soft: #59636e; --line: #dfe3e8; --grid: #e9ecef; --pale: #c3cad2;
  --good: 32, 128, 84; --bad: 190, 72, 40; --bar: 60, 110, 180;
  --curve-0: #2563b8; --curve-1: #b8500f; --curve-2: #1b7f5c; --curve-3: #8a3fa8; --curve-4: #a3264f; --curve-5: #7a6a00;
  --curve-6: #0b7a94; --curve-7: #555b66;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --card: #1b1f25; --ink: #e4e8ec; --soft: #9aa5b1; --line: #323942; --grid: #2a3038; --pale: #4a5460;
    --good: 70, 190, 130; --bad: 240, 120, 80; --bar: 90, 150, 230;
    --curve-0: #6aa5f5; --curve-1: #f0965a; --curve-2: #55c79a; --curve-3: #c98be6; --curve-4: #f07ba0; --curve-5: #d4c04a;
    --curve-6: #52c3dc; --curve-7: #b3bac4;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; }
header, main, nav ul { max-width: 1240px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 28px; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 0 0 10px; }
h3 { font-size: 1rem; margin: 18px 0 8px; }
p { margin: 0 0 12px; max-width: 78ch; }
a { color: inherit; text-underline-offset: 3px; }
:focus-visible { outline: 2px solid var(--curve-0); outline-offset: 2px; }
.note { color: var(--soft); font-size: .9rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
nav ul { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; margin-top: 12px; font-size: .9rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px; margin: 18px 0; }
dl.summary { display: grid; grid-template-columns: repeat(auto-fill, minmax(106px, 1fr)); gap: 10px; margin: 16px 0 0; }
dl.summary div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 10px 12px; }
dt { color: var(--soft); font-size: .85rem; }
dd { margin: 0; font-size: 1.3rem; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
figure { margin: 0; min-width: 0; }
figcaption { font-size: .92rem; margin-bottom: 6px; }
details { margin-top: 6px; font-size: .9rem; }
summary { cursor: pointer; color: var(--soft); width: fit-content; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 26px 30px; margin-bottom: 14px; }
.chart { min-height: 240px; min-width: 0; }
.scroll { overflow-x: auto; max-width: 100%; margin: 8px 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .88rem; }
caption { text-align: left; color: var(--soft); padding: 4px 0; }
th, td { padding: 4px 10px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
tbody th, th:first-child { text-align: left; font-weight: 500; }
tbody th { max-width: 34ch; overflow: hidden; text-overflow: ellipsis; }
.bar { display: inline-block; min-width: 84px; padding: 0 6px; border-radius: 3px;
  background: linear-gradient(to right, rgba(var(--bar), .28) calc(100% * var(--share)), transparent 0); }
.matrix tbody th { position: sticky; left: 0; background: var(--card); max-width: 18ch; }
.matrix .column { max-width: 22ch; overflow: hidden; text-overflow: ellipsis; }
.matrix.many .column { writing-mode: vertical-rl; transform: rotate(180deg); text-align: left; vertical-align: bottom; max-height: 14em; padding: 10px 4px; }
.matrix.many td { min-width: 34px; padding: 4px 6px; }
.matrix .zero { color: var(--soft); opacity: .6; }
.matrix td { border: 1px solid var(--line); min-width: 48px; }
.matrix .right { background: rgba(var(--good), calc(.6 * var(--share))); font-weight: 600; }
.matrix .wrong { background: rgba(var(--bad), calc(.6 * var(--share))); }
.matrix [colspan], .config thead th { text-align: left; }
.matrix .none { border: 0; }
.config td { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 14ch; }
.config th { vertical-align: top; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); gap: 20px; align-items: start; }
.picture figcaption { margin: 6px 0 0; overflow-wrap: anywhere; }
.file { display: block; font-weight: 600; }
.frame { position: relative; background: var(--grid); border-radius: 6px; overflow: hidden; }
.frame img { display: block; width: 100%; height: auto; }
.frame svg { position: absolute; inset: 0; width: 100%; height: 100%; }
rect { fill: none; vector-effect: non-scaling-stroke; }
rect.under { stroke: #000; stroke-opacity: .55; stroke-width: 3.4; }
rect.under.heavy { stroke-width: 5.4; }
rect.object { stroke: #3ddc84; stroke-width: 2; }
rect.found { stroke: #ffd23f; stroke-width: 2; stroke-dasharray: 6 4; }
rect.heavy { stroke-width: 3.8; }
.frame text { fill: #fff6d0; stroke: #000; stroke-opacity: .75; paint-order: stroke; font-family: system-ui, sans-serif; font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center; font-size: .9rem; }
.legend svg { background: #3a424c; border-radius: 3px; }
.uplot, .uplot * { font-family: inherit; }
.u-legend { font-size: .85rem; }
.u-legend .u-series > th { cursor: pointer; }
.u-legend .u-marker { width: 22px; height: 0; border-width: 2px 0 0 !important; vertical-align: middle; }
.u-legend .u-label { max-width: 24ch; overflow: hidden; text-overflow: ellipsis; }
.u-inline .u-value { min-width: 3.5em; }
.u-legend th, .u-legend td { border: 0; padding: 2px 4px; }
.u-hz .u-cursor-x, .u-hz .u-cursor-y { border-color: var(--soft); }
.u-inline { max-height: 132px; overflow-y: auto; }
@media (max-width: 520px) {
  header, main, nav ul { padding: 0 10px; }
  header { padding-top: 18px; }
  section { padding: 14px 12px; }
  th, td { padding: 4px 7px; }
}
@media print { nav { display: none; } section { break-inside: avoid-page; } }
`;
