// The selected set: strip of directions, plan, sources, and each view with its binaural sound.
"use strict";

const selected = document.getElementById("selected-set");
const HOP_FRAMES = 320;
let shown = null; // what the element holds: {number, facts, view, track, ...}

async function showSet(number) {
  if (shown?.number === number) return;
  player.stop();
  const one = (shown = { number, view: 0, track: 0, sounds: [] });
  try {
    const facts = (one.facts = await block("facts", number));
    const bitmaps = await Promise.all(facts.pictures.map((picture) => bitmapOf(picture, "image/jpeg")));
    if (shown !== one) return;
    one.bitmaps = bitmaps;
    build(one);
    await Promise.all([loadPlan(one), loadSound(one)]);
  } catch (error) {
    if (shown === one) selected.append(make("p", { className: "trouble", role: "alert", textContent: error.message }));
  }
}

async function loadPlan(one) {
  const plan = await block("plan", index.sets[one.number][0]);
  if (plan.image && !plan.bitmap) plan.bitmap = await bitmapOf(plan.image, "image/webp");
  if (shown !== one) return;
  one.plan = plan;
  drawPlan(one.planCanvas, one.facts, plan, one.view);
}

async function loadSound(one) {
  const sound = (one.sound = await block("sound", one.number));
  if (shown !== one) return;
  buildListen(one);
  await loadTrack(one, 0);
}

// Decode a track for all views and draw it; views share one scale of levels.
async function loadTrack(one, track) {
  one.track = track;
  for (const button of one.listen.querySelectorAll("[data-track]")) {
    button.setAttribute("aria-pressed", Number(button.dataset.track) === track);
  }
  if (!one.sound.tracks.length) return;
  one.sounds[track] ||= Promise.all(one.sound.tracks[track].map((view) => decoded(view, one.sound.rate)));
  const buffers = await one.sounds[track];
  if (shown !== one || one.track !== track) return;
  one.buffers = buffers;
  const hop = Math.max(Math.ceil(buffers[0].length / HOP_FRAMES), 32);
  const pictures = buffers.map((buffer) => spectrogram(buffer, hop));
  const peak = Math.max(...pictures.map((p) => p.peak));
  one.cards.forEach((card, k) => drawEars(card.heard, pictures[k], peak, buffers[k]));
  one.playButton.disabled = false;
}

function build(one) {
  const { facts, number } = one;
  const [scene, split] = index.sets[number];
  const tag = (textContent, kind) => make("span", { className: `tag ${kind}`, textContent });
  const button = (textContent, title, onclick, id = "") => make("button", { type: "button", textContent, title, onclick, id });
  const head = make("div", { className: "head" },
    button("‹ List", "Back to the list (Esc)", () => document.body.classList.remove("open"), "back"),
    make("h2", { textContent: facts.set }), tag(index.scenes[scene], "of-scene"), tag(index.splits[split], "of-split"),
    make("span", { className: "space" }),
    button("↑", "Set before (↑)", () => step(-1)), button("↓", "Set after (↓)", () => step(1)));
  head.querySelectorAll(".space ~ button").forEach((b) => b.setAttribute("aria-label", b.title));
  one.strip = isWalk(facts) ? null : make("canvas", { onclick: (event) => {
    const box = one.strip.getBoundingClientRect();
    turn(one, one.strip.viewAt(((event.clientX - box.left) / box.width) * STRIP_PX));
  } });
  if (one.strip) describe(one.strip, `Views by heading: ${facts.heading.map((h, k) => `view ${k + 1} at ${Math.round(h)} degrees`).join(", ")}`);
  one.planCanvas = make("canvas");
  describe(one.planCanvas, "Plan of the room from above with the listener, its views and the sources");
  one.sources = make("div");
  one.listen = make("div", { className: "listen" }, make("span", { className: "note", textContent: "Loading sound" }));
  one.cards = isWalk(facts) ? [walkCard(one)] : facts.pictures.map((_, view) => viewCard(one, view));
  const strips = [];
  if (one.strip) {
    one.stripBox = make("div", { className: "strip" }, one.strip);
    strips.push(make("section", { className: "box" }, make("h3", { textContent: "Views and sources by heading" }), one.stripBox));
  }
  one.around = facts.panoramas?.length ? make("canvas") : null;
  const arounds = [];
  if (one.around) {
    describe(one.around, "Panorama around the listener, headings from 180 degrees on the left to -180 on the right, with the sources");
    arounds.push(make("section", { className: "box plan" }, make("h3", { textContent: "Around the listener" }), one.around));
  }
  const [before, after] = isWalk(facts) ? [one.cards.map((card) => card.box), []] : [strips, one.cards.map((card) => card.box)];
  selected.replaceChildren(head, ...before,
    make("div", { className: "pair" },
      make("section", { className: "box plan" }, make("h3", { textContent: "From above" }), one.planCanvas),
      make("div", {},
        make("section", { className: "box" }, make("h3", { textContent: "Sources, from the selected view" }), one.sources),
        make("section", { className: "box" }, make("h3", { textContent: "Binaural sound" }), one.listen))),
    ...arounds,
    make("div", { className: "views" }, ...after));
  selected.scrollTop = 0;
  draw(one);
  if (one.strip) new ResizeObserver(() => centre(one)).observe(one.stripBox); // on narrow screens it has no width until it is opened
}

