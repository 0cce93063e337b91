// The plot of chosen conditions, as a figure that report.js draws: its legend, zoom, and downloads are the report's.

// Plotly's labels understand a little HTML: every name is shown as it is.
const unread = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

// A figure of lines {name, group, x, y, dots}, groups sharing a colour.
function figureOf(palette, { title, xLabel, yLabel, logX, logY, rule, lines, whole }) {
  const groups = [...new Set(lines.map((line) => line.group))];
  const look = (group) => {
    const place = groups.indexOf(group);
    const round = Math.floor(place / palette.colours.length);
    return {
      colour: palette.colours[place % palette.colours.length],
      dash: palette.dashes[round % palette.dashes.length],
      mark: palette.marks[(place + round) % palette.marks.length],
    };
  };
  const dotted = lines.some((line) => line.dots);
  const figure = { title, file: title.replace(/[^\w.-]+/g, "-").replace(/^[-.]+|[-.]+$/g, "") || "curves", dark: palette.dark, points: palette.points, columns: [], lines: [], panels: [] };
  figure.legend = groups.map((group) => ({ key: `group ${group}`, label: group, faint: false, ...look(group), mark: dotted ? look(group).mark : "" }));
  const data = lines.map((line) => {
    const { colour: stroke, dash, mark } = look(line.group);
    const start = figure.columns.push(line.x, line.y) - 2;
    figure.lines.push({ panel: title, name: line.name, group: line.group, x: start, y: start + 1 });
    const plain = (value) => (typeof value === "number" && (!logY || value > 0) ? drawable(value) : null);
    const across = (value) => (typeof value === "number" && (!logX || value > 0) ? drawable(value) : null);
    return {
      type: "scatter", name: unread(line.name), legendgroup: `group ${line.group}`, opacity: line.faint ? 0.45 : 0.9,
      mode: line.faint ? "markers" : line.dots ? "lines+markers" : line.x.length === 1 ? "markers" : "lines",
      line: { color: stroke, width: 1.7, dash }, marker: { color: stroke, size: line.faint ? 5 : 7, symbol: line.dots ? mark : "circle" },
      x: line.x.map(across), y: line.y.map(plain), text: line.text?.map(unread),
      hovertemplate: `%{x}, %{y:.5~g}${line.text ? "<br>%{text}" : ""}<extra>%{fullData.name}</extra>`,
      meta: { line: figure.lines.length - 1, thinned: false, ordered: true },
    };
  });
  const layout = structuredClone(palette.layout);
  Object.assign(layout, { height: 460, shapes: [], annotations: [] });
  layout.xaxis.title.text = unread(xLabel);
  layout.yaxis.title.text = unread(yLabel);
  if (logX) layout.xaxis.type = "log";
  if (logY) layout.yaxis.type = "log";
  if (whole && !logX) Object.assign(layout.xaxis, { tick0: 0, dtick: 1 });
  const rules = [];
  if (rule) {
    rules.push("rule");
    layout.shapes.push({ type: "line", xref: "paper", x0: 0, x1: 1, yref: "y", y0: rule.y, y1: rule.y, line: { color: LIGHT.ink, width: 1, dash: "6px,4px" } });
    const y = logY ? Math.log10(rule.y) : rule.y;
    layout.annotations.push({ xref: "paper", x: 1, xanchor: "left", yref: "y", y, yanchor: "middle", showarrow: false, text: unread(rule.name), font: { color: LIGHT.ink, size: 11 } });
    layout.margin.r = 16 + Math.round(6.4 * rule.name.length);
  }
  figure.panels.push({ data, layout, title, x_label: xLabel, log_y: Boolean(logY), rules });
  return figure;
}

// The element that a figure is drawn into, built as the report's template builds it.
function figureSection(figure, caption, described) {
  const made = (kind, attributes = {}, ...children) => {
    const node = document.createElement(kind);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };
  const button = (action, words, title) => made("button", { type: "button", "data-do": action, title }, words);
  const data = made("script", { type: "application/json" });
  data.textContent = JSON.stringify(figure);
  const tools = made("div", { class: "tools", role: "group", "aria-label": figure.title });
  tools.append(button("reset", "Reset", "Show everything again"), button("svg", "SVG", "Download what is shown as a vector image"));
  tools.append(button("png", "PNG", "Download what is shown as an image"), button("csv", "CSV", "Download the points that are drawn"));
  return made(
    "figure", { class: "figure" },
    made("div", { class: "bar" }, made("h3", {}, figure.title), tools),
    made("ul", { class: "legend", "aria-label": "Lines shown" }),
    made("div", { class: "panels panels-1" }, made("div", { class: "panel" }, made("div", { class: "plot", role: "group", tabindex: "0", "aria-label": described }))),
    made("figcaption", {}, caption),
    data,
  );
}

// What a reader hid in a figure and where each of its panels was moved to, before another takes its place.
function remember(figure) {
  const moved = figure.plots.map((plot, i) => {
    const found = {};
    for (const name of plot._fullLayout ? ["xaxis", "yaxis"] : []) {
      const [now, { range: began, type }] = [seen(plot, name), figure.panels[i].layout[name]];
      if (began ? JSON.stringify(now.range) !== JSON.stringify(began) : !now.autorange) found[name] = { range: now.range, type: type ?? "linear" };
    }
    return found;
  });
  return { title: figure.title, hidden: new Set(figure.hidden), moved };
}

async function inherit(old, fresh) {
  const keys = new Set(fresh.legend.map((entry) => entry.key));
  fresh.hidden = new Set([...old.hidden].filter((key) => keys.has(key)));
  fresh.following = true;
  for (const [i, plot] of fresh.plots.entries()) {
    const same = Object.entries(old.moved[i] ?? {}).filter(([name, { type }]) => (fresh.panels[i].layout[name].type ?? "linear") === type);
    if (same.length) await Plotly.relayout(plot, Object.fromEntries(same.map(([name, { range }]) => [`${name}.range`, range])));
  }
  drawLegend(fresh);
  await restyle(fresh);
  fresh.following = false;
}

function forget(section) {
  for (const old of section.querySelectorAll("figure.figure")) {
    const place = figures.findIndex((figure) => figure.section === old);
    if (place >= 0) for (const plot of figures.splice(place, 1)[0].plots) Plotly.purge(plot);
  }
}
