// The page: asks its server, or the file that it is, for what there is; shows it, and follows a run without losing a reader's choice.
(() => {
  const at = (id) => document.getElementById(id);
  const given = JSON.parse(at("given").textContent);
  const LIVE = 2000; // milliseconds between two questions, while somebody looks
  const ASLEEP = 15000; // while nobody does
  const FIRST = 6; // conditions that are plotted before anybody chose
  const ACROSS = "setting "; // of the axis choice: one number a condition, across a setting
  const state = { study: null, data: null, versions: new Map(), judged: new Map(), plot: null, memory: null, asked: 0, judging: false };

  // ---- where things come from

  const file = {
    now: async () => given.now,
    table: async (study) => given.tables[study],
    findings: async (study) => {
      const kept = [...document.querySelectorAll("template")].find((each) => each.dataset.study === study);
      return { version: given.tables[study].version, nodes: [...(kept?.content.cloneNode(true).childNodes ?? [])] };
    },
    curves: async (study, ids, metric, axis) => {
      const kept = given.curves[study]?.[axis]?.[metric] ?? [];
      const wanted = new Set(ids);
      const curves = kept.filter((curve) => wanted.has(curve.id));
      const drawn = new Set(curves.map((curve) => curve.id));
      return { curves, lacking: ids.filter((id) => !drawn.has(id)), "left out": 0 };
    },
    condition: async (id) => given.details[id],
  };
  const ask = async (path, query = {}) => {
    const words = new URLSearchParams(query).toString();
    const reply = await fetch(words ? `${path}?${words}` : path, { cache: "no-cache" }).catch(() => {
      throw new Error("genlab view does not answer");
    });
    if (!reply.ok) throw new Error((await reply.text()).trim() || `${reply.status}`);
    return reply;
  };
  const server = {
    now: async () => (await ask("now")).json(),
    table: async (study) => (await ask("table", { study })).json(),
    findings: async (study) => {
      const reply = await ask("findings", { study });
      // Every word in it that somebody else wrote was escaped where the part was made; what is parsed here never runs a script.
      const parsed = new DOMParser().parseFromString(await reply.text(), "text/html");
      return { version: reply.headers.get("X-Version"), nodes: [...parsed.body.childNodes].map((node) => document.adoptNode(node)) };
    },
    curves: async (study, ids, metric, axis) => (await ask("curves", { study, ids: ids.join(","), metric, axis })).json(),
    condition: async (id) => (await ask("condition", { id })).json(),
  };
  const source = given.mode === "file" ? file : server;

  // ---- the table

  const conditions = new Conditions(at("table"), { chosen: () => { tell(); plot(); }, opened: (id) => open(id) });

  function tell() {
    const count = conditions.chosen.size;
    at("chosen").textContent = count ? `${count} chosen` : "none chosen";
  }

  function options(select, entries, preferred) {
    const before = select.value;
    select.replaceChildren(...entries.map(([value, words]) => new Option(words, value)));
    const values = entries.map(([value]) => value);
    select.value = values.includes(before) ? before : values.includes(preferred) ? preferred : values[0] ?? "";
  }

  function listColumns() {
    at("column-list").replaceChildren(...conditions.data.columns.map((column) => {
      const [label, box] = [document.createElement("label"), document.createElement("input")];
      Object.assign(box, { type: "checkbox", checked: conditions.shown.has(column.key) });
      box.addEventListener("change", () => conditions.reveal(column.key, box.checked));
      label.append(box, ` ${column.label}`);
      return label;
    }));
  }

  function showTable(data) {
    const first = state.data?.study !== data.study;
    state.data = data;
    at("title").textContent = data.title;
    at("paper").textContent = data.paper;
    conditions.show(data);
    const counts = Object.entries(data.counts).map(([status, count]) => `${count.toLocaleString("en")} ${status}`);
    at("counts").textContent = `${data.rows.length.toLocaleString("en")} ${data.rows.length === 1 ? "condition" : "conditions"}: ${counts.join(", ")}.`;
    const told = data.transcripts?.ids.length ?? 0;
    if (told) at("counts").textContent += ` ${told.toLocaleString("en")} with transcripts: click a condition to read them.`;
    at("same").textContent = data.same.length && data.rows.length > 1 ? `The same in all: ${data.same.map(([name, value]) => `${name} = ${value}`).join(", ")}.` : "";
    listColumns();
    const axes = [...data.axes.map((axis) => [axis, axis]), ...data.along.map((name) => [ACROSS + name, `${name} (one number a condition)`])];
    options(at("metric"), data.metrics.map((name) => [name, name]), favourite(data));
    options(at("axis"), axes, axes[0]?.[0]);
    if (first) {
      at("log-y").checked = at("log-x").checked = false;
      const place = data.columns.findIndex((column) => column.key === "status");
      const done = conditions.passing().filter((id) => rowOf(id)[place] !== "failed");
      const start = data.axes.length ? done.slice(0, FIRST) : done.slice(0, 200);
      if (start.length) conditions.choose(start, true);
    }
    tell();
  }

  // What a reader most likely came for: a sharpness over its threshold, or the share of full marks.
  function favourite(data) {
    return ["sharpness / threshold", "full_marks", "preference", "test_accuracy", "loss"].find((name) => data.metrics.includes(name));
  }

  const rowOf = (id) => state.data.rows.find((row) => row[conditions.at] === id);

  // ---- curves

  async function plot() {
    const turn = ++state.asked;
    const [metric, axis, ids] = [at("metric").value, at("axis").value, [...conditions.chosen]];
    const { data } = state;
    if (!data) return;
    if (!ids.length || !metric || !axis) return bare(!data.metrics.length ? "Nothing is recorded yet." : !axis ? "These records run along no axis, and no setting of numbers differs." : "Tick conditions in the table above.");
    const groups = new Map(data.rows.map((row, place) => [row[conditions.at], data.groups[place]]));
    const labels = new Map(data.rows.map((row) => [row[conditions.at], row[0]]));
    const [logX, logY] = [at("log-x").checked, at("log-y").checked];
    const rule = metric.endsWith(" / threshold") ? { y: 1, name: "threshold" } : null;
    let [lines, told] = [[], []];
    if (axis.startsWith(ACROSS)) ({ lines, told } = across(ids, metric, axis.slice(ACROSS.length), groups, labels));
    else {
      const found = await source.curves(data.study, ids.slice(0, 500), metric, axis);
      if (turn !== state.asked) return;
      lines = found.curves.map((curve) => ({ name: [labels.get(curve.id), curve.name].filter(Boolean).join(", "), group: groups.get(curve.id), x: curve.x, y: curve.y }));
      const thinned = found.curves.filter((curve) => curve.recorded > curve.x.length).length;
      if (thinned) told.push(`Long curves are thinned with their extremes kept: ${thinned} of ${found.curves.length}${given.mode === "file" ? ", for this file" : ""}; the CSV holds the points drawn.`);
      if (found.lacking.length) told.push(`${found.lacking.length} chosen without readings of ${metric}.`);
      if (found["left out"]) told.push(`${found["left out"]} curves more are not drawn.`);
    }
    const hidden = logY ? lines.reduce((sum, line) => sum + line.y.filter((value) => typeof value === "number" && value <= 0).length, 0) : 0;
    if (hidden) told.push(`${hidden.toLocaleString("en")} points of zero or less have no place on a log scale.`);
    if (!lines.length) return bare(`Nothing recorded of ${metric} in the ${ids.length === 1 ? "condition" : "conditions"} chosen.`);
    const xLabel = axis.startsWith(ACROSS) ? axis.slice(ACROSS.length) : axis;
    const whole = axis.startsWith(ACROSS) && lines.every((line) => line.x.every(Number.isInteger)) && Math.max(...lines.flatMap((line) => line.x)) < 12;
    const title = `${metric} against ${xLabel}`;
    const figure = figureOf(given.palette, { title, xLabel, yLabel: metric, logX, logY, rule, lines, whole });
    const section = figureSection(figure, "", `${title}, of ${ids.length} conditions${logY ? ", on a log scale" : ""}`);
    await place(section, told.join(" "), turn);
  }

  async function place(section, words, turn) {
    const [old, kept] = [state.plot ? remember(state.plot) : state.memory, at("plot")];
    Object.assign(state, { plot: null, memory: old });
    kept.style.minHeight = `${kept.offsetHeight}px`; // the page does not jump while one plot takes another's place
    if (old) forget(kept);
    kept.replaceChildren(section);
    const fresh = await present(section);
    if (turn !== state.asked) return;
    at("told").textContent = words;
    if (old && old.title === fresh.title) await inherit(old, fresh);
    Object.assign(state, { plot: fresh, memory: null });
    kept.style.minHeight = "";
    section.dataset.drawn = "";
  }

  function bare(words) {
    forget(at("plot"));
    at("plot").replaceChildren();
    at("told").textContent = words;
    Object.assign(state, { plot: null, memory: null });
  }

  // One number a condition across a setting: dots, and a line through their means.
  function across(ids, metric, setting, groups, labels) {
    const { columns } = state.data;
    const [x, y] = [`setting ${setting}`, `metric ${metric}`].map((key) => columns.findIndex((column) => column.key === key));
    const seeds = columns.findIndex((column) => column.key === "setting seed");
    const others = columns.map((column, i) => [column, i]).filter(([column, i]) => column.kind === "setting" && i !== x && i !== seeds).map(([, i]) => i);
    const families = new Map();
    for (const id of ids) {
      const row = rowOf(id);
      if (!row || typeof row[x] !== "number" || typeof row[y] !== "number") continue;
      const key = JSON.stringify(others.map((i) => row[i]));
      if (!families.has(key)) families.set(key, []);
      families.get(key).push({ x: row[x], y: row[y], label: labels.get(id) });
    }
    const differ = others.filter((i) => new Set([...families.keys()].map((key) => JSON.stringify(JSON.parse(key)[others.indexOf(i)]))).size > 1);
    const lines = [];
    for (const [key, points] of families) {
      const cells = JSON.parse(key);
      const group = differ.map((i) => `${columns[i].label}=${said(cells[others.indexOf(i)])}`).join(" ") || metric;
      const xs = [...new Set(points.map((point) => point.x))].sort((a, b) => a - b);
      const at_ = (value) => points.filter((point) => point.x === value).map((point) => point.y);
      const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
      lines.push({ name: group, group, dots: true, x: xs, y: xs.map((value) => mean(at_(value))), text: xs.map((value) => `n = ${at_(value).length} ${at_(value).length === 1 ? "condition" : "conditions"}`) });
      if (points.length > xs.length) lines.push({ name: group, group, dots: true, faint: true, x: points.map((point) => point.x), y: points.map((point) => point.y), text: points.map((point) => point.label) });
    }
    const drawn = [...families.values()].reduce((sum, points) => sum + points.length, 0);
    const told = drawn < ids.length ? [`${ids.length - drawn} chosen without ${setting} or ${metric}.`] : [];
    if (lines.some((line) => line.faint)) told.push("Each point of a line is the mean over conditions; faint: single ones.");
    return { lines, told: [...told, "The study's own figures, below, have intervals."] };
  }

  // ---- one condition

  function part(kind, words, className = "") {
    const node = document.createElement(kind);
    Object.assign(node, { textContent: words, className });
    return node;
  }

  function pairs(entries) {
    const list = document.createElement("dl");
    for (const [name, value] of entries) list.append(part("dt", name), part("dd", value));
    return list;
  }

  async function open(id) {
    const dialog = at("detail");
    const close = part("button", "Close", "close");
    close.addEventListener("click", () => dialog.close());
    let found;
    try {
      found = await source.condition(id);
    } catch (error) {
      return say(String(error.message));
    }
    const title = part("h2", found?.label ?? rowOf(id)?.[0] ?? id);
    title.id = "detail-title";
    const parts = [close, title];
    if (!found) parts.push(part("p", "Its details were left out of this file to keep it small."));
    else {
      parts.push(part("p", [found.id, found.status, found.ending].filter(Boolean).join(" · "), "soft"));
      if (found.trouble) parts.push(part("p", found.trouble, "warnings"));
      if (found.transcripts?.logs) parts.push(transcripts(id, found.transcripts));
      if (found.traceback) parts.push(part("h3", "What happened"), part("pre", found.traceback));
      parts.push(part("h3", "Settings"), pairs(found.settings));
      if (found.facts.length) parts.push(part("h3", "What it stands on"), pairs(found.facts));
      found.environments.forEach((each, i) => parts.push(part("h3", found.environments.length > 1 ? `Environment ${i + 1}` : "Environment"), pairs(each)));
    }
    dialog.replaceChildren(...parts);
    if (!dialog.open) dialog.showModal();
  }

  function transcripts(id, { logs, install }) {
    const line = part("p", "");
    if (install) line.append(`${logs} of Inspect's logs. ${install}`);
    else {
      const link = part("a", "Read the transcripts in Inspect's viewer");
      Object.assign(link, { href: `transcripts/${encodeURIComponent(id)}/`, target: "_blank", rel: "noopener noreferrer" });
      line.append(link, ` (${logs} ${logs === 1 ? "log" : "logs"}; the first time takes a few seconds)`);
    }
    return line;
  }

  // ---- what the study found

  // Judging takes seconds, and following the store does not wait for it.
  async function judge() {
    if (state.judging || state.judged.get(state.study) === state.versions.get(state.study)) return;
    state.judging = true;
    try {
      await showFindings(state.study);
    } catch (error) {
      at("waiting").textContent = `The claims cannot be judged: ${error.message}`;
    } finally {
      state.judging = false;
    }
  }

  async function showFindings(study) {
    const { version, nodes } = await source.findings(study);
    if (study !== state.study || state.judged.get(study) === version) return;
    const [above, below] = [at("judged"), at("found")];
    const opened = [...above.querySelectorAll("details")].map((each) => each.open);
    const old = new Map(figures.filter((figure) => below.contains(figure.section)).map((figure) => [figure.title, remember(figure)]));
    const parts = nodes.filter((node) => node.nodeType === 1);
    const claims = parts.filter((node) => node.getAttribute("aria-labelledby") === "claims");
    const troubled = parts.filter((node) => node.matches(".warnings"));
    forget(below);
    at("waiting").replaceChildren(...troubled);
    above.replaceChildren(...claims);
    below.replaceChildren(...parts.filter((node) => !claims.includes(node) && !troubled.includes(node)));
    above.querySelectorAll("details").forEach((each, i) => { each.open = opened[i] ?? false; });
    listVerdicts(above);
    state.judged.set(study, version);
    for (const section of below.querySelectorAll("figure.figure")) {
      const fresh = await present(section);
      if (old.has(fresh.title)) await inherit(old.get(fresh.title), fresh);
    }
  }

  // One badge a claim; it opens the claims at its own.
  function listVerdicts(above) {
    const rows = [...above.querySelectorAll("table.claims > tbody")];
    at("claims-part").hidden = !rows.length;
    at("verdicts").replaceChildren(...rows.map((row) => {
      const [item, button] = [document.createElement("li"), part("button", `${row.querySelector(".id").textContent} `, `badge ${row.className}`)];
      button.type = "button";
      button.append(...[...row.querySelector(".badge").childNodes].map((node) => node.cloneNode(true)));
      button.title = row.querySelector(".sentence").textContent;
      button.addEventListener("click", () => {
        at("claims-part").open = true;
        row.scrollIntoView({ block: "center" });
      });
      item.append(button);
      return item;
    }));
  }

  // ---- following the store

  function listStudies(studies) {
    const buttons = studies.map(({ name, conditions: count }) => {
      const button = part("button", `${name} (${count.toLocaleString("en")})`);
      button.type = "button";
      button.setAttribute("aria-pressed", String(name === state.study));
      button.addEventListener("click", () => { state.study = name; follow(); });
      return button;
    });
    at("studies").replaceChildren(...buttons);
    at("studies").hidden = studies.length < 2;
  }

  async function follow() {
    const { studies } = await source.now();
    if (!studies.length) {
      at("waiting").textContent = "The store holds no condition yet. This page fills itself as soon as one begins.";
      return;
    }
    if (!studies.some(({ name }) => name === state.study)) state.study = studies[0].name;
    listStudies(studies);
    const { version } = studies.find(({ name }) => name === state.study);
    if (state.data?.study !== state.study || state.versions.get(state.study) !== version) {
      if (state.data?.study !== state.study) {
        state.judged.delete(state.study);
        forget(at("found"));
        for (const id of ["found", "judged", "verdicts"]) at(id).replaceChildren();
        at("claims-part").hidden = true;
        at("waiting").textContent = "Judging the claims …";
      }
      const data = await source.table(state.study);
      state.versions.set(state.study, data.version);
      showTable(data);
      await plot();
      document.documentElement.dataset.shown = state.study;
    }
    judge();
  }

  function live(words, lost = false) {
    at("live").textContent = words;
    at("live").classList.toggle("lost", lost);
  }

  async function keep() {
    try {
      await follow();
      live(given.mode === "file" ? given.made : `live, ${new Date().toLocaleTimeString("en-GB")}`);
    } catch (error) {
      live(`not live: ${error.message}`, true);
    }
    document.documentElement.dataset.followed = String(Number(document.documentElement.dataset.followed ?? 0) + 1);
    if (given.mode !== "file") setTimeout(keep, document.hidden ? ASLEEP : LIVE);
  }

  // ---- the reader

  at("search").addEventListener("input", (event) => conditions.search(event.target.value));
  at("unfilter").addEventListener("click", () => { at("search").value = ""; conditions.unfilter(); });
  at("clear").addEventListener("click", () => conditions.choose([...conditions.chosen], false));
  at("choose").addEventListener("click", () => conditions.choose(conditions.passing().slice(0, 500), true));
  at("columns").addEventListener("click", (event) => {
    const shown = at("column-list").toggleAttribute("hidden") === false;
    event.target.setAttribute("aria-expanded", String(shown));
  });
  for (const id of ["metric", "axis", "log-y", "log-x"]) at(id).addEventListener("change", plot);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) follow().catch(() => {}); });
  at("detail").addEventListener("click", (event) => { if (event.target === at("detail")) at("detail").close(); });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#condition="]');
    if (!link) return;
    event.preventDefault();
    open(decodeURIComponent(link.getAttribute("href").slice("#condition=".length)));
  });
  if (given.notes?.length) {
    at("notes").replaceChildren(...given.notes.map((words) => part("li", words)));
    at("notes").hidden = false;
  }
  keep();
})();