// Bring the chosen view to the middle of a strip that is wider than the screen.
function centre(one) {
  if (!one.strip) return;
  one.stripBox.scrollLeft = (one.strip.viewX(one.view) / STRIP_PX) * one.strip.clientWidth - one.stripBox.clientWidth / 2;
}

function describe(canvas, text) {
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", text);
}

function draw(one) {
  drawPlan(one.planCanvas, one.facts, one.plan || { extent: null }, one.view);
  drawAround(one);
  if (isWalk(one.facts)) {
    drawMoment(one);
    return fillSources(one);
  }
  drawPanorama(one.strip, one.facts, one.bitmaps, one.view);
  one.cards.forEach((card, view) => {
    card.box.classList.toggle("chosen", view === one.view);
    drawShot(card.shot, one.facts, one.bitmaps[view], view);
  });
  fillSources(one);
}

// Choose a view; a sound that plays goes on with its ears.
function turn(one, view) {
  if (view < 0 || view >= one.facts.heading.length) return;
  one.view = view;
  draw(one);
  centre(one);
  if (isWalk(one.facts)) {
    if (player.source) play(one, one.facts.time[view]);
    return;
  }
  const seen = one.cards[0].box.getBoundingClientRect().top < selected.clientHeight / 2;
  if (seen) one.cards[view].box.scrollIntoView({ block: "nearest" });
  if (player.source) play(one, player.time());
}

function viewCard(one, view) {
  const shot = make("canvas", { className: "shot", onclick: () => turn(one, view) });
  const heard = make("canvas", { className: "heard", width: 320, height: 168, title: "Play from here", onclick: (event) => {
    const box = heard.getBoundingClientRect();
    if (!one.buffers) return;
    turn(one, view);
    play(one, ((event.clientX - box.left) / box.width) * one.buffers[view].duration);
  } });
  const { heading, azimuth } = one.facts;
  const sides = (azimuth?.[view] || []).map((a, s) => `source ${s + 1} ${a === null ? "unknown" : side(a)}`).join(", ");
  describe(shot, `View ${view + 1}: ${sides}`);
  describe(heard, `Spectrograms of the left and the right ear in view ${view + 1}`);
  const button = make("button", { type: "button", textContent: "▶", title: `Play view ${view + 1}`, onclick: () => {
    const stop = player.source && one.view === view;
    turn(one, view);
    stop ? player.stop() : play(one, 0);
  } });
  button.setAttribute("aria-label", button.title);
  const top = make("header", {}, make("h3", { textContent: `View ${view + 1} · ${Math.round(heading[view])}°` }), button);
  const box = make("section", { className: "view" }, top, shot, heard, ...cues(one.facts, view));
  return { box, shot, heard, button };
}

const show = (value, digits, sign = false) =>
  value === null || value === undefined ? "–" : `${sign && value > 0 ? "+" : ""}${value.toFixed(digits)}`.replace("-", "−");
const mark = (source) => {
  const badge = make("span", { className: "mark", textContent: String(source + 1) });
  badge.style.background = colorOf(source);
  return badge;
};

const fact = (name, value) => make("span", {}, make("i", { textContent: name }), ` ${value}`);

