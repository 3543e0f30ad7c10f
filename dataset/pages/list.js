// The list of sets: only the rows in sight exist, so that its length costs nothing.
"use strict";

const ROW_PX = 126;
const SPARE_ROWS = 4;
const THUMBS = 4;
const LOAD_AFTER_MS = 70; // rows that fly past load nothing
const MOST_LOADING = 4;

const list = document.getElementById("list");
const rowsBox = document.getElementById("rows");
const inputs = Object.fromEntries(["search", "scene", "split"].map((id) => [id, document.getElementById(id)]));
const rows = new Map(); // place in the filtered list -> element
let found = []; // numbers of the sets that pass the filters
let chosen = -1; // number of the chosen set
const waiting = []; // rows that want their pictures
let loading = 0;

function startList() {
  const option = (value, textContent) => make("option", { value: String(value), textContent });
  inputs.scene.append(option(-1, `All scenes (${index.scenes.length})`), ...index.scenes.map((name, k) => option(k, name)));
  inputs.split.append(option("", "All splits"), ...index.splits.map((name, k) => option(k, name)));
  for (const input of Object.values(inputs)) input.addEventListener("input", filter);
  list.addEventListener("scroll", () => requestAnimationFrame(drawRows), { passive: true });
  list.addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    if (row) choose(found[row.place], true);
  });
  new ResizeObserver(drawRows).observe(list);
  document.getElementById("filters").addEventListener("submit", (event) => event.preventDefault());
  filter();
}

function filter() {
  const words = inputs.search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const scene = Number(inputs.scene.value);
  const split = inputs.split.value;
  found = [];
  index.sets.forEach(([sceneOf, splitOf, name], number) => {
    if (scene >= 0 && sceneOf !== scene) return;
    if (split !== "" && splitOf !== Number(split)) return;
    const text = `${name} ${index.scenes[sceneOf]}`.toLowerCase();
    if (words.every((word) => text.includes(word))) found.push(number);
  });
  const count = (n) => n.toLocaleString("en");
  const all = index.total > index.sets.length ? `${count(index.sets.length)} shown of ${count(index.total)}` : count(index.total);
  document.getElementById("count").textContent =
    found.length < index.sets.length ? `${count(found.length)} of ${count(index.sets.length)} sets` : `${all} sets`;
  for (const row of rows.values()) row.remove();
  rows.clear();
  rowsBox.style.height = `${found.length * ROW_PX}px`;
  list.querySelector(".nothing")?.remove();
  if (!found.length) list.append(make("p", { className: "nothing", textContent: "No set fits the filters." }));
  list.scrollTop = Math.max(found.indexOf(chosen) * ROW_PX - ROW_PX, 0);
  drawRows();
}

function drawRows() {
  const first = Math.max(Math.floor(list.scrollTop / ROW_PX) - SPARE_ROWS, 0);
  const last = Math.min(Math.ceil((list.scrollTop + list.clientHeight) / ROW_PX) + SPARE_ROWS, found.length);
  for (const [place, row] of rows) {
    if (place < first || place >= last) {
      clearTimeout(row.timer);
      row.remove();
      rows.delete(place);
    }
  }
  for (let place = first; place < last; place++) {
    if (!rows.has(place)) rows.set(place, addRow(place));
  }
}

function addRow(place) {
  const number = found[place];
  const [scene, split, name] = index.sets[number];
  const title = make("b", { textContent: name, title: name });
  const tag = make("span", { className: "tag", textContent: index.splits[split] });
  const thumbs = make("div", { className: "thumbs" });
  const row = make("div", { className: "row", id: `row-${number}` }, make("div", { className: "name" }, title, tag), thumbs);
  row.place = place;
  row.style.top = `${place * ROW_PX}px`;
  row.setAttribute("role", "option");
  row.setAttribute("aria-setsize", found.length);
  row.setAttribute("aria-posinset", place + 1);
  row.setAttribute("aria-selected", number === chosen);
  row.setAttribute("aria-label", `${name}, ${index.scenes[scene]}, ${index.splits[split]}`);
  for (let k = 0; k < THUMBS; k++) thumbs.append(make("figure", {}, make("div", { className: "blank" })));
  rowsBox.append(row);
  row.fill = () => fillRow(number, title, thumbs);
  row.timer = setTimeout(() => {
    waiting.push(row);
    loadRows();
  }, LOAD_AFTER_MS);
  return row;
}

// Few at a time, so that rows which are gone before their turn cost nothing.
function loadRows() {
  while (loading < MOST_LOADING && waiting.length) {
    const row = waiting.shift();
    if (!row.isConnected) continue;
    loading++;
    row.fill().finally(() => {
      loading--;
      loadRows();
    });
  }
}

async function fillRow(number, title, thumbs) {
  try {
    const facts = await block("facts", number);
    title.textContent = title.title = facts.set;
    const last = facts.pictures.length - 1;
    const views = Array.from({ length: Math.min(THUMBS, last + 1) }, (_, k) => (isWalk(facts) ? Math.round((k * last) / (THUMBS - 1)) : k));
    thumbs.replaceChildren(...views.map((view) => {
      const picture = facts.pictures[view];
      const azimuths = (facts.azimuth?.[view] || []).filter((a) => a !== null);
      const sides = azimuths.length > 1 ? azimuths.map(shortSide).join(" ") : azimuths.map((a) => `♪ ${side(a)}`).join("");
      const image = make("img", { src: jpeg(picture), alt: "", decoding: "async" });
      return make("figure", { title: azimuths.map(side).join(", ") }, image, make("figcaption", { textContent: sides }));
    }));
  } catch (error) {
    thumbs.replaceChildren(make("span", { className: "trouble", textContent: error.message }));
  }
}

// Mark a set as the chosen one and show it; `open` brings it to the front on narrow screens.
function choose(number, open = false) {
  if (number === undefined || number < 0) return;
  chosen = number;
  for (const row of rows.values()) row.setAttribute("aria-selected", row.id === `row-${number}`);
  const place = found.indexOf(number);
  if (place >= 0) {
    const top = place * ROW_PX;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + ROW_PX > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW_PX - list.clientHeight;
    drawRows();
    list.setAttribute("aria-activedescendant", `row-${number}`);
  }
  if (open) document.body.classList.add("open");
  history.replaceState(null, "", `#${number}`);
  showSet(number);
}

// Choose the set `steps` further in the filtered list.
function step(steps) {
  const place = found.indexOf(chosen);
  choose(found[Math.min(Math.max(place + steps, 0), found.length - 1)]);
}
