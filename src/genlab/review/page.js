// The review page: texts one by one, a click or key for each criterion. clicks.js stands before this in the same script.

// ---- showing

function say(words) {
  $("live").textContent = words;
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function show(where, focus = true) {
  place = Math.max(0, Math.min(where, order.length));
  const item = items.get(order[place]);
  remember(`place of ${rater.toLowerCase()}`, order[place] ?? "");
  for (const [id, on] of Object.entries({ door: false, item: item, end: !item, bar: true, tools: true })) $(id).hidden = !on;
  if (item) draw(item);
  else drawEnd();
  status();
  scrollTo(0, 0);
  if (focus) (item ? firstOpen(item) : document.querySelector("#open button, #end .last")).focus({ preventScroll: true });
}

function draw(item) {
  $("item").setAttribute("aria-label", `Text ${place + 1} of ${order.length}`);
  $("topic").textContent = item.topic;
  $("limit").textContent = item.limit;
  $("text").textContent = item.text || "(The text is empty.)";
  $("text").classList.toggle("none", !item.text.trim());
  $("text").scrollTop = 0;
  $("rest").textContent = item.rest;
  $("note").value = valueOf(item, "note") ?? "";
  $("criteria").replaceChildren(...item.criteria.map((criterion, i) => drawn(item, criterion, i)));
}

function drawn(item, criterion, i) {
  const name = element("h3", { id: `name-${i}`, textContent: criterion.kind === "skill" ? criterion.name : criterion.name[0].toUpperCase() + criterion.name.slice(1) });
  const words = element("div", {}, name, element("p", { id: `words-${i}`, textContent: criterion.definition }));
  if (criterion.example) words.append(element("p", { className: "example", textContent: `For example: ${criterion.example}` }));
  const buttons = POINTS.map(([value, label]) => {
    const button = element("button", { type: "button", textContent: label });
    button.setAttribute("role", "radio");
    button.dataset.point = value;
    button.addEventListener("click", () => rate(item, i, value, false));
    return button;
  });
  const group = element("div", { className: "points" }, ...buttons);
  for (const [attribute, value] of Object.entries({ role: "radiogroup", "aria-labelledby": `name-${i}`, "aria-describedby": `words-${i}` })) group.setAttribute(attribute, value);
  const row = element("div", { className: "criterion" }, words, group);
  mark(row, point(item, criterion));
  return row;
}

function mark(row, value) {
  row.dataset.point = value ?? "";
  const buttons = [...row.querySelectorAll("button")];
  for (const button of buttons) button.setAttribute("aria-checked", String(button.dataset.point === String(value)));
  for (const button of buttons) button.tabIndex = button === stop(row) ? 0 : -1;
}

// The one button of a criterion that Tab and the arrows reach: what was chosen, else the first.
const stop = (row) => row.querySelector("[aria-checked=true]") ?? row.querySelector("button");
const rows = () => [...document.querySelectorAll(".criterion")];
const current = () => rows().findIndex((row) => row.contains(document.activeElement));

function firstOpen(item) {
  const i = item.criteria.findIndex((criterion) => point(item, criterion) === null);
  return i < 0 ? $("next") : stop(rows()[i]);
}

function status() {
  const item = items.get(order[place]);
  const finished = all().filter(done).length;
  $("count").textContent = `${finished} of ${order.length} done`;
  Object.assign($("progress"), { max: order.length, value: finished });
  $("who").textContent = rater;
  document.title = `${finished} of ${order.length} · Review of texts`;
  const open = item ? missing(item).length : 0;
  $("hint").textContent = !item ? "" : open ? `text ${place + 1} of ${order.length}, ${open} open` : `text ${place + 1} of ${order.length}`;
  $("next").classList.toggle("ready", Boolean(item) && !open);
  for (const [kind, off] of Object.entries({ back: place === 0, undo: !undoable.length, skip: !item || !open, next: !item })) {
    document.querySelector(`.tools [data-do=${kind}]`).disabled = off;
  }
}

function drawEnd() {
  const left = all().filter((item) => !done(item));
  const keeping = served ? "Everything is saved: you can close this page." : "Download your ratings, and send the file to whoever gave you this page.";
  $("over").textContent = left.length ? `${left.length} of ${order.length} still open` : `All ${order.length} done. Thank you!`;
  document.querySelector("#end .last").classList.toggle("go", !served || !left.length);
  say($("over").textContent);
  $("over-words").textContent = left.length ? "Choose one to go back to it, or leave it at that." : keeping;
  $("open").replaceChildren(...left.map((item) => {
    const where = order.indexOf(item.id);
    const button = element("button", { type: "button", textContent: `Text ${where + 1}${skipped(item) ? " (skipped)" : ""}` });
    button.addEventListener("click", () => show(where));
    return button;
  }));
}

// ---- doing

function rate(item, i, value, onward) {
  const criterion = item.criteria[i];
  const before = point(item, criterion);
  if (before !== value) act(item, { criterion: criterion.name, value });
  mark(rows()[i], value);
  status();
  const open = missing(item).length;
  say(`${criterion.name}: ${WORDS[value]}.${open ? "" : " All criteria rated: Enter for the next text."}`);
  if (onward) (rows()[i + 1] ? stop(rows()[i + 1]) : open ? firstOpen(item) : $("next")).focus();
  else stop(rows()[i]).focus({ preventScroll: true });
}

function next() {
  const item = items.get(order[place]);
  if (!item) return;
  noteDown();
  const open = missing(item).length;
  if (open && !skipped(item)) {
    firstOpen(item).focus();
    $("hint").textContent = `${open} open: rate, or skip with s`;
    say(`${open} criteria are open. Rate them, or press s to skip this text.`);
    return;
  }
  show(place + 1);
}

function back() {
  noteDown();
  if (place > 0) show(place - 1);
}

function skip() {
  const item = items.get(order[place]);
  if (!item || done(item)) return;
  noteDown();
  if (!skipped(item)) act(item, { skipped: true });
  show(place + 1);
  say("Skipped.");
}

function undo() {
  noteDown();
  const last = undoable.at(-1);
  if (!last) return say("There is nothing to undo.");
  const item = items.get(last.item);
  const field = fieldOf(last);
  const before = field === "note" ? last.before ?? "" : field === "skipped" ? last.before ?? false : last.before;
  act(item, field === "value" ? { criterion: last.criterion, value: before, undo: true } : { [field]: before, undo: true });
  show(order.indexOf(item.id), false);
  const i = item.criteria.findIndex((criterion) => criterion.name === last.criterion);
  (field === "note" ? $("note") : i < 0 ? firstOpen(item) : stop(rows()[i])).focus();
  say(field === "value" ? `Undone: ${last.criterion}.` : `Undone: ${field === "note" ? "the note" : "skipping"}.`);
}

function noteDown() {
  clearTimeout(noting);
  const item = items.get(order[place]);
  if (!item || $("item").hidden || !rater) return;
  if ($("note").value !== (valueOf(item, "note") ?? "")) {
    act(item, { note: $("note").value });
    status();
  }
}

const actions = { next, back, skip, undo, download };

function typed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || $("item").hidden && $("end").hidden) return;
  if (event.target === $("note")) {
    if (event.key !== "Escape") return;
    noteDown();
    const open = items.get(order[place]);
    firstOpen(open).focus();
    return;
  }
  const item = items.get(order[place]);
  const at = current();
  const onButton = event.target instanceof HTMLButtonElement && at < 0;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const move = { ArrowDown: 1, ArrowUp: -1 }[key];
  const aside = { ArrowRight: 1, ArrowLeft: -1 }[key];
  if (event.repeat && !move && !aside) return;
  if (item && key in KEYS) rate(item, at < 0 ? Math.max(0, rows().indexOf(firstOpen(item).closest(".criterion"))) : at, KEYS[key], true);
  else if (item && move && event.target !== $("text")) stop(rows()[at < 0 ? (move > 0 ? 0 : rows().length - 1) : (at + move + rows().length) % rows().length]).focus();
  else if (item && aside && at >= 0) {
    const buttons = [...rows()[at].querySelectorAll("button")];
    buttons[(buttons.indexOf(document.activeElement) + aside + buttons.length) % buttons.length].focus();
  } else if (key === "Enter" && (!onButton || event.target === $("next"))) next();
  else if (key === "Backspace") back();
  else if (key === "s") skip();
  else if (key === "z") undo();
  else if (key === "n" && item) $("note").focus();
  else return;
  event.preventDefault();
}

// ---- the beginning

const welcome = () => (items.size === 1 ? "Grade one short text" : `Grade ${items.size} short texts`);

async function enter() {
  const left = order.indexOf(await remembered(`place of ${rater.toLowerCase()}`));
  const open = all().findIndex((item) => !done(item) && !skipped(item));
  show(left >= 0 ? left : open >= 0 ? open : order.length);
}

$("note").addEventListener("input", () => { clearTimeout(noting); noting = setTimeout(noteDown, 800); });
$("note").addEventListener("change", noteDown);
