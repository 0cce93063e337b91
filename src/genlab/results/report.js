// The page's own script: draws the figures from the JSON beside each, follows the colour scheme, and makes the downloads.
"use strict";

const LIGHT = { ink: "#222428", grid: "#e4e5e8", axis: "#888c94", paper: "#ffffff" };
const DARK = { ink: "#dcdee1", grid: "#2b2f35", axis: "#777c85", paper: "#15171a" };
const SVG = "http://www.w3.org/2000/svg";
const wantsDark = matchMedia("(prefers-color-scheme: dark)");
const touch = matchMedia("(pointer: coarse)");
const figures = [];
let printing = false;

const isDark = () => wantsDark.matches && !printing;
const drawable = (value) => (typeof value === "number" && Math.abs(value) < 1e150 ? value : null);
const colour = (figure, light, dark = isDark()) => (dark && figure.dark[light]) || light;

function say(words) {
  const place = document.getElementById("said");
  place.textContent = words;
  setTimeout(() => { if (place.textContent === words) place.textContent = ""; }, 2500);
}

// ---- drawing

function themed(figure, spec, dark = isDark()) {
  const look = dark ? DARK : LIGHT;
  const layout = structuredClone(spec.layout);
  layout.font.color = look.ink;
  layout.hoverlabel.bgcolor = look.paper;
  layout.hoverlabel.font = { color: look.ink };
  for (const axis of [layout.xaxis, layout.yaxis]) Object.assign(axis, { gridcolor: look.grid, linecolor: look.axis, tickcolor: look.axis });
  spec.rules.forEach((key, i) => {
    layout.shapes[i].line.color = look.ink;
    layout.annotations[i].font.color = colour(figure, spec.layout.annotations[i].font.color, dark);
    layout.shapes[i].visible = layout.annotations[i].visible = !figure.hidden.has(key);
  });
  const tint = (part) => ({ ...part, color: part.color === LIGHT.ink ? look.ink : colour(figure, part.color, dark) });
  const data = spec.data.map((trace) => {
    const drawn = { ...trace, visible: !figure.hidden.has(trace.legendgroup) };
    for (const part of ["line", "marker", "error_x", "error_y", "textfont"]) if (trace[part]) drawn[part] = tint(trace[part]);
    if (drawn.marker?.line) drawn.marker.line = tint(drawn.marker.line);
    return drawn;
  });
  return { data, layout };
}

function prepare(section) {
  const figure = JSON.parse(section.querySelector("script").textContent);
  Object.assign(figure, { section, hidden: new Set(), plots: [...section.querySelectorAll(".plot")], dragging: !touch.matches, following: false });
  for (const spec of figure.panels) {
    for (const trace of spec.data) {
      if (!trace.x) Object.assign(trace, points(figure, trace.meta.line, 0, Infinity));
      if (trace.meta?.thinned) trace.whole = { x: trace.x, y: trace.y };
    }
  }
  return figure;
}

function points(figure, line, start, end) {
  const { x, y } = figure.lines[line];
  return { x: figure.columns[x].slice(start, end).map(drawable), y: figure.columns[y].slice(start, end).map(drawable) };
}

async function draw(figure) {
  for (const [i, plot] of figure.plots.entries()) {
    const { data, layout } = themed(figure, figure.panels[i]);
    layout.dragmode = figure.dragging ? "zoom" : false;
    plot.style.minHeight = `${layout.height}px`;
    const doubleClick = layout.xaxis.range || layout.yaxis.range ? "reset" : "reset+autosize";
    await Plotly.newPlot(plot, data, layout, { responsive: true, displayModeBar: false, showTips: false, doubleClick });
    plot.on("plotly_relayout", (change) => zoomed(figure, i, change));
    plot.addEventListener("keydown", (event) => typed(figure, i, event));
  }
}

// Plotly leaves a range that it chose itself out of ``plot.layout`` after some redraws: only its full layout always has it.
function seen(plot, name) {
  const { range, autorange } = plot._fullLayout[name];
  return { range: [...range], autorange };
}

function keepRanges(plot, layout) {
  for (const name of ["xaxis", "yaxis"]) {
    const { range, autorange } = seen(plot, name);
    Object.assign(layout[name], autorange ? { autorange } : { autorange, range });
  }
}

async function restyle(figure) {
  for (const [i, plot] of figure.plots.entries()) {
    const { data, layout } = themed(figure, figure.panels[i]);
    keepRanges(plot, layout);
    layout.dragmode = figure.dragging ? "zoom" : false;
    await Plotly.react(plot, data, layout);
  }
}

// ---- zooming

