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
  const data = spec.data.map((trace) => {
    const part = trace.mode === "lines" ? "line" : "marker";
    const drawn = { ...trace, [part]: { ...trace[part], color: colour(figure, trace[part].color, dark) } };
    drawn.visible = !figure.hidden.has(trace.legendgroup);
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
    await Plotly.newPlot(plot, data, layout, { responsive: true, displayModeBar: false, showTips: false });
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

async function reset(figure) {
  figure.hidden.clear();
  figure.section.querySelectorAll(".legend button").forEach((button) => button.setAttribute("aria-pressed", "true"));
  figure.following = true;
  for (const [i, plot] of figure.plots.entries()) {
    await Plotly.relayout(plot, { "xaxis.autorange": true, "yaxis.autorange": true });
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

function swatch({ colour: stroke, dash, faint }) {
  const svg = document.createElementNS(SVG, "svg");
  const dashes = { solid: "", dash: "7 4", dot: "2 3", dashdot: "7 3 2 3" }[dash];
  for (const [name, value] of Object.entries({ width: 26, height: 10, "aria-hidden": true })) svg.setAttribute(name, value);
  const line = document.createElementNS(SVG, "line");
  for (const [name, value] of Object.entries({ x1: 0, x2: 26, y1: 5, y2: 5, stroke, "stroke-width": 2.5, "stroke-dasharray": dashes, opacity: faint ? 0.35 : 1 })) line.setAttribute(name, value);
  svg.append(line);
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
  const rows = ["panel,line,group,x,y"];
  for (const { panel, name, group, x, y } of figure.lines) {
    const start = [panel, name, group].map(cell).join(",");
    const ys = figure.columns[y];
    figure.columns[x].forEach((each, i) => rows.push(`${start},${each},${ys[i]}`));
  }
  save(figure, "csv", new Blob([rows.join("\r\n"), "\r\n"], { type: "text/csv;charset=utf-8" }));
}

function written(parent, text, x, y, size, weight = 400) {
  const element = document.createElementNS(SVG, "text");
  const look = { x, y, fill: LIGHT.ink, "font-size": size, "font-weight": weight, "font-family": "system-ui, sans-serif" };
  for (const [name, value] of Object.entries(look)) element.setAttribute(name, value);
  element.textContent = text;
  parent.append(element);
}

// What is shown now, on white, as one image: the title, the legend, and the panels side by side.
async function composed(figure) {
  const [width, height, head] = [560, 380, 28];
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
  for (const [i, spec] of figure.panels.entries()) {
    const { data, layout } = themed(figure, spec, false);
    keepRanges(figure.plots[i], layout);
    Object.assign(layout, { width: width - 24, height: height - head });
    const text = await Plotly.toImage({ data, layout }, { format: "svg", width: width - 24, height: height - head, imageDataOnly: true });
    const panel = document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
    const [left, top] = [(i % across) * width + 12, y + Math.floor(i / across) * height];
    written(image, spec.title, left + 4, top + 18, 14, 600);
    panel.setAttribute("x", left);
    panel.setAttribute("y", top + head);
    image.append(panel);
  }
  const high = y + Math.ceil(figure.panels.length / across) * height + 8;
  for (const [name, value] of Object.entries({ width: total, height: high, viewBox: `0 0 ${total} ${high}` })) image.setAttribute(name, value);
  const white = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ width: total, height: high, fill: "#ffffff" })) white.setAttribute(name, value);
  image.prepend(white);
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

async function start() {
  document.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", () => copy(button.dataset.copy)));
  for (const section of document.querySelectorAll("figure.figure")) {
    const figure = prepare(section);
    figures.push(figure);
    const actions = { reset, svg, png, csv, drag };
    section.querySelectorAll("[data-do]").forEach((button) => button.addEventListener("click", () => actions[button.dataset.do](figure, button)));
    drawLegend(figure);
    await draw(figure);
  }
  wantsDark.addEventListener("change", repaint);
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  addEventListener("hashchange", reveal);
  reveal();
  document.documentElement.dataset.ready = "";
}

start();
