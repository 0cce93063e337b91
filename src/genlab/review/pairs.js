// The page of pairs: two pictures at a time, one must be chosen. clicks.js stands before this in the same script, door.js after it.

const LEFT = "left";
let since = 0; // when this pair came on the screen

function say(words) {
  $("live").textContent = words;
}

function noteDown() {} // there are no notes here

// The first open pair, or one that is given: pairs come one after the other, and only "undo" goes back.
function show(where = all().findIndex((item) => !done(item))) {
  place = where < 0 ? order.length : where;
  const item = items.get(order[place]);
  for (const [id, on] of Object.entries({ door: false, item: item, end: !item, bar: true, tools: true })) $(id).hidden = !on;
  const finished = all().filter(done).length;
  $("count").textContent = `${finished} of ${order.length} done`;
  Object.assign($("progress"), { max: order.length, value: finished });
  $("who").textContent = rater;
  $("hint").textContent = item ? `${order.length - finished} left` : "";
  document.querySelector(".tools [data-do=undo]").disabled = !undoable.length;
  document.title = `${finished} of ${order.length} · Which picture looks like it?`;
  if (item) draw(item);
  else drawEnd();
  scrollTo(0, 0);
}

function draw(item) {
  $("question").textContent = item.question;
  $("left").src = item.left;
  $("right").src = item.right;
  if (document.activeElement instanceof HTMLElement) document.activeElement.blur(); // no picture stays marked from the pair before
  say(`Pair ${all().filter(done).length + 1} of ${order.length}. ${item.question}`);
  since = performance.now();
}

function drawEnd() {
  $("over").textContent = `All ${order.length} done. Thank you!`;
  $("over-words").textContent = served ? "Everything is saved: you can close this page." : "Download your ratings, and send the file to whoever gave you this page.";
  document.querySelector("#end .last").classList.toggle("go", !served);
  document.querySelector("#end .last").focus({ preventScroll: true });
  say($("over").textContent);
}

function choose(left, event) {
  const item = items.get(order[place]);
  if (!item || $("item").hidden || event?.detail > 1) return; // the second click of a double one is meant for the pair before
  act(item, { criterion: LEFT, value: left ? 1 : 0, seconds: Math.round(performance.now() - since) / 1000 });
  show();
}

function undo() {
  const last = undoable.at(-1);
  if (!last) return say("There is nothing to undo.");
  act(items.get(last.item), { criterion: LEFT, value: last.before, undo: true });
  show(order.indexOf(last.item));
}

const welcome = () => (items.size === 1 ? "Look at one pair of pictures" : `Look at ${items.size} pairs of pictures`);
const enter = () => show();
const actions = { left: (event) => choose(true, event), right: (event) => choose(false, event), undo, download };

function typed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat || $("item").hidden && $("end").hidden) return;
  if (event.key === "ArrowLeft") choose(true);
  else if (event.key === "ArrowRight") choose(false);
  else if (event.key.toLowerCase() === "z" || event.key === "Backspace") undo();
  else return;
  event.preventDefault();
}