function refine(figure, i) {
  const { range: [from, to], autorange } = seen(figure.plots[i], "xaxis");
  for (const trace of figure.panels[i].data) {
    if (!trace.meta?.thinned || !trace.meta.ordered) continue;
    const xs = figure.columns[figure.lines[trace.meta.line].x];
    const start = Math.max(first(xs, Math.min(from, to)) - 1, 0);
    const end = first(xs, Math.max(from, to)) + 2;
    Object.assign(trace, autorange || end - start > figure.points ? trace.whole : points(figure, trace.meta.line, start, end));
  }
}

function first(sorted, value) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function zoomed(figure, i, change) {
  if (figure.following || !Object.keys(change).some((key) => key.startsWith("xaxis.") || key === "xaxis")) return;
  figure.following = true;
  const { range, autorange } = seen(figure.plots[i], "xaxis");
  for (const [j, spec] of figure.panels.entries()) {
    if (spec.x_label !== figure.panels[i].x_label) continue;
    if (j !== i) await Plotly.relayout(figure.plots[j], autorange ? { "xaxis.autorange": true } : { "xaxis.range": range });
    refine(figure, j);
  }
  await restyle(figure);
  figure.following = false;
}

function home(layout) {
  const axes = ["xaxis", "yaxis"].map((name) => (layout[name].range ? [`${name}.range`, [...layout[name].range]] : [`${name}.autorange`, true]));
  return Object.fromEntries(axes);
}

async function reset(figure) {
  figure.hidden.clear();
  figure.section.querySelectorAll(".legend button").forEach((button) => button.setAttribute("aria-pressed", "true"));
  figure.following = true;
  for (const [i, plot] of figure.plots.entries()) {
    await Plotly.relayout(plot, home(figure.panels[i].layout));
    refine(figure, i);
  }
  await restyle(figure);
  figure.following = false;
}

function typed(figure, i, event) {
  const [from, to] = seen(figure.plots[i], "xaxis").range;
  const width = to - from;
  const moves = { "+": [0.2, -0.2], "=": [0.2, -0.2], "-": [-1 / 3, 1 / 3], ArrowLeft: [-0.2, -0.2], ArrowRight: [0.2, 0.2] };
  const move = moves[event.key];
  if (event.ctrlKey || event.metaKey || event.altKey || (!move && event.key !== "0")) return;
  event.preventDefault();
  if (move) Plotly.relayout(figure.plots[i], { "xaxis.range": [from + move[0] * width, to + move[1] * width] });
  else reset(figure);
}

// ---- the legend

const DASHES = { solid: "", dash: "7 4", dot: "2 3", dashdot: "7 3 2 3", longdash: "11 4", longdashdot: "11 3 2 3" };
const MARKS = {
  circle: "M9.5 5a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0", square: "M9.8 1.8h6.4v6.4h-6.4z", diamond: "M13 .4l4.6 4.6-4.6 4.6-4.6-4.6z",
  "triangle-up": "M13 .8l4.6 8h-9.2z", "triangle-down": "M13 9.2l4.6-8h-9.2z", x: "M9.6 3.4l2-2 1.4 1.5 1.4-1.5 2 2-1.5 1.6 1.5 1.6-2 2-1.4-1.5-1.4 1.5-2-2 1.5-1.6z",
};

function element(kind, attributes) {
  const made = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function swatch({ colour: stroke, dash, faint, mark }) {
  const svg = element("svg", { width: 26, height: 10, "aria-hidden": true });
  const [opacity, hatched] = [faint ? 0.5 : 1, mark.startsWith("hatched")];
  if (mark.endsWith("bar")) {
    svg.append(element("rect", { x: 4.5, y: 0.5, width: 17, height: 9, stroke, fill: hatched ? "none" : stroke, "fill-opacity": 0.65 }));
    if (hatched) svg.append(element("path", { d: "M5 9l8-8M10 9l8-8M15 9l6-6", stroke, fill: "none" }));
    return svg;
  }
  svg.append(element("line", { x1: 0, x2: 26, y1: 5, y2: 5, stroke, "stroke-width": 2.5, "stroke-dasharray": DASHES[dash], opacity }));
  if (mark) svg.append(element("path", { d: MARKS[mark], fill: stroke, opacity }));
  return svg;
}

function drawLegend(figure) {
  const rows = figure.legend.map((entry) => {
    const [row, button] = [document.createElement("li"), document.createElement("button")];
    button.type = "button";
    button.setAttribute("aria-pressed", String(!figure.hidden.has(entry.key)));
    button.append(swatch({ ...entry, colour: colour(figure, entry.colour) }), entry.label);
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(shown));
      if (shown) figure.hidden.delete(entry.key);
      else figure.hidden.add(entry.key);
      restyle(figure);
    });
    row.append(button);
    return row;
  });
  figure.section.querySelector(".legend").replaceChildren(...rows);
}

// ---- downloads

function save(figure, kind, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${figure.file}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  say(`${link.download} saved`);
}

