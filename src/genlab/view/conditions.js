// The table of conditions: sorted, searched, filtered by any column; which of them are chosen survives every change.

const said = (value) => (value === null ? "–" : typeof value === "number" && Number.isInteger(value) ? value.toLocaleString("en") : String(value));

class Conditions {
  // ``on`` hears what a reader does: chosen(ids), opened(id).
  constructor(place, on) {
    Object.assign(this, { place, on, chosen: new Set(), filters: new Map(), table: null, data: null, shown: null, study: null });
  }

  // The rows as they are now. A table of the same columns changes only where rows did.
  show(data) {
    const known = this.data && this.study === data.study && JSON.stringify(this.data.columns.map(({ key, numeric }) => [key, numeric])) === JSON.stringify(data.columns.map(({ key, numeric }) => [key, numeric]));
    const kept = this.table && !known && this.study === data.study ? this.state() : null;
    if (this.study !== data.study) {
      this.chosen.clear();
      this.filters.clear();
      this.shown = null;
    }
    Object.assign(this, { data, study: data.study, at: data.columns.findIndex((column) => column.key === "id") });
    this.shown ??= new Set(data.columns.filter((column) => column.shown).map((column) => column.key));
    const there = new Set(data.rows.map((row) => row[this.at]));
    for (const id of [...this.chosen]) if (!there.has(id)) this.chosen.delete(id);
    if (known) this.update();
    else this.build(kept);
  }

  state() {
    const key = ([place, way]) => [this.data.columns[place - 1]?.key, way];
    return { order: this.table.order().map(key), page: this.table.page(), length: this.table.page.len(), search: this.table.search() };
  }

  build(kept) {
    this.table?.destroy();
    const element = document.createElement("table");
    element.append(this.head());
    this.place.replaceChildren(element);
    const places = new Map(this.data.columns.map((column, place) => [column.key, place + 1]));
    const order = (kept?.order ?? [["label", "asc"]]).filter(([key]) => places.has(key)).map(([key, way]) => [places.get(key), way]);
    this.table = jQuery(element).DataTable({
      data: this.data.rows, order, autoWidth: false, deferRender: true, pageLength: kept?.length ?? 10, lengthMenu: [10, 25, 50, 100, 500], titleRow: 0,
      rowId: (row) => `row-${row[this.at]}`,
      columns: [{ data: null, orderable: false, searchable: false, className: "tick", render: (_, type, row) => (type === "display" ? this.tick(row[this.at]) : "") }, ...this.data.columns.map((column, place) => this.column(column, place))],
      createdRow: (tr, row) => tr.classList.toggle("chosen", this.chosen.has(row[this.at])),
      layout: { topStart: null, topEnd: null, bottomStart: ["info", "pageLength"], bottomEnd: "paging" },
      language: { info: "_START_ to _END_ of _TOTAL_", infoFiltered: "(of _MAX_)", infoEmpty: "none", lengthMenu: "_MENU_ a page", emptyTable: "No conditions yet.", zeroRecords: "No condition passes these filters." },
    });
    this.table.on("draw", () => this.paint());
    this.table.search.fixed("columns", (_, row) => this.passes(row));
    if (kept?.search) this.table.search(kept.search);
    this.table.draw();
    if (kept) this.table.page(Math.min(kept.page, Math.max(this.table.page.info().pages - 1, 0))).draw("page");
  }

  head() {
    const [head, titles, inputs] = ["thead", "tr", "tr"].map((kind) => document.createElement(kind));
    const [corner, below] = [document.createElement("th"), document.createElement("th")];
    [corner.className, below.className] = ["tick", "tick"];
    titles.append(corner);
    inputs.append(below);
    for (const column of this.data.columns) {
      const [title, cell, input] = [document.createElement("th"), document.createElement("th"), document.createElement("input")];
      title.textContent = column.label;
      title.title = column.label;
      if (column.numeric) title.className = "count";
      Object.assign(input, { type: "search", value: this.filters.get(column.key) ?? "", placeholder: column.numeric ? "> < .." : "filter" });
      input.setAttribute("aria-label", `Filter ${column.label}`);
      input.dataset.key = column.key;
      input.addEventListener("input", () => this.filter(column, input));
      cell.append(input);
      titles.append(title);
      inputs.append(cell);
      this.mark(column, input);
    }
    inputs.dataset.dtOrder = "disable";
    head.append(titles, inputs);
    return head;
  }

