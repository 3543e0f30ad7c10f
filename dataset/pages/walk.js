// A walk: pictures that play with their recording, and a plan that follows. And what is around a listener: panoramas.
"use strict";

const isWalk = (facts) => Boolean(facts.time);
const sourcesAt = (facts, view) => facts.source_track?.[view] || facts.source_position || [];
const AROUND_PX = 1024;

// The last moment at or before a time in seconds.
function momentAt(facts, seconds) {
  let view = 0;
  while (view + 1 < facts.time.length && facts.time[view + 1] <= seconds + 1e-6) view++;
  return view;
}

// One card for all moments: picture, slider, and the spectrogram of the whole recording.
function walkCard(one) {
  const { facts } = one;
  const shot = make("canvas", { className: "shot", onclick: () => toggle(one) });
  describe(shot, "The camera's picture at the chosen moment, with the sources");
  const heard = make("canvas", { className: "heard", width: 320, height: 168, title: "Play from here", onclick: (event) => {
    if (!one.buffers) return;
    const box = heard.getBoundingClientRect();
    const seconds = ((event.clientX - box.left) / box.width) * one.buffers[0].duration;
    turn(one, momentAt(facts, seconds));
    play(one, seconds);
  } });
  describe(heard, "Spectrograms of the left and the right ear over the whole recording");
  const slider = make("input", { type: "range", min: 0, max: facts.time.length - 1, step: 1, value: 0, oninput: () => turn(one, Number(slider.value)) });
  slider.setAttribute("aria-label", "Moment");
  const button = make("button", { type: "button", textContent: "▶", title: "Play the walk", onclick: () => toggle(one) });
  button.setAttribute("aria-label", button.title);
  const caption = make("h3");
  const cue = make("p", { className: "note" });
  const box = make("section", { className: "view walk" }, make("header", {}, caption, button), shot, slider, heard, cue);
  return { box, shot, heard, button, slider, caption, cue };
}

function drawMoment(one) {
  const { facts, view } = one;
  const card = one.cards[0];
  card.slider.value = view;
  card.caption.textContent = `${show(facts.time[view], 1)} s · ${Math.round(facts.heading[view])}°`;
  const parts = sourcesAt(facts, view).map((_, s) => {
    const hidden = facts.in_sight && !facts.in_sight[view][s] ? ", out of sight" : "";
    return `${s + 1}: ${direction(facts, view, s)}, ${show(facts.distance?.[view][s], 1)} m${hidden}`;
  });
  card.cue.textContent = parts.join(" · ");
  drawShot(card.shot, facts, one.bitmaps[view], view);
}

// The ways of listener (white) and sources on the plan.
function drawWays(pen, facts, x, y) {
  const way = (places, color) => {
    for (const [width, stroke] of [[5, "#00000090"], [3, color]]) {
      pen.beginPath();
      places.forEach((place, k) => pen[k ? "lineTo" : "moveTo"](x(place), y(place)));
      pen.lineWidth = width;
      pen.strokeStyle = stroke;
      pen.stroke();
    }
  };
  way(facts.position, "#ffffff");
  (facts.source_track?.[0] || []).forEach((_, s) => way(facts.source_track.map((row) => row[s]), colorOf(s)));
}

// Draw the panorama of a view's position, with the sources.
async function drawAround(one) {
  if (!one.around) return;
  const { facts, view } = one;
  const image = await bitmapOf(facts.panoramas[facts.panorama_of[view]], "image/jpeg");
  if (one.view !== view) return;
  const pen = sized(one.around, AROUND_PX, AROUND_PX / 2);
  pen.drawImage(image, 0, 0, AROUND_PX, AROUND_PX / 2);
  const x = (heading) => ((((180 - heading) % 360) + 360) % 360) * (AROUND_PX / 360);
  const y = (elevation) => (90 - elevation) * (AROUND_PX / 360);
  (facts.azimuth?.[view] || []).forEach((azimuth, s) => {
    if (azimuth !== null) dot(pen, x(facts.heading[view] + azimuth), y(facts.elevation[view][s]), s);
  });
  viewNumber(pen, x(facts.heading[view]), y(0), view, true, 11);
}
