// How a rater comes to the page and leaves it. The script of the page itself stands before this: welcome, enter, actions, typed.

function door() {
  for (const [id, on] of Object.entries({ door: true, item: false, end: false, bar: false, tools: false })) $(id).hidden = !on;
  $("welcome").textContent = welcome();
  $("keeping").textContent = served
    ? "Every click is saved at once. Close the page whenever you like, and go on later under the same name."
    : "Every click is kept in this browser. At the end you download a file with your ratings and send it back.";
  $("name").focus();
}

async function begin(name) {
  rater = name;
  let records;
  try {
    records = await load();
  } catch (error) {
    rater = "";
    door();
    $("name-wrong").textContent = `Your earlier ratings could not be read: ${error.message || "the server does not answer"}`;
    return;
  }
  start(records);
  remember("rater", rater);
  order = shuffled(rater);
  kept(served ? "Saved" : "Kept here");
  await enter();
  const finished = all().filter(done).length;
  if (clicks.length) say(`Welcome back, ${rater}: ${finished} of ${order.length} done.`);
}

function leave() {
  noteDown();
  remember("rater", "");
  rater = "";
  door();
}

$("naming").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("name").value.trim().replaceAll(/\s+/g, " ").normalize("NFC");
  const fine = NAME.test(name);
  $("name-wrong").textContent = fine ? "" : "A name has letters, digits, blanks and . _ ' @ + - only, 60 at most.";
  if (fine) begin(name);
});
$("who").addEventListener("click", leave);
document.querySelectorAll("[data-do]").forEach((button) => button.addEventListener("click", (event) => actions[button.dataset.do](event)));
document.addEventListener("keydown", typed);
addEventListener("pagehide", noteDown);
addEventListener("beforeunload", (event) => { if (waiting.length) event.preventDefault(); });

async function arrive() {
  await shelf.open();
  const known = await remembered("rater");
  if (known && NAME.test(known)) await begin(known);
  else door();
  document.documentElement.dataset.ready = "";
}

arrive();