// What each source is to the ears of a view: azimuth, decay time of each ear, differences in time and level.
function cues(facts, view) {
  const sources = facts.source_position?.length || facts.azimuth?.[view].length || 0;
  return Array.from({ length: sources }, (_, s) => {
    const ears = (facts.rt60?.[view][s] || [null]).map((t) => show(t, 2));
    const decay = fact("RT60", `${[...new Set(ears)].join(", ")} s`);
    Object.assign(decay, { className: "whole", title: "Left and right ear, from 30 dB of decay" });
    return make("div", { className: "cues" }, mark(s), make("b", { className: "whole", textContent: direction(facts, view, s) }),
      fact("ITD", `${show(facts.itd_us?.[view][s], 0, true)} µs`), fact("ILD", `${show(facts.ild_db?.[view][s], 1, true)} dB`), decay);
  });
}

function direction(facts, view, source) {
  const azimuth = facts.azimuth?.[view][source];
  return azimuth === null || azimuth === undefined ? "–" : side(azimuth);
}

function fillSources(one) {
  const { facts, view } = one;
  const place = (p) => `(${p.map((c) => show(c, 2)).join(", ")}) m`;
  const listener = `Listener at ${place(facts.position[view])}, heading ${show(facts.heading[view], 1)}°`;
  const lines = sourcesAt(facts, view).map((p, s) => {
    const height = facts.elevation?.[view][s];
    const above = height === null || height === undefined ? "" : `, ${show(Math.abs(height), 0)}° ${height < 0 ? "below" : "above"}`;
    const where = `${show(facts.distance?.[view][s], 2)} m away, ${direction(facts, view, s)}${above}; at ${place(p)}`;
    return make("div", { className: "source" }, mark(s), make("b", { textContent: facts.clips[s] || `Source ${s + 1}` }),
      make("span", { className: "note", textContent: where }));
  });
  const size = facts.head_scale === null || facts.head_scale === undefined || facts.head_scale === 1 ? "" : `, head ${show(facts.head_scale, 2)} times as large`;
  const ears = facts.ears ? `Ears: ${facts.ears}${size}` : size && `Head ${show(facts.head_scale, 2)} times as large as measured`;
  const notes = [listener, ears].filter(Boolean).map((textContent) => make("p", { className: "note", textContent }));
  one.sources.replaceChildren(...notes, ...lines);
}

function buildListen(one) {
  const { sound } = one;
  one.playButton = make("button", { type: "button", className: "play", textContent: "▶ Play", disabled: true, onclick: () => toggle(one) });
  const choices = sound.sources.length < 2 ? [] : sound.sources.map((source, track) => {
    const textContent = source < 0 ? "All" : `${source + 1}`;
    const button = make("button", { type: "button", textContent, title: source < 0 ? "All sources (0)" : `Source ${source + 1}`, onclick: () => hear(one, track) });
    button.dataset.track = track;
    return button;
  });
  const what = sound.response ? "responses of the room, without sound" : `from ${show(sound.start_s, 1)} s on`;
  const note = sound.tracks.length ? `${sound.seconds} s, ${what}, gain ${show(sound.gain_db, 1, true)} dB` : "This data set holds no sound.";
  const parts = sound.tracks.length ? [one.playButton, ...choices] : [];
  one.listen.replaceChildren(...parts, make("span", { className: "note", textContent: note }));
}

async function hear(one, track) {
  const playing = Boolean(player.source);
  await loadTrack(one, track);
  if (playing && one.track === track) play(one, player.time());
}

function toggle(one) {
  if (player.source) player.stop();
  else play(one, isWalk(one.facts) && one.view + 1 < one.facts.time.length ? one.facts.time[one.view] : 0);
}

function play(one, from) {
  if (!one.buffers) return;
  const place = isWalk(one.facts) ? 0 : one.view;
  const { button, heard } = one.cards[place];
  player.play(one.buffers[place], from, () => {
    button.textContent = "▶";
    one.playButton.textContent = "▶ Play";
    heard.redraw(0);
  });
  button.textContent = "■";
  one.playButton.textContent = "■ Stop";
  const source = player.source;
  const follow = () => {
    if (player.source !== source) return;
    heard.redraw(player.time() / player.buffer.duration);
    if (isWalk(one.facts) && shown === one && one.view !== momentAt(one.facts, player.time())) {
      one.view = momentAt(one.facts, player.time());
      draw(one);
    }
    requestAnimationFrame(follow);
  };
  follow();
}
