// Keys, and the start of it all.
"use strict";

const help = document.getElementById("help");
const narrow = window.matchMedia("(max-width: 860px)");

const LIST_KEYS = {
  ArrowUp: () => step(-1),
  ArrowDown: () => step(1),
  Home: () => step(-found.length),
  End: () => step(found.length),
  PageUp: () => step(-Math.max(Math.floor(list.clientHeight / ROW_PX), 1)),
  PageDown: () => step(Math.max(Math.floor(list.clientHeight / ROW_PX), 1)),
  Enter: () => {
    document.body.classList.add("open");
    selected.focus();
  },
};
const KEYS = {
  k: () => step(-1),
  j: () => step(1),
  "/": () => inputs.search.focus(),
  "?": () => help.showModal(),
  Escape: () => {
    document.body.classList.remove("open");
    list.focus();
  },
};
const SET_KEYS = {
  ArrowLeft: () => turn(shown, shown.view - 1),
  ArrowRight: () => turn(shown, shown.view + 1),
  " ": () => toggle(shown),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  const at = event.target;
  if (at.matches("input, select")) {
    if (event.key === "Escape" || (event.key === "Enter" && at === inputs.search)) list.focus();
    return;
  }
  if (at.matches("button") && [" ", "Enter"].includes(event.key)) return;
  const inSet = selected.contains(at) && at !== document.body;
  const ready = shown?.cards;
  const track = ready && shown.sound && /^[0-9]$/.test(event.key) ? shown.sound.sources.indexOf(Number(event.key) - 1) : -1;
  const act = KEYS[event.key] || (ready && SET_KEYS[event.key]) || (!inSet && LIST_KEYS[event.key]) || (track >= 0 && (() => hear(shown, track)));
  if (!act) return;
  event.preventDefault();
  act();
});

document.getElementById("help-open").addEventListener("click", () => help.showModal());
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => shown?.cards && draw(shown));

startList();
performance.mark("listed");
// The list is painted before the first set is built.
requestAnimationFrame(() => setTimeout(() => {
  const wanted = Number(location.hash.slice(1));
  const known = Number.isInteger(wanted) && wanted >= 0 && wanted < index.sets.length;
  if (index.sets.length) choose(known ? wanted : 0, location.hash !== "" && narrow.matches);
}));
