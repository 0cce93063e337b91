// What a rater clicks on the review page, and where each click is kept: at the server, or in this browser. The page's own script goes on.
"use strict";

const given = JSON.parse(document.getElementById("given").textContent);
const served = given.mode === "served";
const items = new Map(given.items.map((item) => [item.id, item]));
const POINTS = [[1, "Yes"], [0, "No"], ["unsure", "Unsure"]];
const WORDS = Object.fromEntries(POINTS);
const KEYS = { 1: 1, 0: 0, u: "unsure" };
const NAME = /^[\p{L}\p{M}\p{N} ._'’@+-]{1,60}$/u;
const RETRY = 2000; // milliseconds
const $ = (id) => document.getElementById(id);

let rater = "";
let order = []; // ids of all items, as this rater meets them
let place = 0; // in order; order.length is the last page
let clicks = []; // every record of this rater, first to last
let values = new Map(); // what the clicks come to: key to value
let undoable = []; // what "undo" would put back, last first out
let noting = null; // timer

// ---- what the clicks come to

const fieldOf = (record) => ["value", "note", "skipped"].find((field) => field in record);
const keyOf = (item, field, criterion = "") => [item, field, criterion].join("\n");
const valueOf = (item, field, criterion) => values.get(keyOf(item.id, field, criterion)) ?? null;
const point = (item, criterion) => valueOf(item, "value", criterion.name);
const missing = (item) => item.criteria.filter((criterion) => point(item, criterion) === null);
const done = (item) => missing(item).length === 0;
const skipped = (item) => !done(item) && valueOf(item, "skipped") === true;
const all = () => order.map((id) => items.get(id));

function fold(record) {
  const key = keyOf(record.item, fieldOf(record), record.criterion);
  if (record.undo) undoable.pop();
  else undoable.push({ ...record, before: values.get(key) ?? null });
  values.set(key, record[fieldOf(record)]);
}

function start(records) {
  [clicks, values, undoable] = [[], new Map(), []];
  const seen = new Set();
  for (const record of records) {
    if (seen.has(record.id) || !items.has(record.item)) continue;
    seen.add(record.id);
    clicks.push(record);
    fold(record);
  }
}

function make(item, fields) {
  const id = [...crypto.getRandomValues(new Uint8Array(8))].map((each) => each.toString(16).padStart(2, "0")).join("");
  return { id, rater, item: item.id, version: item.version, ...fields, at: new Date().toISOString() };
}

function act(item, fields) {
  const record = make(item, fields);
  clicks.push(record);
  fold(record);
  keep(record);
}

// Each rater meets the texts in an order of their own, which is the same after every reload: FNV-1a, then mixed once more.
function shuffled(name) {
  const rank = (id) => {
    let hash = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(`${name.toLowerCase()}\x1f${id}`)) hash = Math.imul(hash ^ byte, 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    return (hash ^ (hash >>> 13)) >>> 0;
  };
  return [...items.keys()].sort((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1));
}

// ---- keeping: at the server, or in this browser

// A database of the browser's own: Chromium may forget what a local file put into localStorage seconds before a reload.
const shelf = {
  base: null,
  open() {
    return new Promise((resolve) => {
      const failed = () => resolve(null);
      try {
        const asked = indexedDB.open(`genlab review ${given.review}`, 1);
        asked.onupgradeneeded = () => { asked.result.createObjectStore("clicks", { autoIncrement: true }); asked.result.createObjectStore("marks"); };
        asked.onsuccess = () => { this.base = asked.result; resolve(this.base); };
        asked.onerror = failed;
      } catch { failed(); }
    });
  },
  // Whether it was written; without a key, after everything else in the store.
  put(store, value, key) {
    return new Promise((resolve) => {
      try {
        const change = this.base.transaction(store, "readwrite", { durability: "strict" });
        change.oncomplete = () => resolve(true);
        change.onerror = change.onabort = () => resolve(false);
        change.objectStore(store).put(value, key);
        change.commit();
      } catch { resolve(false); }
    });
  },
  // One value, or without a key all of them in the order they came.
  get(store, key) {
    return new Promise((resolve) => {
      try {
        const shelved = this.base.transaction(store).objectStore(store);
        const asked = key === undefined ? shelved.getAll() : shelved.get(key);
        asked.onsuccess = () => resolve(asked.result ?? null);
        asked.onerror = () => resolve(null);
      } catch { resolve(null); }
    });
  },
};
const remember = (mark, value) => shelf.put("marks", value, mark);
const remembered = (mark) => shelf.get("marks", mark);
const same = (name) => name.toLowerCase() === rater.toLowerCase();

let waiting = []; // records that the server has not acknowledged
let sending = false;
let keeping = 0; // records that this browser has not acknowledged

function keep(record) {
  if (!served) return keepHere(record);
  hold([...waiting, record]);
  if (!sending) send();
}

async function keepHere(record) {
  keeping += 1;
  kept("Keeping …", "waiting");
  const fine = await shelf.put("clicks", { rater: rater.toLowerCase(), record });
  keeping -= 1;
  if (!fine) {
    kept("Not kept", "failed");
    trouble("This browser keeps nothing for this page. Download your ratings before you close it.");
  } else if (!keeping) kept("Kept here");
}

// What is on its way is held in the browser too: a page that is reloaded in between sends it again, and the id tells it is the same.
function hold(records) {
  waiting = records;
  remember("waiting", waiting);
}

async function send() {
  sending = true;
  while (waiting.length) {
    const part = waiting.slice(0, 50);
    kept("Saving …", "waiting");
    try {
      const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ records: part }), keepalive: true, signal: AbortSignal.timeout(15000) };
      const reply = await fetch("ratings", options);
      if (!reply.ok) throw new Error((await reply.text()).trim());
      hold(waiting.slice(part.length));
      trouble("");
    } catch (error) {
      kept(`${waiting.length} not saved`, "failed");
      const why = error instanceof TypeError || error.name === "TimeoutError" ? "the server does not answer; is genlab review still running?" : error.message;
      trouble(`Not saved yet: ${why} This page goes on trying. To be safe, download your ratings.`);
      await new Promise((resolve) => setTimeout(resolve, RETRY));
    }
  }
  kept("Saved");
  sending = false;
}

async function load() {
  if (!served) return ((await shelf.get("clicks")) ?? []).filter((each) => same(each.rater)).map((each) => each.record);
  const reply = await fetch(`ratings?rater=${encodeURIComponent(rater)}`, { signal: AbortSignal.timeout(15000) });
  if (!reply.ok) throw new Error((await reply.text()).trim());
  const records = await reply.json();
  const left = (await remembered("waiting")) ?? [];
  if (!waiting.length) hold(left);
  if (waiting.length && !sending) send();
  return [...records, ...left.filter((record) => same(record.rater))];
}

function kept(words, how = "") {
  $("kept").textContent = words;
  $("kept").className = `kept ${how}`;
}

function trouble(words) {
  $("trouble").hidden = !words;
  if ($("trouble-words").textContent !== words) $("trouble-words").textContent = words;
}

function download() {
  noteDown();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(clicks.map((record) => JSON.stringify(record) + "\n"), { type: "application/jsonl" }));
  link.download = `ratings-${rater.replaceAll(/[^\p{L}\p{N}]+/gu, "-").replaceAll(/^-|-$/g, "") || "mine"}-${given.review}.jsonl`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  say(`Saved as ${link.download}`);
}