  column(column, place) {
    const render = (value, type, row) => {
      if (type === "display") return column.key === "label" ? this.name(value, row[this.at]) : this.words(said(value));
      if (type === "filter") return value === null ? "" : String(value);
      return column.numeric ? (value === null ? -Infinity : asNumber(value)) : value ?? "";
    };
    const createdCell = (cell, value) => {
      if (column.key === "status") cell.classList.add(`status-${value}`);
      if (column.key === "ending" && value === "diverged") cell.classList.add("diverged");
      if (typeof value === "string" && value.length > 30) cell.title = value;
    };
    return { data: place, type: column.numeric ? "num" : "string", className: column.numeric ? "count" : "", visible: this.shown.has(column.key), render, createdCell };
  }

  tick(id) {
    const box = document.createElement("input");
    Object.assign(box, { type: "checkbox", checked: this.chosen.has(id) });
    box.setAttribute("aria-label", "Plot this condition");
    box.addEventListener("change", () => this.choose([id], box.checked));
    return box;
  }

  // Cells are elements, never markup: what a record says stays text.
  words(text) {
    const span = document.createElement("span");
    span.textContent = text;
    return span;
  }

  name(label, id) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "name", textContent: label, title: label });
    button.addEventListener("click", () => this.on.opened(id));
    return button;
  }

  // Only the rows that changed are touched, so that a page, a choice and a place in the list stay.
  update() {
    const fresh = new Map(this.data.rows.map((row) => [row[this.at], row]));
    const gone = [];
    this.table.rows().every((place) => {
      const old = this.table.row(place).data();
      const row = fresh.get(old[this.at]);
      if (!row) gone.push(place);
      else if (JSON.stringify(row) !== JSON.stringify(old)) this.table.row(place).data(row);
      fresh.delete(old[this.at]);
    });
    this.table.rows(gone).remove();
    this.table.rows.add([...fresh.values()]);
    this.table.draw("full-hold");
  }

  paint() {
    this.table.rows({ page: "current" }).every((place) => {
      const [row, tr] = [this.table.row(place), this.table.row(place).node()];
      const on = this.chosen.has(row.data()[this.at]);
      tr.classList.toggle("chosen", on);
      tr.querySelector(".tick input").checked = on;
    });
  }

  choose(ids, on) {
    for (const id of ids) {
      if (on) this.chosen.add(id);
      else this.chosen.delete(id);
    }
    this.paint();
    this.on.chosen([...this.chosen]);
  }

  passing() {
    return this.table.rows({ search: "applied", order: "applied" }).data().toArray().map((row) => row[this.at]);
  }

  search(words) {
    this.table.search(words).draw();
  }

  filter(column, input) {
    if (input.value.trim()) this.filters.set(column.key, input.value);
    else this.filters.delete(column.key);
    this.mark(column, input);
    this.table.draw();
  }

  mark(column, input) {
    const test = cellTest(input.value, column.numeric);
    input.classList.toggle("active", Boolean(test));
    input.setCustomValidity(test === undefined ? "a number, >1, <=0.1, 0.1..0.3, =2, or -" : "");
  }

  passes(row) {
    for (const [key, typed] of this.filters) {
      const place = this.data.columns.findIndex((column) => column.key === key);
      const test = place >= 0 && cellTest(typed, this.data.columns[place].numeric);
      if (test && !test(row[place])) return false;
    }
    return true;
  }

  unfilter() {
    this.filters.clear();
    this.place.querySelectorAll("thead input").forEach((input) => { input.value = ""; input.classList.remove("active"); input.setCustomValidity(""); });
    this.table.search("").draw();
  }

  reveal(key, on) {
    if (on) this.shown.add(key);
    else this.shown.delete(key);
    this.table.column(this.data.columns.findIndex((column) => column.key === key) + 1).visible(on);
  }
}