// A spreadsheet runs a cell that begins like a formula: such words get an apostrophe in front.
function cell(value) {
  const text = /^[=+@\t\r-]/.test(value) && isNaN(value) ? `'${value}` : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csv(figure) {
  const names = ["x", "y", "low", "high", "n"].filter((name) => figure.lines.some((line) => name in line));
  const rows = [["panel", "line", "group", ...names].join(",")];
  for (const line of figure.lines) {
    const start = [line.panel, line.name, line.group].map(cell).join(",");
    const columns = names.map((name) => figure.columns[line[name]]);
    const said = (each, place) => (line.words && place === 0 ? cell(each) : each ?? "");
    columns[0].forEach((_, i) => rows.push(`${start},${columns.map((each, place) => said(each?.[i], place)).join(",")}`));
  }
  save(figure, "csv", new Blob([rows.join("\r\n"), "\r\n"], { type: "text/csv;charset=utf-8" }));
}

function written(parent, text, x, y, size, weight = 400) {
  const made = element("text", { x, y, fill: LIGHT.ink, "font-size": size, "font-weight": weight, "font-family": "system-ui, sans-serif" });
  made.textContent = text;
  parent.append(made);
}

// What is shown now, on white, as one image: the title, the legend, and the panels side by side.
async function composed(figure) {
  const [width, head] = [560, 28];
  const across = figure.panels.length === 4 ? 2 : Math.min(figure.panels.length, 3) || 1;
  const total = Math.max(across * width, 640);
  const image = document.createElementNS(SVG, "svg");
  written(image, figure.title, 16, 30, 18, 600);
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = "13px system-ui, sans-serif";
  let [x, y] = [16, 58];
  for (const entry of figure.legend.filter((each) => !figure.hidden.has(each.key))) {
    const wide = 34 + pen.measureText(entry.label).width + 22;
    if (x + wide > total && x > 16) [x, y] = [16, y + 20];
    const line = swatch(entry);
    line.setAttribute("x", x);
    line.setAttribute("y", y - 9);
    image.append(line);
    written(image, entry.label, x + 34, y, 13);
    x += wide;
  }
  y += 14;
  let below = y;
  for (const [i, spec] of figure.panels.entries()) {
    if (i % across === 0) y = below;
    const { data, layout } = themed(figure, spec, false);
    keepRanges(figure.plots[i], layout);
    const size = { width: width - 24, height: layout.height + 12 };
    below = Math.max(below, y + size.height + head);
    const text = await Plotly.toImage({ data, layout: Object.assign(layout, size) }, { format: "svg", ...size, imageDataOnly: true });
    const panel = document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
    const [left, top] = [(i % across) * width + 12, y];
    written(image, spec.title, left + 4, top + 18, 14, 600);
    panel.setAttribute("x", left);
    panel.setAttribute("y", top + head);
    image.append(panel);
  }
  const high = below + 8;
  for (const [name, value] of Object.entries({ width: total, height: high, viewBox: `0 0 ${total} ${high}` })) image.setAttribute(name, value);
  image.prepend(element("rect", { width: total, height: high, fill: "#ffffff" }));
  return { text: new XMLSerializer().serializeToString(image), width: total, height: high };
}

async function svg(figure) {
  save(figure, "svg", new Blob([(await composed(figure)).text], { type: "image/svg+xml" }));
}

async function png(figure) {
  const { text, width, height } = await composed(figure);
  const image = new Image();
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [2 * width, 2 * height];
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => save(figure, "png", blob), "image/png");
}

function drag(figure, button) {
  figure.dragging = !figure.dragging;
  button.setAttribute("aria-pressed", String(figure.dragging));
  restyle(figure);
}

// ---- the page

async function copy(id) {
  const element = document.getElementById(id);
  getSelection().selectAllChildren(element);
  try {
    await navigator.clipboard.writeText(element.textContent);
  } catch {
    document.execCommand("copy");
  }
  say("Copied");
}

async function repaint() {
  for (const figure of figures) {
    drawLegend(figure);
    await restyle(figure);
  }
}

function print(on) {
  printing = on;
  document.querySelectorAll(".claims details").forEach((each) => { each.open = on; });
  repaint();
}

// A link to a condition opens nothing by itself; a link into a closed part must open it.
function reveal() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target) target.closest("details")?.setAttribute("open", "");
}

async function present(section) {
  const figure = prepare(section);
  figures.push(figure);
  const actions = { reset, svg, png, csv, drag };
  section.querySelectorAll("[data-do]").forEach((button) => button.addEventListener("click", () => actions[button.dataset.do](figure, button)));
  drawLegend(figure);
  await draw(figure);
  return figure;
}

async function start() {
  document.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", () => copy(button.dataset.copy)));
  for (const section of document.querySelectorAll("figure.figure")) await present(section);
  wantsDark.addEventListener("change", repaint);
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  addEventListener("hashchange", reveal);
  reveal();
  document.documentElement.dataset.ready = "";
}

start();
